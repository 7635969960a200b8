/* fronted LIBRARY PIN THREADS DIGESTS: a program of all sorts, on any library with a token in its first slot. */
#include "host.h"

static CK_FUNCTION_LIST *f;
static CK_SLOT_ID slot;
static int digests;

static CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session;
    EXPECT(CKR_OK, f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    return session;
}

static void start(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_ULONG count = 8;
    CK_SLOT_ID slots[8];
    CK_RV rv = f->C_Initialize(&arguments);
    EXPECT(CKR_OK, rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv); /* some know nothing of forks */
    EXPECT(CKR_OK, f->C_GetSlotList(1, slots, &count));
    slot = slots[0];
}

static void digest_once(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE data[100] = {1}, digest[32];
    CK_ULONG length = sizeof digest;
    EXPECT(CKR_OK, f->C_DigestInit(session, &mechanism));
    EXPECT(CKR_OK, f->C_Digest(session, data, sizeof data, digest, &length));
    EXPECT(32, length);
}

static void *work(void *unused)
{
    CK_SESSION_HANDLE session = open_session();
    (void)unused;
    for (int i = 0; i < digests; i++) digest_once(session);
    EXPECT(CKR_OK, f->C_CloseSession(session));
    return NULL;
}

static void in_parts(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_SHA512, NULL, 0};
    CK_BYTE data[1000] = {2}, digest[64];
    CK_ULONG length = 0;
    EXPECT(CKR_OK, f->C_DigestInit(session, &mechanism));
    for (int i = 0; i < 3; i++) EXPECT(CKR_OK, f->C_DigestUpdate(session, data, sizeof data));
    EXPECT(CKR_OK, f->C_DigestFinal(session, NULL, &length));
    EXPECT(CKR_OK, f->C_DigestFinal(session, digest, &length));
}

static void encrypt(CK_SESSION_HANDLE session)
{
    CK_BBOOL yes = 1, no = 0;
    CK_ULONG size = 32, length = 0;
    CK_BYTE iv[16] = {0}, data[64] = {3}, out[80];
    CK_MECHANISM making = {CKM_AES_KEY_GEN, NULL, 0}, cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_VALUE_LEN, &size, sizeof size}};
    CK_OBJECT_HANDLE key;
    EXPECT(CKR_OK, f->C_GenerateKey(session, &making, template, 3, &key));
    for (int i = 0; i < 3; i++) {
        EXPECT(CKR_OK, f->C_EncryptInit(session, &cbc, key));
        EXPECT(CKR_OK, f->C_Encrypt(session, data, sizeof data, NULL, &length));
        length = sizeof out;
        EXPECT(CKR_OK, f->C_Encrypt(session, data, sizeof data, out, &length));
        EXPECT(80, length);
    }
    EXPECT(CKR_OK, f->C_DestroyObject(session, key));
}

static void sign(CK_SESSION_HANDLE session)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = 1, no = 0;
    CK_BYTE data[32] = {4}, signature[64];
    CK_ULONG length = sizeof signature, small = 1;
    CK_MECHANISM making = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, ecdsa = {CKM_ECDSA, NULL, 0};
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &no, 1}, {CKA_VERIFY, &yes, 1}, {CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &no, 1}, {CKA_SIGN, &yes, 1}};
    CK_OBJECT_HANDLE verifying, signing;
    EXPECT(CKR_OK, f->C_GenerateKeyPair(session, &making, public, 3, private, 2, &verifying, &signing));
    EXPECT(CKR_OK, f->C_SignInit(session, &ecdsa, signing));
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_Sign(session, data, sizeof data, signature, &small));
    EXPECT(CKR_OK, f->C_Sign(session, data, sizeof data, signature, &length));
    EXPECT(CKR_OK, f->C_VerifyInit(session, &ecdsa, verifying));
    EXPECT(CKR_OK, f->C_Verify(session, data, sizeof data, signature, length));
}

static void in_a_child(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        start();
        digest_once(open_session());
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        _exit(0);
    }
    EXPECT(pid, waitpid(pid, &status, 0));
    EXPECT(0, status);
}

int main(int count, char **arguments)
{
    pthread_t threads[16];
    CK_SESSION_HANDLE session;
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    int crew = atoi(arguments[3]);
    (void)count;
    digests = atoi(arguments[4]);
    *(void **)&get_list = symbol(open_library(arguments[1]), "C_GetFunctionList");
    EXPECT(CKR_OK, get_list(&f));
    start();
    session = open_session();
    EXPECT(CKR_OK, f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)arguments[2], strlen(arguments[2])));
    in_parts(session);
    encrypt(session);
    sign(session);
    for (int i = 0; i < crew; i++) EXPECT(0, pthread_create(&threads[i], NULL, work, NULL));
    for (int i = 0; i < crew; i++) EXPECT(0, pthread_join(threads[i], NULL));
    digest_once(session);
    in_a_child();
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    puts("done");
    return 0;
}
