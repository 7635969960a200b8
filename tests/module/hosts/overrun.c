/* overrun LIBRARY: a parameter that is shorter than its length says; what the library reads is not the host's to give. */
#include "host.h"

int main(int argc, char **argv)
{
    CK_FUNCTION_LIST_3_2 *f = functions(argv[1]);
    CK_MECHANISM mechanism = {0x80000001UL, malloc(15), 16};
    (void)argc;
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    memset(mechanism.pParameter, 1, 15);
    EXPECT(CKR_OK, f->C_SignInit(5, &mechanism, 1));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    free(mechanism.pParameter);
    return 0;
}
