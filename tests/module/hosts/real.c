/* real LIBRARY: the real library, its threads and its children; random bytes come from the card. */
#include <stdatomic.h>

#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static atomic_int stop;

static CK_SLOT_ID first_slot(void)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    EXPECT(CKR_OK, f->C_GetSlotList(CK_FALSE, slots, &count));
    return slots[0];
}

static void use(void)
{
    CK_SESSION_HANDLE session;
    CK_ULONG count = 32;
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE digest[32], data[3] = "abc", random[32] = {0}, zeros[32] = {0};
    static const CK_BYTE start[4] = {0xba, 0x78, 0x16, 0xbf}; /* SHA-256 of "abc": FIPS 180-4, example */
    EXPECT(CKR_OK, f->C_OpenSession(first_slot(), CKF_SERIAL_SESSION, NULL, NULL, &session));
    EXPECT(CKR_OK, f->C_DigestInit(session, &mechanism));
    EXPECT(CKR_OK, f->C_Digest(session, data, sizeof data, digest, &count));
    EXPECT(0, memcmp(digest, start, sizeof start));
    EXPECT(CKR_OK, f->C_GenerateRandom(session, random, sizeof random));
    EXPECT(1, !!memcmp(random, zeros, sizeof random));
    EXPECT(CKR_OK, f->C_CloseSession(session));
}

static void *use_on(void *unused)
{
    (void)unused;
    while (!stop) use();
    return NULL;
}

static void fork_once(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_Finalize(NULL));
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        use();
        exit(0);
    }
    EXPECT(pid, waitpid(pid, &status, 0));
    EXPECT(0, status);
}

int main(int argc, char **argv)
{
    CK_UTF8CHAR label[33] = "test                            ";
    pthread_t threads[2];
    (void)argc;
    alarm(50);
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_InitToken(first_slot(), (CK_UTF8CHAR *)"87654321", 8, label));
    fork_once();
    for (int i = 0; i < 2; i++) EXPECT(0, pthread_create(&threads[i], NULL, use_on, NULL));
    for (int i = 0; i < 5; i++) fork_once();
    stop = 1;
    for (int i = 0; i < 2; i++) EXPECT(0, pthread_join(threads[i], NULL));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    use();
    return 0;
}
