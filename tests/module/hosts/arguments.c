/* arguments LIBRARY: the arguments of C_Initialize (PKCS #11 3.2, 5.4); and a host that unloads and loads again. */
#include "host.h"

static CK_RV create(void **mutex) { *mutex = NULL; return CKR_OK; }
static CK_RV use(void *mutex) { (void)mutex; return CKR_OK; }

static CK_FUNCTION_LIST_3_2 *f;

static void accepts(CK_C_INITIALIZE_ARGS arguments)
{
    EXPECT(CKR_OK, f->C_Initialize(&arguments));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
}

static void refuses(CK_C_INITIALIZE_ARGS arguments)
{
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Initialize(&arguments));
}

int main(int argc, char **argv)
{
    (void)argc;
    f = functions(argv[1]);
    accepts((CK_C_INITIALIZE_ARGS){0});
    accepts((CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK});
    accepts((CK_C_INITIALIZE_ARGS){.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS});
    accepts((CK_C_INITIALIZE_ARGS){create, use, use, use, 0, NULL});
    accepts((CK_C_INITIALIZE_ARGS){create, use, use, use, CKF_OS_LOCKING_OK, NULL});
    refuses((CK_C_INITIALIZE_ARGS){.pReserved = f});
    refuses((CK_C_INITIALIZE_ARGS){create, use, use, NULL, CKF_OS_LOCKING_OK, NULL});
    refuses((CK_C_INITIALIZE_ARGS){NULL, NULL, NULL, use, CKF_OS_LOCKING_OK, NULL});
    for (int i = 0; i < 3; i++) {
        void *library = open_library(argv[1]);
        EXPECT(0, dlclose(library));
        EXPECT(0, dlclose(library)); /* the one of functions(), too: nothing holds it any more */
        f = functions(argv[1]);
        accepts((CK_C_INITIALIZE_ARGS){0});
    }
    return 0;
}
