/* Object management functions (PKCS #11 3.2, 5.7). */
#include "library.h"

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    template_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = template_flatten(attributes, count, &flat);
    if (!rv) rv = object ? take(cross_create_object(session, flat.bytes, flat.length), object) : CKR_ARGUMENTS_BAD;
    template_free(&flat);
    library_leave();
    return rv;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count,
                   CK_OBJECT_HANDLE *copy)
{
    template_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = template_flatten(attributes, count, &flat);
    if (!rv) rv = copy ? take(cross_copy_object(session, object, flat.bytes, flat.length), copy) : CKR_ARGUMENTS_BAD;
    template_free(&flat);
    library_leave();
    return rv;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_destroy_object(session, object));
    library_leave();
    return rv;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = size ? take(cross_get_object_size(session, object), size) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes,
                          CK_ULONG count)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if ((attributes || !count) && count <= INPUT_MAX)
        rv = outcome(cross_get_attribute_value(session, object, attributes, count));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes,
                          CK_ULONG count)
{
    template_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = template_flatten(attributes, count, &flat);
    if (!rv) rv = outcome(cross_set_attribute_value(session, object, flat.bytes, flat.length));
    template_free(&flat);
    library_leave();
    return rv;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    template_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = template_flatten(attributes, count, &flat);
    if (!rv) rv = outcome(cross_find_objects_init(session, flat.bytes, flat.length));
    template_free(&flat);
    library_leave();
    return rv;
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG maximum, CK_ULONG *count)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (count && (objects || !maximum))
        rv = take(cross_find_objects(session, objects, maximum ? capacity(objects, &maximum) : 0), count);
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_find_objects_final(session));
    library_leave();
    return rv;
}
