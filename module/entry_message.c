/* Message-based functions (PKCS #11 3.2, 5.9, 5.11, 5.14, 5.16). */
#include <stdint.h>

#include "message.h"

/* Of the mechanism of encrypted messages only the number crosses: each message has a parameter of its own. */
static CK_RV start(cross_init_t *cross, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    char flat[4];
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (!mechanism) rv = outcome(cross(session, flat, -1, key));
    else if (mechanism->mechanism > UINT32_MAX) rv = CKR_MECHANISM_INVALID;
    else if (!is_input(mechanism->pParameter, mechanism->ulParameterLen)) rv = CKR_MECHANISM_PARAM_INVALID;
    else {
        for (int i = 0; i < 4; i++) flat[i] = (char)(mechanism->mechanism >> (24 - 8 * i));
        rv = outcome(cross(session, flat, sizeof flat, key));
    }
    library_leave();
    return rv;
}

typedef long cross_message_t(CK_ULONG session, CK_ULONG *numbers, char *iv, char *tag, char *aad, CK_ULONG aad_length,
                             char *data, CK_ULONG length, char *out, long capacity);

static CK_RV whole(cross_message_t *cross, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length,
                   CK_BYTE *aad, CK_ULONG aad_length, CK_BYTE *data, CK_ULONG length, CK_BYTE *out,
                   CK_ULONG *out_length)
{
    message_t message;
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (is_input(aad, aad_length) && is_input(data, length) && out_length)
        rv = message_read(parameter, parameter_length, &message);
    else rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle_bytes(cross(session, message.numbers, (char *)message.iv, (char *)message.tag, input(aad),
                                aad_length, input(data), length, (char *)out, capacity(out, out_length)),
                          out, out_length);
    library_leave();
    return rv;
}

typedef long cross_message_begin_t(CK_ULONG session, CK_ULONG *numbers, char *iv, char *aad, CK_ULONG aad_length);

static CK_RV begin(cross_message_begin_t *cross, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length,
                   CK_BYTE *aad, CK_ULONG aad_length)
{
    message_t message;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = is_input(aad, aad_length) ? message_read(parameter, parameter_length, &message) : CKR_ARGUMENTS_BAD;
    if (!rv) rv = outcome(cross(session, message.numbers, (char *)message.iv, input(aad), aad_length));
    library_leave();
    return rv;
}

typedef long cross_message_next_t(CK_ULONG session, CK_ULONG *numbers, char *tag, char *data, CK_ULONG length,
                                  char *out, long capacity, CK_ULONG flags);

static CK_RV next(cross_message_next_t *cross, CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length,
                  CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length, CK_FLAGS flags)
{
    message_t message;
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (is_input(data, length) && out_length && !(flags & ~CKF_END_OF_MESSAGE))
        rv = message_read(parameter, parameter_length, &message);
    else rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle_bytes(cross(session, message.numbers, (char *)message.tag, input(data), length, (char *)out,
                                capacity(out, out_length), flags), out, out_length);
    library_leave();
    return rv;
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return start(cross_message_encrypt_init, session, mechanism, key);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *aad,
                       CK_ULONG aad_length, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return whole(cross_encrypt_message, session, parameter, parameter_length, aad, aad_length, data, length, out,
                 out_length);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *aad,
                            CK_ULONG aad_length)
{
    return begin(cross_encrypt_message_begin, session, parameter, parameter_length, aad, aad_length);
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *data,
                           CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length, CK_FLAGS flags)
{
    return next(cross_encrypt_message_next, session, parameter, parameter_length, data, length, out, out_length, flags);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
    return shape_end(cross_message_encrypt_final, session);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return start(cross_message_decrypt_init, session, mechanism, key);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *aad,
                       CK_ULONG aad_length, CK_BYTE *data, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    return whole(cross_decrypt_message, session, parameter, parameter_length, aad, aad_length, data, length, out,
                 out_length);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *aad,
                            CK_ULONG aad_length)
{
    return begin(cross_decrypt_message_begin, session, parameter, parameter_length, aad, aad_length);
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *data,
                           CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length, CK_FLAGS flags)
{
    return next(cross_decrypt_message_next, session, parameter, parameter_length, data, length, out, out_length, flags);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
    return shape_end(cross_message_decrypt_final, session);
}

/* No mechanism has a parameter for a message that is signed. */
static CK_RV check_none(const void *parameter, CK_ULONG length)
{
    if (!is_input(parameter, length)) return CKR_ARGUMENTS_BAD;
    return length ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_RV begin_bare(cross_end_t *cross, CK_SESSION_HANDLE session, const void *parameter, CK_ULONG length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = check_none(parameter, length);
    if (!rv) rv = outcome(cross(session));
    library_leave();
    return rv;
}

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_message_sign_init, session, mechanism, key);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *data,
                    CK_ULONG length, CK_BYTE *signature, CK_ULONG *signature_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = check_none(parameter, parameter_length);
    if (!rv && !(is_input(data, length) && signature_length)) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle(cross_sign_message(session, input(data), length, (char *)signature,
                                       capacity(signature, signature_length)), signature, signature_length);
    library_leave();
    return rv;
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length)
{
    return begin_bare(cross_sign_message_begin, session, parameter, parameter_length);
}

/* Without a place for the length of the signature there is more to come. */
CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *data,
                        CK_ULONG length, CK_BYTE *signature, CK_ULONG *signature_length)
{
    CK_ULONG none = 0, *there = signature_length ? signature_length : &none;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = check_none(parameter, parameter_length);
    if (!rv && !is_input(data, length)) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle(cross_sign_message_next(session, input(data), length, (char *)signature,
                                            capacity(signature, there), there == signature_length), signature, there);
    library_leave();
    return rv;
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
    return shape_end(cross_message_sign_final, session);
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return shape_init(cross_message_verify_init, session, mechanism, key);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *data,
                      CK_ULONG length, CK_BYTE *signature, CK_ULONG signature_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = check_none(parameter, parameter_length);
    if (!rv && !(is_input(data, length) && is_input(signature, signature_length))) rv = CKR_ARGUMENTS_BAD;
    if (!rv) rv = outcome(cross_verify_message(session, input(data), length, input(signature), signature_length));
    library_leave();
    return rv;
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length)
{
    return begin_bare(cross_verify_message_begin, session, parameter, parameter_length);
}

/* Without a signature there is more to come. */
CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_length, CK_BYTE *data,
                          CK_ULONG length, CK_BYTE *signature, CK_ULONG signature_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = check_none(parameter, parameter_length);
    if (!rv && !(is_input(data, length) && is_input(signature, signature_length))) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = outcome(cross_verify_message_next(session, input(data), length, input(signature), signature_length,
                                               signature != NULL));
    library_leave();
    return rv;
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
    return shape_end(cross_message_verify_final, session);
}
