/* The function lists and interfaces: what a program asks for first (PKCS #11 3.2, 5.4).
 *
 * They answer CKR_GENERAL_ERROR when Python did not start: past them a program may believe that all is well. */
#include <string.h>

#include "library.h"

#include "generated/lists.h"
#include "ghostcard.h"

static CK_UTF8CHAR name[] = "PKCS 11";
static CK_UTF8CHAR vendor_name[] = GHOSTCARD_INTERFACE;
extern GHOSTCARD_FUNCTION_LIST vendor_list; /* vendor.c */
static CK_INTERFACE interfaces[] = {
    {name, &list_3_2, 0},
    {name, &list_3_0, 0},
    {name, &list_2_40, 0},
    {vendor_name, &vendor_list, 0},
};
#define INTERFACES (sizeof interfaces / sizeof *interfaces)

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!list) return CKR_ARGUMENTS_BAD;
    if (interpreter_start()) return CKR_GENERAL_ERROR;
    *list = &list_2_40;
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    CK_RV rv;
    if (!count) return CKR_ARGUMENTS_BAD;
    if (interpreter_start()) return CKR_GENERAL_ERROR;
    rv = settle(INTERFACES, list, count);
    if (list && !rv) memcpy(list, interfaces, sizeof interfaces);
    return rv;
}

static int matches(const CK_INTERFACE *interface, const CK_UTF8CHAR *wanted, const CK_VERSION *version, CK_FLAGS flags)
{
    const CK_VERSION *own = interface->pFunctionList;
    if (strcmp((const char *)(wanted ? wanted : name), (const char *)interface->pInterfaceName)) return 0;
    if (version && (version->major != own->major || version->minor != own->minor)) return 0;
    return (interface->flags & flags) == flags;
}

/* The newest that fits; without a name and a version the newest of all. */
CK_RV C_GetInterface(CK_UTF8CHAR *wanted, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    if (!interface) return CKR_ARGUMENTS_BAD;
    if (interpreter_start()) return CKR_GENERAL_ERROR;
    for (size_t i = 0; i < INTERFACES; i++)
        if (matches(&interfaces[i], wanted, version, flags)) {
            *interface = &interfaces[i];
            return CKR_OK;
        }
    return CKR_FUNCTION_FAILED;
}
