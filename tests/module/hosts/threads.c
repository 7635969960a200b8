/* threads LIBRARY CASE: threads of a program that knows nothing of Python, and the ways in which it ends. */
#include <stdatomic.h>

#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static atomic_int running;

static void *sign_some(void *session)
{
    for (int i = 0; i < 200; i++) sign_once(f, (CK_SESSION_HANDLE)session);
    return NULL;
}

static void *sign_for_ever(void *session)
{
    running++;
    for (;;) {
        CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
        CK_BYTE data[32] = {0}, signature[64];
        CK_ULONG length = sizeof signature;
        f->C_SignInit((CK_SESSION_HANDLE)session, &mechanism, 7);
        f->C_Sign((CK_SESSION_HANDLE)session, data, sizeof data, signature, &length);
    }
    return NULL;
}

static void *hold(void *milliseconds)
{
    running++;
    f->C_DigestKey(1, (CK_OBJECT_HANDLE)milliseconds);
    return NULL;
}

static void *end_program(void *unused)
{
    (void)unused;
    exit(0);
}

static void begin(void *(*work)(void *), int count, void *argument)
{
    pthread_t thread;
    for (int i = 0; i < count; i++) EXPECT(0, pthread_create(&thread, NULL, work, argument));
    while (running < count) usleep(1000);
}

static void begin_hold(long milliseconds)
{
    begin(hold, 1, (void *)milliseconds);
    while (f->C_Logout(1)) usleep(1000); /* until the call is under way */
}

/* Waves of threads, each with a few calls. */
static void waves(void)
{
    pthread_t threads[8];
    for (int wave = 0; wave < 5; wave++) {
        for (long i = 0; i < 8; i++) EXPECT(0, pthread_create(&threads[i], NULL, sign_some, (void *)i));
        for (int i = 0; i < 8; i++) EXPECT(0, pthread_join(threads[i], NULL));
    }
    EXPECT(CKR_OK, f->C_Finalize(NULL));
}

static void *open_and_initialize(void *path)
{
    CK_FUNCTION_LIST_3_2 *found = functions(path);
    CK_RV rv = found->C_Initialize(NULL);
    if (rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) EXPECT(CKR_OK, rv);
    sign_once(found, 1);
    return rv ? NULL : found;
}

/* Threads that all come first: one of them initialises the library. */
static void race(void *path)
{
    pthread_t threads[8];
    int count = 0;
    for (int i = 0; i < 8; i++) EXPECT(0, pthread_create(&threads[i], NULL, open_and_initialize, path));
    for (int i = 0; i < 8; i++) {
        void *found;
        EXPECT(0, pthread_join(threads[i], &found));
        count += found != NULL;
    }
    EXPECT(1, count);
}

/* C_Finalize and C_Initialize again and again, under threads that call. */
static void restarts(void)
{
    begin(sign_for_ever, 2, (void *)1);
    for (int i = 0; i < 50; i++) {
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        EXPECT(CKR_OK, f->C_Initialize(NULL));
    }
}

static void finalize_late(void)
{
    CK_INFO info;
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_GetInfo(&info));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_Finalize(NULL));
    EXPECT(CKR_GENERAL_ERROR, f->C_Initialize(NULL));
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *what = argv[2];
    alarm(50);
    if (!strcmp(what, "race")) {
        race(argv[1]);
        return 0;
    }
    if (!strcmp(what, "exit-late")) atexit(finalize_late); /* registered before the library's own: runs after it */
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    sign_once(f, 1);
    if (!strcmp(what, "waves")) waves();
    if (!strcmp(what, "restarts")) restarts();
    if (!strcmp(what, "exit-busy")) begin(sign_for_ever, 4, (void *)1);
    if (!strcmp(what, "exit-slow")) begin_hold(300);
    if (!strcmp(what, "exit-stuck")) begin_hold(30000);
    if (!strcmp(what, "exit-in-thread")) begin(end_program, 1, NULL);
    if (!strcmp(what, "finalize")) EXPECT(CKR_OK, f->C_Finalize(NULL));
    if (!strcmp(what, "quick")) _exit(0);
    return 0;
}
