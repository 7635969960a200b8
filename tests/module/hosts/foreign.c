/* foreign LIBRARY: a program that has a Python of its own in it, of another version, as a static one would be. */
#include "host.h"

const char *Py_GetVersion(void);
const char *Py_GetVersion(void) { return VERSION " (main, Jan 1 2026, 00:00:00) [GCC 12.2.0]"; }
int Py_IsInitialized(void);
int Py_IsInitialized(void) { return 1; }

int main(int argc, char **argv)
{
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    CK_FUNCTION_LIST *list;
    (void)argc;
    *(void **)&get_list = symbol(open_library(argv[1]), "C_GetFunctionList");
    printf("0x%lx\n", get_list(&list));
    return 0;
}
