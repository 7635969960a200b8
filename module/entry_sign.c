/* Signing and MACing functions, and those that verify (PKCS #11 3.2, 5.13 to 5.16). */
#include "shape.h"

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_sign_init, session, mechanism, key);
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *signature_length)
{
    return shape_transform(cross_sign, CKF_SIGN, session, data, length, signature, signature_length);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length)
{
    return shape_feed(cross_sign_update, CKF_SIGN, session, data, length);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *length)
{
    return shape_final(cross_sign_final, CKF_SIGN, session, signature, length);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_sign_recover_init, session, mechanism, key);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature,
                    CK_ULONG *signature_length)
{
    return shape_transform(cross_sign_recover, CKF_SIGN_RECOVER, session, data, length, signature, signature_length);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_verify_init, session, mechanism, key);
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG signature_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (is_input(data, length) && is_input(signature, signature_length))
        rv = outcome(cross_verify(session, input(data), length, input(signature), signature_length));
    else rv = shape_refuse(session, CKF_VERIFY);
    library_leave();
    return rv;
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length)
{
    return shape_feed(cross_verify_update, CKF_VERIFY, session, data, length);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG length)
{
    return shape_feed(cross_verify_final, CKF_VERIFY, session, signature, length);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_verify_recover_init, session, mechanism, key);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG length, CK_BYTE *data,
                      CK_ULONG *data_length)
{
    return shape_transform(cross_verify_recover, CKF_VERIFY_RECOVER, session, signature, length, data, data_length);
}

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE *signature, CK_ULONG length)
{
    mechanism_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = mechanism_flatten(mechanism, &flat);
    if (!rv && !is_input(signature, length)) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = outcome(cross_verify_signature_init(session, flat.bytes, flat.length, key, input(signature), length));
    mechanism_free(&flat);
    library_leave();
    return rv;
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length)
{
    return shape_feed(cross_verify_signature, CKF_VERIFY, session, data, length);
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length)
{
    return shape_feed(cross_verify_signature_update, CKF_VERIFY, session, data, length);
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    return shape_end(cross_verify_signature_final, session);
}
