/* forks LIBRARY CASE: children of a program that uses the library. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>

#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static atomic_int stop;

/* The child has a library that is not initialised, and may initialise it; the parent's goes on. */
static void child(void)
{
    CK_INFO info;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_GetInfo(&info));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_SignInit(1, &mechanism, 1));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_GetFunctionStatus(1));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_Finalize(NULL));
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    for (int i = 0; i < 10; i++) sign_once(f, 1);
}

static void await(pid_t pid)
{
    int status;
    EXPECT(pid, waitpid(pid, &status, 0));
    EXPECT(0, status);
}

static void *use_in_thread(void *session)
{
    for (int i = 0; i < 10; i++) sign_once(f, (CK_SESSION_HANDLE)session);
    return NULL;
}

static void in_new_thread(void)
{
    pthread_t thread;
    EXPECT(0, pthread_create(&thread, NULL, use_in_thread, (void *)9));
    EXPECT(0, pthread_join(thread, NULL));
}

static void single(void)
{
    pid_t pid = fork();
    if (!pid) {
        child();
        in_new_thread();
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        exit(0);
    }
    await(pid);
    sign_once(f, 1);
}

/* A child of a child, each without exec. */
static void nested(void)
{
    pid_t pid = fork();
    if (!pid) {
        child();
        single();
        exit(0);
    }
    await(pid);
    sign_once(f, 1);
}

static void *sign_on(void *session)
{
    while (!stop) sign_once(f, (CK_SESSION_HANDLE)session);
    return NULL;
}

/* Threads that begin and end all the time: their thread states come and go. */
static void *begin_and_end(void *unused)
{
    (void)unused;
    while (!stop) in_new_thread();
    return NULL;
}

/* The children stay without threads: libc's own list of stacks may have been forked in the middle of a change. */
static void *fork_on(void *count)
{
    for (long i = (long)count; i; i--) {
        pid_t pid = fork();
        if (!pid) {
            child();
            exit(0);
        }
        await(pid);
        sign_once(f, 1);
    }
    return NULL;
}

/* Two threads fork, while one signs and one begins threads. */
static void threads(void)
{
    pthread_t busy[2], forking;
    EXPECT(0, pthread_create(&busy[0], NULL, sign_on, (void *)3));
    EXPECT(0, pthread_create(&busy[1], NULL, begin_and_end, NULL));
    EXPECT(0, pthread_create(&forking, NULL, fork_on, (void *)15));
    fork_on((void *)15);
    EXPECT(0, pthread_join(forking, NULL));
    stop = 1;
    for (int i = 0; i < 2; i++) EXPECT(0, pthread_join(busy[i], NULL));
}

static void *hold_lock(void *milliseconds)
{
    EXPECT(CKR_OK, f->C_DigestKey(1, (CK_OBJECT_HANDLE)milliseconds));
    return NULL;
}

/* The fork waits for a call that holds a lock; else the child would find it locked for ever. */
static void locked(void)
{
    pthread_t thread;
    EXPECT(0, pthread_create(&thread, NULL, hold_lock, (void *)200));
    while (f->C_Logout(1)) usleep(1000); /* until it holds the lock */
    single();
    EXPECT(0, pthread_join(thread, NULL));
}

static void *wait_for_event(void *unused)
{
    CK_SLOT_ID slot;
    (void)unused;
    f->C_WaitForSlotEvent(0, &slot, NULL);
    abort();
}

/* A thread that waits for ever holds up neither a fork nor C_Finalize. */
static void waiting(void)
{
    pthread_t thread;
    EXPECT(0, pthread_create(&thread, NULL, wait_for_event, NULL));
    usleep(50000);
    single();
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    EXPECT(CKR_OK, f->C_Initialize(NULL));
}

/* The thread that started the interpreter is gone, and so is its thread state in the child. */
static void *start(void *path)
{
    f = functions(path);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    return NULL;
}

static void started_elsewhere(char *path)
{
    pthread_t thread, forking;
    EXPECT(0, pthread_create(&thread, NULL, start, path));
    EXPECT(0, pthread_join(thread, NULL));
    sign_once(f, 1);
    EXPECT(0, pthread_create(&forking, NULL, fork_on, (void *)2));
    EXPECT(0, pthread_join(forking, NULL));
    single();
}

/* A child made by a thread whose state is then the last one, and which ends. */
static void *fork_and_end(void *unused)
{
    pid_t pid = fork();
    (void)unused;
    if (pid) await(pid);
    else child();
    return pid ? NULL : (void *)1;
}

static void last_thread(void)
{
    pthread_t thread;
    EXPECT(0, pthread_create(&thread, NULL, fork_and_end, NULL));
    EXPECT(0, pthread_join(thread, NULL)); /* in the child the main thread does not exist: its process ends here */
    sign_once(f, 1);
}

/* Forks that run no handlers; the wiped page tells of them. */
static void silent(void)
{
    pid_t pid = (pid_t)syscall(SYS_fork);
    if (!pid) {
        child();
        in_new_thread();
        _exit(0);
    }
    await(pid);
    sign_once(f, 1);
}

static void silent_in_use(void)
{
    pthread_t thread;
    pid_t pid;
    CK_INFO info;
    EXPECT(0, pthread_create(&thread, NULL, hold_lock, (void *)200));
    while (f->C_Logout(1)) usleep(1000); /* until it holds the lock */
    pid = (pid_t)syscall(SYS_fork);
    if (!pid) {
        EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_GetInfo(&info));
        EXPECT(CKR_GENERAL_ERROR, f->C_Initialize(NULL));
        _exit(0);
    }
    await(pid);
    EXPECT(0, pthread_join(thread, NULL));
    sign_once(f, 1);
}

/* A fork while another thread starts the interpreter waits until there is one. */
static void starting(char *path, useconds_t delay)
{
    pthread_t thread;
    open_library(path);
    EXPECT(0, pthread_create(&thread, NULL, start, path));
    usleep(delay);
    pid_t pid = fork();
    if (!pid) {
        f = functions(path);
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        sign_once(f, 1);
        exit(0);
    }
    await(pid);
    EXPECT(0, pthread_join(thread, NULL));
    sign_once(f, 1);
}

/* Past the handlers, but before the library was used. */
static void silent_before(char *path)
{
    pid_t pid;
    open_library(path);
    pid = (pid_t)syscall(SYS_fork);
    start(path);
    sign_once(f, 1);
    in_new_thread();
    if (!pid) _exit(0);
    await(pid);
}

static void uninitialized(void)
{
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    pid_t pid = fork();
    if (!pid) {
        child();
        exit(0);
    }
    await(pid);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    sign_once(f, 1);
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*run)(void); } cases[] = {
        {"single", single}, {"nested", nested}, {"threads", threads}, {"locked", locked}, {"waiting", waiting},
        {"last-thread", last_thread}, {"silent", silent}, {"silent-in-use", silent_in_use},
        {"uninitialized", uninitialized},
    };
    (void)argc;
    alarm(50);
    if (!strcmp(argv[2], "started-elsewhere")) {
        started_elsewhere(argv[1]);
        return 0;
    }
    if (!strcmp(argv[2], "silent-before")) {
        silent_before(argv[1]);
        return 0;
    }
    if (!strcmp(argv[2], "starting")) {
        starting(argv[1], (useconds_t)atoi(argv[3]));
        return 0;
    }
    start(argv[1]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, argv[2])) {
            cases[i].run();
            return 0;
        }
    return 96;
}
