/* nulls LIBRARY: every function with nothing but zeros, before and after C_Initialize; prints each answer.
 *
 * The functions are called with ten zero arguments whatever they take, which on this ABI is harmless. */
#include "host.h"

typedef CK_RV anything_t(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG,
                         CK_ULONG);

static void walk(void *library, char **names, const char *when)
{
    for (char **name = names; *name; name++) {
        anything_t *function;
        if (!strcmp(*name, "C_Initialize") || !strcmp(*name, "C_Finalize")) continue;
        *(void **)&function = symbol(library, *name);
        printf("%s %s 0x%lx\n", when, *name, function(0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }
}

int main(int argc, char **argv)
{
    void *library = open_library(argv[1]);
    CK_FUNCTION_LIST_3_2 *f = functions(argv[1]);
    (void)argc;
    walk(library, argv + 2, "before");
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_Finalize(NULL));
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_CRYPTOKI_ALREADY_INITIALIZED, f->C_Initialize(NULL));
    walk(library, argv + 2, "after");
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Finalize(f));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_Finalize(NULL));
    walk(library, argv + 2, "finalized");
    return 0;
}
