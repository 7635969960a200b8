/* mixed LIBRARY NAME THREADS OPERATIONS [init]: threads that do everything at once, and check what comes out.
 *
 * Each creates a token object every KEEP operations; "init" makes the token first. */
#include "host.h"

#define KEEP 25

static CK_FUNCTION_LIST_3_2 *f;
static CK_UTF8CHAR so_pin[] = "87654321", pin[] = "12345678";
static const char *name;
static int operations;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_SESSION_HANDLE opened(void)
{
    CK_SESSION_HANDLE session;
    EXPECT(CKR_OK, f->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    return session;
}

static void make_token(void)
{
    CK_UTF8CHAR label[33] = "mixed                           ";
    CK_SESSION_HANDLE session;
    EXPECT(CKR_OK, f->C_InitToken(0, so_pin, 8, label));
    session = opened();
    EXPECT(CKR_OK, f->C_Login(session, CKU_SO, so_pin, 8));
    EXPECT(CKR_OK, f->C_InitPIN(session, pin, 8));
    EXPECT(CKR_OK, f->C_CloseSession(session));
}

static CK_OBJECT_HANDLE aes(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG size = 32;
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &size, sizeof size}, {CKA_TOKEN, &no, 1}};
    CK_OBJECT_HANDLE key;
    EXPECT(CKR_OK, f->C_GenerateKey(session, &mechanism, template, 2, &key));
    return key;
}

static void encrypt(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, int number)
{
    CK_BYTE iv[12] = {0}, tag[16], data[100], sealed[100], again[100];
    CK_GCM_MESSAGE_PARAMS message = {iv, 12, 0, CKG_GENERATE, tag, 128};
    CK_MECHANISM mechanism = {CKM_AES_GCM, NULL, 0};
    CK_ULONG length = sizeof sealed;
    memset(data, number, sizeof data);
    EXPECT(CKR_OK, f->C_MessageEncryptInit(session, &mechanism, key));
    EXPECT(CKR_OK, f->C_EncryptMessage(session, &message, sizeof message, NULL, 0, data, 100, sealed, &length));
    EXPECT(CKR_OK, f->C_MessageEncryptFinal(session));
    EXPECT(CKR_OK, f->C_MessageDecryptInit(session, &mechanism, key));
    EXPECT(CKR_OK, f->C_DecryptMessage(session, &message, sizeof message, NULL, 0, sealed, 100, again, &length));
    EXPECT(CKR_OK, f->C_MessageDecryptFinal(session));
    EXPECT(0, memcmp(data, again, sizeof data));
}

static void digest(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, int number)
{
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE whole[32], parts[32], data[64], state[600];
    CK_ULONG length = 32, size = sizeof state;
    (void)key;
    memset(data, number, sizeof data);
    EXPECT(CKR_OK, f->C_DigestInit(session, &mechanism));
    EXPECT(CKR_OK, f->C_Digest(session, data, 64, whole, &length));
    EXPECT(CKR_OK, f->C_DigestInit(session, &mechanism));
    EXPECT(CKR_OK, f->C_DigestUpdate(session, data, 30));
    EXPECT(CKR_OK, f->C_GetOperationState(session, state, &size));
    EXPECT(CKR_OK, f->C_SetOperationState(session, state, size, 0, 0));
    EXPECT(CKR_OK, f->C_DigestUpdate(session, data + 30, 34));
    EXPECT(CKR_OK, f->C_DigestFinal(session, parts, &length));
    EXPECT(0, memcmp(whole, parts, 32));
}

static void sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE unused, int number)
{
    CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL, 0}, mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE curve[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}, data[9] = "some data", signature[64];
    CK_ATTRIBUTE template = {CKA_EC_PARAMS, curve, sizeof curve};
    CK_OBJECT_HANDLE public, private;
    CK_ULONG length = 64;
    (void)unused, (void)number;
    EXPECT(CKR_OK, f->C_GenerateKeyPair(session, &generate, &template, 1, NULL, 0, &public, &private));
    EXPECT(CKR_OK, f->C_SignInit(session, &mechanism, private));
    EXPECT(CKR_OK, f->C_Sign(session, data, 9, signature, &length));
    EXPECT(CKR_OK, f->C_VerifySignatureInit(session, &mechanism, public, signature, length));
    EXPECT(CKR_OK, f->C_VerifySignature(session, data, 9));
    EXPECT(CKR_OK, f->C_DestroyObject(session, private));
    EXPECT(CKR_OK, f->C_DestroyObject(session, public));
}

static void draw(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, int number)
{
    CK_BYTE one[16], other[16];
    (void)key, (void)number;
    EXPECT(CKR_OK, f->C_SeedRandom(session, (CK_BYTE *)"seed", 4));
    EXPECT(CKR_OK, f->C_GenerateRandom(session, one, 16));
    EXPECT(CKR_OK, f->C_GenerateRandom(session, other, 16));
    EXPECT(1, !!memcmp(one, other, 16));
}

static void open_and_close(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, int number)
{
    CK_SESSION_HANDLE second = opened();
    (void)session;
    encrypt(second, key, number);
    EXPECT(CKR_OK, f->C_CloseSession(second));
    EXPECT(CKR_SESSION_HANDLE_INVALID, f->C_CloseSession(second));
}

/* A token object of an own label, which is found, changed and copied; the copy goes again. */
static void keep(CK_SESSION_HANDLE session, int thread, int number)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    char label[64];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, 0}, {CKA_TOKEN, &yes, 1},
                               {CKA_PRIVATE, number % 2 ? &yes : &no, 1}};
    CK_ATTRIBUTE value = {CKA_VALUE, label, 5};
    CK_OBJECT_HANDLE object, copy, found[2];
    CK_ULONG count;
    template[1].ulValueLen = (CK_ULONG)snprintf(label, sizeof label, "%s-%d-%d", name, thread, number);
    EXPECT(CKR_OK, f->C_CreateObject(session, template, 4, &object));
    EXPECT(CKR_OK, f->C_SetAttributeValue(session, object, &value, 1));
    EXPECT(CKR_OK, f->C_CopyObject(session, object, NULL, 0, &copy));
    EXPECT(CKR_OK, f->C_DestroyObject(session, copy));
    EXPECT(CKR_OK, f->C_FindObjectsInit(session, template, 2));
    EXPECT(CKR_OK, f->C_FindObjects(session, found, 2, &count));
    EXPECT(1, count);
    EXPECT(object, found[0]);
    EXPECT(CKR_OK, f->C_FindObjectsFinal(session));
}

static void *work(void *argument)
{
    static void (*const DEEDS[])(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, int) = {encrypt, digest, sign, draw,
                                                                            open_and_close};
    int thread = (int)(long)argument;
    CK_SESSION_HANDLE session = opened();
    CK_OBJECT_HANDLE key = aes(session);
    for (int i = 0; i < operations; i++) {
        if (i % KEEP == 0) keep(session, thread, i);
        else DEEDS[(i + thread) % 5](session, key, i);
    }
    EXPECT(CKR_OK, f->C_CloseSession(session));
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[16];
    int count = atoi(argv[3]);
    CK_SESSION_HANDLE session;
    name = argv[2];
    operations = atoi(argv[4]);
    alarm(110);
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    if (argc > 5) make_token();
    session = opened();
    EXPECT(CKR_OK, f->C_Login(session, CKU_USER, pin, 8));
    for (int i = 0; i < count; i++) EXPECT(0, pthread_create(&threads[i], NULL, work, (void *)(long)i));
    for (int i = 0; i < count; i++) EXPECT(0, pthread_join(threads[i], NULL));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
