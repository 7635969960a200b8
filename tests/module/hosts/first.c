/* first LIBRARY [initialize]: the first calls of a program; prints what they answer, ends with 0 whatever that is. */
#include "host.h"

int main(int argc, char **argv)
{
    void *library = open_library(argv[1]);
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    CK_RV (*get_interface)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
    CK_RV (*get_interfaces)(CK_INTERFACE *, CK_ULONG *);
    CK_RV (*initialize)(void *);
    CK_FUNCTION_LIST *list = NULL;
    CK_INTERFACE *interface = NULL;
    CK_ULONG count = 0;
    *(void **)&get_list = symbol(library, "C_GetFunctionList");
    *(void **)&get_interface = symbol(library, "C_GetInterface");
    *(void **)&get_interfaces = symbol(library, "C_GetInterfaceList");
    *(void **)&initialize = symbol(library, "C_Initialize");
    printf("C_GetFunctionList 0x%lx\n", get_list(&list));
    printf("C_GetInterface 0x%lx\n", get_interface(NULL, NULL, &interface, 0));
    printf("C_GetInterfaceList 0x%lx\n", get_interfaces(NULL, &count));
    if (argc > 2) printf("C_Initialize 0x%lx\n", initialize(NULL));
    return 0;
}
