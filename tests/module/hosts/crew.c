/* crew LIBRARY MODE THREADS CALLS: threads that sign, for simulated time.
 *
 * loop: each signs by itself; mutex: one at a time; pipeline: the first signs, the second verifies what it gets by a
 * queue of 4; late: the threads start 2 ms apart; leave: the program ends under them; busy: the same, and a thread
 * that never calls again computes. The first thread makes the key, starts the others, and joins them. */
#include <stdatomic.h>
#include <time.h>

#include "host.h"

#define PLACES 4
#define MOST 64

static CK_FUNCTION_LIST_3_2 *f;
static CK_SLOT_ID slot;
static CK_OBJECT_HANDLE public_key, private_key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static atomic_int is_over;
static _Atomic int signatures;
static int calls, waiting, is_mutual;
static CK_BYTE data[32] = "0123456789abcdef0123456789abcde", signature[64];

static CK_SESSION_HANDLE opened(void)
{
    CK_SESSION_HANDLE session;
    EXPECT(CKR_OK, f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    return session;
}

static void make_key(CK_SESSION_HANDLE session)
{
    CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_VERIFY, &yes, 1}};
    CK_ATTRIBUTE private[] = {{CKA_PRIVATE, &no, 1}, {CKA_SIGN, &yes, 1}};
    EXPECT(CKR_OK, f->C_GenerateKeyPair(session, &mechanism, public, 2, private, 2, &public_key, &private_key));
}

static void expect_ok(CK_RV rv)
{
    if (rv == CKR_CRYPTOKI_NOT_INITIALIZED && is_over) pthread_exit(NULL);
    EXPECT(CKR_OK, rv);
}

static void sign(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE made[64];
    CK_ULONG length = sizeof made;
    expect_ok(f->C_SignInit(session, &mechanism, private_key));
    expect_ok(f->C_Sign(session, data, sizeof data, made, &length));
    signatures++;
}

static void verify(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    EXPECT(CKR_OK, f->C_VerifyInit(session, &mechanism, public_key));
    EXPECT(CKR_OK, f->C_Verify(session, data, sizeof data, signature, sizeof signature));
}

static void *signer(void *unused)
{
    CK_SESSION_HANDLE session = opened();
    (void)unused;
    for (int i = 0; i < calls; i++) {
        if (is_mutual) pthread_mutex_lock(&lock);
        sign(session);
        if (is_mutual) pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void wait_while(int count)
{
    while (waiting == count) pthread_cond_wait(&change, &lock);
}

static void *producer(void *unused)
{
    CK_SESSION_HANDLE session = opened();
    (void)unused;
    for (int i = 0; i < calls; i++) {
        sign(session);
        pthread_mutex_lock(&lock);
        wait_while(PLACES);
        waiting++;
        pthread_cond_signal(&change);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *consumer(void *unused)
{
    CK_SESSION_HANDLE session = opened();
    (void)unused;
    for (int i = 0; i < calls; i++) {
        pthread_mutex_lock(&lock);
        wait_while(0);
        waiting--;
        pthread_cond_signal(&change);
        pthread_mutex_unlock(&lock);
        verify(session);
    }
    return NULL;
}

static void *computer(void *unused)
{
    volatile unsigned long n = 0;
    (void)unused;
    sign(opened());
    for (;;) n++;
    return NULL;
}

static void *(*body(const char *mode, int number))(void *)
{
    if (!strcmp(mode, "pipeline")) return number ? consumer : producer;
    return !strcmp(mode, "busy") && !number ? computer : signer;
}

int main(int argc, char **argv)
{
    CK_UTF8CHAR label[33] = "crew                            ";
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_SESSION_HANDLE first;
    pthread_t threads[MOST];
    int number = argc == 5 ? atoi(argv[3]) : 0;
    EXPECT(1, number > 0 && number <= MOST);
    alarm(100);
    calls = atoi(argv[4]);
    is_mutual = !strcmp(argv[2], "mutex");
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_GetSlotList(CK_FALSE, slots, &count));
    slot = slots[0];
    EXPECT(CKR_OK, f->C_InitToken(slot, (CK_UTF8CHAR *)"87654321", 8, label));
    first = opened();
    make_key(first);
    sign(first); /* what the library asks of the card once has been asked */
    verify(first);
    for (int i = 0; i < number; i++) {
        EXPECT(0, pthread_create(&threads[i], NULL, body(argv[2], i), NULL));
        if (!strcmp(argv[2], "late")) usleep(2000);
    }
    if (strcmp(argv[2], "leave") && strcmp(argv[2], "busy")) {
        for (int i = 0; i < number; i++) EXPECT(0, pthread_join(threads[i], NULL));
        EXPECT(CKR_OK, f->C_Finalize(NULL));
    } else {
        while (signatures < 2) usleep(10000); /* one of ours, one of a thread's */
        usleep(300000);
        is_over = 1;
    }
    return 0;
}
