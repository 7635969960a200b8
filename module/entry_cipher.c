/* Encryption, decryption and message digesting functions (PKCS #11 3.2, 5.8 to 5.12), and the dual ones (5.16). */
#include "shape.h"

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_encrypt_init, session, mechanism, key);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return shape_transform(cross_encrypt, CKF_ENCRYPT, session, data, length, out, out_length);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return shape_transform(cross_encrypt_update, CKF_ENCRYPT, session, data, length, out, out_length);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *length)
{
    return shape_final(cross_encrypt_final, CKF_ENCRYPT, session, out, length);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_decrypt_init, session, mechanism, key);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return shape_transform(cross_decrypt, CKF_DECRYPT, session, data, length, out, out_length);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return shape_transform(cross_decrypt_update, CKF_DECRYPT, session, data, length, out, out_length);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *length)
{
    return shape_final(cross_decrypt_final, CKF_DECRYPT, session, out, length);
}

static long digest_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key)
{
    (void)key;
    return cross_digest_init(session, mechanism, length);
}

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)
{
    return shape_init(digest_init, session, mechanism, CK_INVALID_HANDLE);
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return shape_transform(cross_digest, CKF_DIGEST, session, data, length, out, out_length);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length)
{
    return shape_feed(cross_digest_update, CKF_DIGEST, session, data, length);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_digest_key(session, key));
    library_leave();
    return rv;
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *length)
{
    return shape_final(cross_digest_final, CKF_DIGEST, session, out, length);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out,
                            CK_ULONG *out_length)
{
    return shape_transform(cross_digest_encrypt_update, CKF_DIGEST | CKF_ENCRYPT, session, data, length, out,
                           out_length);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out,
                            CK_ULONG *out_length)
{
    return shape_transform(cross_decrypt_digest_update, CKF_DECRYPT | CKF_DIGEST, session, data, length, out,
                           out_length);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out,
                          CK_ULONG *out_length)
{
    return shape_transform(cross_sign_encrypt_update, CKF_SIGN | CKF_ENCRYPT, session, data, length, out,
                           out_length);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *out,
                            CK_ULONG *out_length)
{
    return shape_transform(cross_decrypt_verify_update, CKF_DECRYPT | CKF_VERIFY, session, data, length, out,
                           out_length);
}
