/* Keys wrapped with authentication (PKCS #11 3.2, 5.18). The IV may be one that the token makes. */
#include "message.h"

CK_RV C_WrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                             CK_OBJECT_HANDLE key, CK_BYTE *aad, CK_ULONG aad_length, CK_BYTE *wrapped,
                             CK_ULONG *length)
{
    message_t message;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = length ? message_read_wrap(mechanism, aad, aad_length, &message) : CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle(cross_wrap_key_authenticated(session, mechanism->mechanism, message.numbers, (char *)message.iv,
                                                 wrapping_key, key, input(message.aad), message.aad_length,
                                                 (char *)wrapped, capacity(wrapped, length)), wrapped, length);
    library_leave();
    return rv;
}

CK_RV C_UnwrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                               CK_BYTE *wrapped, CK_ULONG length, CK_ATTRIBUTE *attributes, CK_ULONG count,
                               CK_BYTE *aad, CK_ULONG aad_length, CK_OBJECT_HANDLE *key)
{
    message_t message;
    template_t template;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = template_flatten(attributes, count, &template);
    if (!rv) rv = key && is_input(wrapped, length) ? CKR_OK : CKR_ARGUMENTS_BAD;
    if (!rv) rv = message_read_wrap(mechanism, aad, aad_length, &message);
    if (!rv)
        rv = take(cross_unwrap_key_authenticated(session, mechanism->mechanism, message.numbers, (char *)message.iv,
                                                 unwrapping_key, input(wrapped), length, template.bytes,
                                                 template.length, input(message.aad), message.aad_length), key);
    template_free(&template);
    library_leave();
    return rv;
}
