/* lists LIBRARY: checks the function lists and interfaces; prints sizes of structures. */
#include "host.h"

#include "ghostcard.h"

/* Every pointer of a list is there, and is the function of that name. */
static void walk(void *library, const void *list, size_t size, const char *const *names)
{
    const char *const *name = names;
    for (size_t at = sizeof(void *); at < size; at += sizeof(void *), name++) {
        void *pointer;
        memcpy(&pointer, (const char *)list + at, sizeof pointer);
        EXPECT((unsigned long)symbol(library, *name), (unsigned long)pointer);
    }
}

int main(int argc, char **argv)
{
    void *library = open_library(argv[1]);
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
    CK_RV (*get_all)(CK_INTERFACE *, CK_ULONG *);
    const CK_BYTE versions[3][2] = {{3, 2}, {3, 0}, {2, 40}};
    const size_t sizes[3] = {sizeof(CK_FUNCTION_LIST_3_2), sizeof(CK_FUNCTION_LIST_3_0), sizeof(CK_FUNCTION_LIST)};
    CK_INTERFACE all[4], *one;
    CK_FUNCTION_LIST *old;
    CK_VERSION wanted = {3, 1};
    CK_ULONG count = 0;
    *(void **)&get_list = symbol(library, "C_GetFunctionList");
    *(void **)&get = symbol(library, "C_GetInterface");
    *(void **)&get_all = symbol(library, "C_GetInterfaceList");
    EXPECT(CKR_ARGUMENTS_BAD, get_list(NULL));
    EXPECT(CKR_ARGUMENTS_BAD, get_all(all, NULL));
    EXPECT(CKR_ARGUMENTS_BAD, get(NULL, NULL, NULL, 0));
    EXPECT(CKR_OK, get_all(NULL, &count));
    EXPECT(4, count);
    count = 3;
    EXPECT(CKR_BUFFER_TOO_SMALL, get_all(all, &count));
    EXPECT(4, count);
    EXPECT(CKR_OK, get_all(all, &count));
    for (int i = 0; i < 3; i++) {
        CK_VERSION version = {versions[i][0], versions[i][1]};
        EXPECT(CKR_OK, get((CK_UTF8CHAR *)"PKCS 11", &version, &one, 0));
        EXPECT((unsigned long)all[i].pFunctionList, (unsigned long)one->pFunctionList);
        EXPECT(0, memcmp(one->pFunctionList, &version, sizeof version));
        EXPECT(0, strcmp((char *)one->pInterfaceName, "PKCS 11"));
        EXPECT(0, one->flags);
        walk(library, one->pFunctionList, sizes[i], (const char *const *)argv + 2);
    }
    EXPECT(0, strcmp((char *)all[3].pInterfaceName, GHOSTCARD_INTERFACE));
    EXPECT(CKR_OK, get((CK_UTF8CHAR *)GHOSTCARD_INTERFACE, NULL, &one, 0));
    EXPECT((unsigned long)all[3].pFunctionList, (unsigned long)one->pFunctionList);
    EXPECT(CKR_FUNCTION_FAILED, get(NULL, one->pFunctionList, &one, 0));
    EXPECT(CKR_OK, get(NULL, NULL, &one, 0));
    EXPECT((unsigned long)all[0].pFunctionList, (unsigned long)one->pFunctionList);
    EXPECT(CKR_FUNCTION_FAILED, get(NULL, &wanted, &one, 0));
    EXPECT(CKR_FUNCTION_FAILED, get((CK_UTF8CHAR *)"Vendor", NULL, &one, 0));
    EXPECT(CKR_FUNCTION_FAILED, get(NULL, NULL, &one, CKF_INTERFACE_FORK_SAFE));
    EXPECT(CKR_OK, get_list(&old));
    EXPECT((unsigned long)all[2].pFunctionList, (unsigned long)old);
    printf("%d %zu %zu %zu %zu %zu %zu %zu %zu %zu %zu\n", argc - 2, sizeof(CK_FUNCTION_LIST),
           sizeof(CK_FUNCTION_LIST_3_0), sizeof(CK_FUNCTION_LIST_3_2), sizeof(CK_ASYNC_DATA), sizeof(CK_MECHANISM),
           sizeof(CK_INFO), sizeof(CK_SLOT_INFO), sizeof(CK_TOKEN_INFO), sizeof(CK_SESSION_INFO), sizeof(CK_INTERFACE));
    return 0;
}
