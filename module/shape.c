/* The shapes of the cryptographic functions (shape.h). */
#include "shape.h"

CK_RV shape_init(cross_init_t *cross, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    mechanism_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = mechanism_flatten(mechanism, &flat);
    if (!rv) rv = outcome(cross(session, flat.bytes, flat.length, key));
    mechanism_free(&flat);
    library_leave();
    return rv;
}

CK_RV shape_refuse(CK_SESSION_HANDLE session, CK_FLAGS operations)
{
    CK_RV rv = outcome(cross_refuse(session, operations));
    return rv ? rv : CKR_ARGUMENTS_BAD;
}

CK_RV shape_transform(cross_transform_t *cross, CK_FLAGS operations, CK_SESSION_HANDLE session, CK_BYTE *data,
                      CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (is_input(data, length) && out_length)
        rv = settle_bytes(cross(session, input(data), length, (char *)out, capacity(out, out_length)), out, out_length);
    else rv = shape_refuse(session, operations);
    library_leave();
    return rv;
}

CK_RV shape_final(cross_final_t *cross, CK_FLAGS operations, CK_SESSION_HANDLE session, CK_BYTE *out,
                  CK_ULONG *length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (length) rv = settle_bytes(cross(session, (char *)out, capacity(out, length)), out, length);
    else rv = shape_refuse(session, operations);
    library_leave();
    return rv;
}

CK_RV shape_feed(cross_feed_t *cross, CK_FLAGS operations, CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = is_input(data, length) ? outcome(cross(session, input(data), length)) : shape_refuse(session, operations);
    library_leave();
    return rv;
}

CK_RV shape_end(cross_end_t *cross, CK_SESSION_HANDLE session)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross(session));
    library_leave();
    return rv;
}
