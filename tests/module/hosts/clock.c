/* clock LIBRARY MODE: what a program's clocks show while it signs. Prints `name value` lines; times in nanoseconds.
 *
 * until: one thread signs until 1 s has passed. stop: four threads sign until the first has slept for 1.3 s. idle: nobody
 * signs, and the thread looks at the clock until 0.2 s have passed. again: a second life of the library. fork: a child. */
#include <stdatomic.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "host.h"

#define THREADS 4
#define SECOND 1000000000L

static CK_FUNCTION_LIST_3_2 *f;
static CK_OBJECT_HANDLE private_key;
static CK_SLOT_ID slot;
static atomic_int is_over;
static atomic_long calls;

static long shown(clockid_t id)
{
    struct timespec now;
    EXPECT(0, clock_gettime(id, &now));
    return now.tv_sec * SECOND + now.tv_nsec;
}

static void say(const char *name, long value)
{
    printf("%s %ld\n", name, value);
}

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
    CK_OBJECT_HANDLE public_key;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public[] = {{CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private[] = {{CKA_PRIVATE, &no, 1}, {CKA_SIGN, &yes, 1}};
    EXPECT(CKR_OK, f->C_GenerateKeyPair(session, &mechanism, public, 1, private, 2, &public_key, &private_key));
}

static void sign(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE data[32] = {1}, made[64];
    CK_ULONG length = sizeof made;
    EXPECT(CKR_OK, f->C_SignInit(session, &mechanism, private_key));
    EXPECT(CKR_OK, f->C_Sign(session, data, sizeof data, made, &length));
    calls++;
}

static void *signer(void *unused)
{
    CK_SESSION_HANDLE session = opened();
    long before = 0;
    (void)unused;
    while (!is_over) {
        long now = shown(CLOCK_MONOTONIC);
        EXPECT(1, now >= before);
        before = now;
        sign(session);
    }
    return NULL;
}

static void until(void)
{
    CK_SESSION_HANDLE session = opened();
    long began = shown(CLOCK_MONOTONIC);
    while (shown(CLOCK_MONOTONIC) < began + SECOND) sign(session);
    say("elapsed", shown(CLOCK_MONOTONIC) - began);
}

static void stop(void)
{
    pthread_t threads[THREADS];
    struct timespec tenth = {0, SECOND / 10}, deadline;
    long began = shown(CLOCK_MONOTONIC);
    time_t second = time(NULL);
    struct timeval of_day, later;
    gettimeofday(&of_day, NULL);
    for (int i = 0; i < THREADS; i++) EXPECT(0, pthread_create(&threads[i], NULL, signer, NULL));
    EXPECT(0, sleep(1));
    say("a_second", shown(CLOCK_MONOTONIC) - began);
    EXPECT(0, usleep(100000));
    EXPECT(0, nanosleep(&tenth, NULL));
    EXPECT(0, clock_gettime(CLOCK_MONOTONIC, &deadline));
    deadline.tv_sec = (began + SECOND * 13 / 10) / SECOND;
    deadline.tv_nsec = (began + SECOND * 13 / 10) % SECOND;
    EXPECT(0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL));
    is_over = 1;
    say("elapsed", shown(CLOCK_MONOTONIC) - began);
    gettimeofday(&later, NULL);
    say("of_day", (later.tv_sec - of_day.tv_sec) * SECOND + (later.tv_usec - of_day.tv_usec) * 1000L);
    say("seconds", time(NULL) - second);
    for (int i = 0; i < THREADS; i++) EXPECT(0, pthread_join(threads[i], NULL));
}

static void idle(void)
{
    long began = shown(CLOCK_REALTIME);
    while (shown(CLOCK_REALTIME) < began + SECOND / 5) continue;
    say("elapsed", shown(CLOCK_REALTIME) - began);
}

static void again(void)
{
    CK_SESSION_HANDLE session = opened();
    long began = shown(CLOCK_MONOTONIC), between;
    sign(session);
    EXPECT(0, sleep(5));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    between = shown(CLOCK_MONOTONIC);
    EXPECT(0, sleep(7)); /* there is no card now */
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    session = opened();
    make_key(session);
    EXPECT(1, shown(CLOCK_MONOTONIC) >= between + 7 * SECOND);
    EXPECT(0, sleep(3));
    say("elapsed", shown(CLOCK_MONOTONIC) - began);
}

static void forks(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        long began = shown(CLOCK_MONOTONIC);
        EXPECT(0, sleep(9));
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        EXPECT(1, shown(CLOCK_MONOTONIC) - began >= 9 * SECOND);
        EXPECT(0, sleep(9));
        EXPECT(1, shown(CLOCK_MONOTONIC) - began >= 18 * SECOND);
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        _exit(0);
    }
    EXPECT(child, waitpid(child, &status, 0));
    EXPECT(0, status);
    say("elapsed", 0);
}

int main(int argc, char **argv)
{
    CK_UTF8CHAR label[33] = "clock                           ";
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_SESSION_HANDLE first;
    long cpu = shown(CLOCK_PROCESS_CPUTIME_ID), began = shown(CLOCK_MONOTONIC);
    EXPECT(3, argc);
    alarm(100);
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_GetSlotList(CK_FALSE, slots, &count));
    slot = slots[0];
    EXPECT(CKR_OK, f->C_InitToken(slot, (CK_UTF8CHAR *)"87654321", 8, label));
    EXPECT(1, shown(CLOCK_MONOTONIC) >= began);
    first = opened();
    make_key(first);
    if (!strcmp(argv[2], "until")) until();
    else if (!strcmp(argv[2], "stop")) stop();
    else if (!strcmp(argv[2], "idle")) idle();
    else if (!strcmp(argv[2], "again")) again();
    else forks();
    say("calls", calls);
    say("cpu", shown(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
