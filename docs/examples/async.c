/* One thread that keeps a card busy: a signature is under way in each of N asynchronous sessions.
 *
 *   gcc async.c $(ghostcard module --flags) -o async
 *   ghostcard run -- ./async {module} PIN 64 wait        (or poll, or epoll)
 *
 * C_Sign answers CKR_PENDING. What is over is learnt by asking every session in turn (poll), which is all that PKCS #11
 * knows, by Ghostcard's GC_WaitForAny (wait), or by a descriptor among others of an event loop (epoll). */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cryptoki.h>
#include <ghostcard.h>

enum { SESSIONS_MAX = 1024, SIGNATURE_MAX = 256 };

static CK_FUNCTION_LIST_3_2 *p11;
static GHOSTCARD_FUNCTION_LIST *ghostcard;
static CK_SESSION_HANDLE sessions[SESSIONS_MAX];
static CK_BYTE signatures[SESSIONS_MAX][SIGNATURE_MAX]; /* must stay where they are until a call is over */
static int is_pending[SESSIONS_MAX];
static long left[SESSIONS_MAX]; /* signatures */
static CK_OBJECT_HANDLE key;
static long count, done, wanted;

static void must(CK_RV rv, const char *what)
{
    if (rv == CKR_OK) return;
    fprintf(stderr, "async: %s: 0x%lx\n", what, rv);
    exit(1);
}

#define MUST(call) must(call, #call)

static void *interface(void *library, const char *name)
{
    CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
    CK_INTERFACE *found;
    *(void **)&get = dlsym(library, "C_GetInterface");
    if (!get) must(CKR_GENERAL_ERROR, "C_GetInterface");
    must(get((CK_UTF8CHAR *)name, NULL, &found, 0), name);
    return found->pFunctionList;
}

/* Any call in an asynchronous session may be pending; this one is waited for. */
static CK_RV finish(CK_SESSION_HANDLE session, const char *function, CK_RV rv, CK_ASYNC_DATA *result)
{
    CK_SESSION_HANDLE ready;
    while (rv == CKR_PENDING) {
        MUST(ghostcard->GC_WaitForAny(&session, 1, GHOSTCARD_NO_LIMIT, GHOSTCARD_NO_LIMIT, &ready));
        rv = p11->C_AsyncComplete(session, (CK_UTF8CHAR *)function, result);
    }
    return rv;
}

static void make_key(CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BBOOL no = CK_FALSE, yes = CK_TRUE;
    CK_ATTRIBUTE public[] = {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_TOKEN, &no, 1}};
    CK_ATTRIBUTE private[] = {{CKA_SIGN, &yes, 1}, {CKA_TOKEN, &no, 1}};
    CK_OBJECT_HANDLE other;
    CK_ASYNC_DATA result = {0};
    CK_RV rv = p11->C_GenerateKeyPair(session, &mechanism, public, 2, private, 2, &other, &key);
    if (rv == CKR_PENDING) {
        must(finish(session, "C_GenerateKeyPair", rv, &result), "C_GenerateKeyPair");
        key = result.hAdditionalObject;
    } else must(rv, "C_GenerateKeyPair");
}

static void begin(long i)
{
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_BYTE data[32] = "thirty-two bytes that are signed";
    CK_ULONG length = SIGNATURE_MAX;
    CK_RV rv = p11->C_SignInit(sessions[i], &mechanism, key);
    must(finish(sessions[i], "C_SignInit", rv, NULL), "C_SignInit");
    rv = p11->C_Sign(sessions[i], data, sizeof data, signatures[i], &length);
    if (rv != CKR_PENDING) must(rv, "C_Sign");
    is_pending[i] = rv == CKR_PENDING;
    left[i]--;
    done += !is_pending[i];
}

/* Fetches the signature of a session if it is there, and begins the next one. */
static void look(long i)
{
    CK_ASYNC_DATA result = {0};
    CK_RV rv;
    if (!is_pending[i]) return;
    rv = p11->C_AsyncComplete(sessions[i], (CK_UTF8CHAR *)"C_Sign", &result);
    if (rv == CKR_PENDING) return;
    must(rv, "C_AsyncComplete");
    if (result.pValue != signatures[i] || result.ulValue != SIGNATURE_MAX) must(CKR_GENERAL_ERROR, "the signature");
    is_pending[i] = 0;
    done++;
    if (left[i]) begin(i);
}

static void by_polling(void)
{
    while (done < wanted)
        for (long i = 0; i < count; i++) look(i);
}

static long place_of(CK_SESSION_HANDLE session)
{
    long i = 0;
    while (sessions[i] != session) i++;
    return i;
}

static void by_waiting(void)
{
    CK_SESSION_HANDLE ready;
    while (done < wanted) {
        MUST(ghostcard->GC_WaitForAny(sessions, count, GHOSTCARD_NO_LIMIT, GHOSTCARD_NO_LIMIT, &ready));
        look(place_of(ready));
    }
}

static void by_descriptor(void)
{
    struct epoll_event event = {EPOLLIN, {0}};
    int descriptor, loop = epoll_create1(EPOLL_CLOEXEC);
    MUST(ghostcard->GC_GetEventFd(CK_INVALID_HANDLE, &descriptor));
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event)) must(CKR_GENERAL_ERROR, "epoll");
    while (done < wanted) {
        unsigned long events;
        if (epoll_wait(loop, &event, 1, -1) < 0) must(CKR_GENERAL_ERROR, "epoll_wait");
        if (read(descriptor, &events, sizeof events) < 0) continue;
        for (long i = 0; i < count; i++) look(i);
    }
    close(loop);
}

int main(int argc, char **argv)
{
    void *library = argc > 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library) {
        fprintf(stderr, "usage: async MODULE PIN SESSIONS wait|poll|epoll [SIGNATURES OF EACH]\n");
        return 2;
    }
    p11 = interface(library, "PKCS 11");
    ghostcard = interface(library, GHOSTCARD_INTERFACE);
    count = atol(argv[3]);
    if (count < 1 || count > SESSIONS_MAX) must(CKR_ARGUMENTS_BAD, "SESSIONS");
    for (long i = 0; i < count; i++) wanted += left[i] = argc > 5 ? atol(argv[5]) : 20;
    MUST(p11->C_Initialize(NULL));
    for (long i = 0; i < count; i++)
        MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_ASYNC_SESSION, NULL, NULL, &sessions[i]));
    MUST(p11->C_Login(sessions[0], CKU_USER, (CK_UTF8CHAR *)argv[2], strlen(argv[2])));
    make_key(sessions[0]);
    for (long i = 0; i < count; i++) begin(i);
    if (!strcmp(argv[4], "poll")) by_polling();
    else if (!strcmp(argv[4], "epoll")) by_descriptor();
    else by_waiting();
    printf("%ld signatures by one thread with %ld sessions\n", done, count);
    MUST(p11->C_Finalize(NULL));
    return 0;
}
