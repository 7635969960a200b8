/* Asynchronous functions (PKCS #11 3.2, 5.22). A function is called by its name. */
#include <string.h>

#include "library.h"

#define NAME_MAX_BYTES 64 /* more than any function of the standard has */

/* The length of a name; 0 if it cannot be one. */
static CK_ULONG name_length(const CK_UTF8CHAR *name)
{
    size_t length = name ? strnlen((const char *)name, NAME_MAX_BYTES) : 0;
    return length < NAME_MAX_BYTES ? length : 0;
}

CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_UTF8CHAR *function, CK_ASYNC_DATA *result)
{
    CK_ULONG length = name_length(function);
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (length && (!result || !result->ulVersion))
        rv = outcome(cross_async_complete(session, (char *)function, length, result));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_UTF8CHAR *function, CK_ULONG *id)
{
    CK_ULONG length = name_length(function);
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = length && id ? take(cross_async_get_id(session, (char *)function, length), id) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

/* Without a buffer there is room for no bytes. */
CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_UTF8CHAR *function, CK_ULONG id, CK_BYTE *data, CK_ULONG length)
{
    CK_ULONG name = name_length(function);
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (name && (data || !length))
        rv = outcome(cross_async_join(session, (char *)function, name, id, input(data), data ? capacity(data, &length) : 0));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}
