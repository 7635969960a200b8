/* plugin LIBRARY LIBPYTHON: a program that has another Python loaded for itself (RTLD_LOCAL). */
#include "host.h"

int main(int argc, char **argv)
{
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    CK_FUNCTION_LIST *list;
    (void)argc;
    open_library(argv[2]);
    *(void **)&get_list = symbol(open_library(argv[1]), "C_GetFunctionList");
    printf("0x%lx\n", get_list(&list));
    return 0;
}
