/* pulled LIBRARY PIN: signs until its input ends, while somebody pulls cards. A line for each answer that is
   another than the one before; whoever is told that the device is gone opens a session again. */
#include <poll.h>

#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key;
static CK_UTF8CHAR *pin;

static CK_RV make_key(void)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
    CK_ATTRIBUTE public[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_TOKEN, &no, 1}};
    CK_ATTRIBUTE private[] = {{CKA_SIGN, &yes, 1}, {CKA_TOKEN, &no, 1}};
    CK_OBJECT_HANDLE other;
    return f->C_GenerateKeyPair(session, &mechanism, public, 2, private, 2, &other, &key);
}

static CK_RV begin(void)
{
    CK_RV rv = f->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    if (rv) return rv;
    rv = f->C_Login(session, CKU_USER, pin, strlen((char *)pin));
    return rv ? rv : make_key();
}

static CK_RV sign(void)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE data[32] = "0123456789abcdef0123456789abcde", signature[64];
    CK_ULONG length = sizeof signature;
    CK_RV rv = f->C_SignInit(session, &mechanism, key);
    if (rv) return rv;
    rv = f->C_Sign(session, data, sizeof data, signature, &length);
    if (!rv) EXPECT(64, length);
    return rv;
}

/* Until there is a token again; what stands in the way meanwhile is its absence and nothing else. */
static void begin_again(void)
{
    CK_RV rv;
    f->C_CloseSession(session);
    while ((rv = begin())) {
        if (rv != CKR_DEVICE_REMOVED && rv != CKR_DEVICE_ERROR) EXPECT(CKR_TOKEN_NOT_PRESENT, rv);
        f->C_CloseAllSessions(0);
        usleep(1000);
    }
}

int main(int argc, char **argv)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    CK_RV last = CKR_GENERAL_ERROR;
    (void)argc;
    alarm(50);
    f = functions(argv[1]);
    pin = (CK_UTF8CHAR *)argv[2];
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, begin());
    while (!poll(&input, 1, 0)) {
        CK_RV rv = sign();
        if (rv != last) printf("0x%lx\n", rv);
        fflush(stdout);
        last = rv;
        if (rv) begin_again();
    }
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
