/* pending LIBRARY PIN PART [ID]: asynchronous sessions, a part of the rules for each name. The token's key pair is made
   by the part "key". Every buffer is looked at before its call is over, and after it was cancelled. */
#include <signal.h>
#include <sys/epoll.h>

#include "host.h"

#include "ghostcard.h"

enum { SIGNATURE = 256, BIG = 64 };
#define SIGN ((CK_UTF8CHAR *)"C_Sign")
#define ASYNC (CKF_SERIAL_SESSION | CKF_RW_SESSION | CKF_ASYNC_SESSION)

static CK_FUNCTION_LIST_3_2 *f;
static GHOSTCARD_FUNCTION_LIST *vendor;
static CK_UTF8CHAR *pin;
static CK_MECHANISM rsa = {CKM_SHA256_RSA_PKCS, NULL, 0};
static CK_BYTE text[32] = "thirty-two bytes that are signed";

static CK_SESSION_HANDLE opened(CK_FLAGS flags)
{
    CK_SESSION_HANDLE session;
    EXPECT(CKR_OK, f->C_OpenSession(0, flags, NULL, NULL, &session));
    return session;
}

static void login(CK_SESSION_HANDLE session)
{
    EXPECT(CKR_OK, f->C_Login(session, CKU_USER, pin, strlen((char *)pin)));
}

static CK_OBJECT_HANDLE found(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label, CK_ULONG wanted)
{
    CK_ATTRIBUTE which[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG count;
    EXPECT(CKR_OK, f->C_FindObjectsInit(session, which, 2));
    EXPECT(CKR_OK, f->C_FindObjects(session, &object, 1, &count));
    EXPECT(CKR_OK, f->C_FindObjectsFinal(session));
    EXPECT(wanted, count);
    return object;
}

static CK_RV waited(CK_SESSION_HANDLE session, const char *function, CK_RV rv, CK_ASYNC_DATA *result)
{
    CK_SESSION_HANDLE ready;
    while (rv == CKR_PENDING) {
        EXPECT(CKR_OK, vendor->GC_WaitForAny(&session, 1, GHOSTCARD_NO_LIMIT, GHOSTCARD_NO_LIMIT, &ready));
        EXPECT(session, ready);
        rv = f->C_AsyncComplete(session, (CK_UTF8CHAR *)function, result);
    }
    return rv;
}

static void begin_sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE *signature)
{
    CK_ULONG length = SIGNATURE;
    memset(signature, 'u', SIGNATURE);
    EXPECT(CKR_OK, waited(session, "C_SignInit", f->C_SignInit(session, &rsa, key), NULL));
    EXPECT(CKR_PENDING, f->C_Sign(session, text, sizeof text, signature, &length));
    EXPECT(SIGNATURE, length);
}

static void expect_untouched(const CK_BYTE *signature)
{
    for (int i = 0; i < SIGNATURE; i++) EXPECT('u', signature[i]);
}

static void expect_right(const CK_BYTE *signature, CK_OBJECT_HANDLE key)
{
    CK_SESSION_HANDLE session = opened(CKF_SERIAL_SESSION);
    CK_BYTE other[SIGNATURE];
    CK_ULONG length = sizeof other;
    EXPECT(CKR_OK, f->C_SignInit(session, &rsa, key));
    EXPECT(CKR_OK, f->C_Sign(session, text, sizeof text, other, &length));
    EXPECT(0, memcmp(other, signature, sizeof other));
    EXPECT(CKR_OK, f->C_CloseSession(session));
}

static void part_key(void)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public[] = {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_TOKEN, &yes, 1}, {CKA_LABEL, "pair", 4}};
    CK_ATTRIBUTE private[] = {{CKA_SIGN, &yes, 1}, {CKA_TOKEN, &yes, 1}, {CKA_LABEL, "pair", 4}};
    CK_SESSION_HANDLE session = opened(ASYNC);
    CK_OBJECT_HANDLE one = 7, other = 8;
    CK_ASYNC_DATA result = {0};
    login(session);
    EXPECT(CKR_PENDING, f->C_GenerateKeyPair(session, &mechanism, public, 3, private, 3, &one, &other));
    EXPECT(7, one);
    EXPECT(8, other);
    found(session, CKO_PRIVATE_KEY, "pair", 0);
    EXPECT(CKR_OK, waited(session, "C_GenerateKeyPair", CKR_PENDING, &result));
    EXPECT(result.hAdditionalObject, found(session, CKO_PRIVATE_KEY, "pair", 1));
    EXPECT(result.hObject, found(session, CKO_PUBLIC_KEY, "pair", 1));
    EXPECT(0, result.ulValue);
    EXPECT(0, (unsigned long)result.pValue);
}

static void part_rules(void)
{
    CK_SESSION_HANDLE session = opened(ASYNC), plain = opened(CKF_SERIAL_SESSION), ready;
    CK_ASYNC_DATA result = {1, NULL, 5, 6, 7};
    CK_BYTE signature[SIGNATURE], short_one[SIGNATURE];
    CK_OBJECT_HANDLE key;
    CK_SESSION_INFO info;
    CK_ULONG id, length = 10;
    login(session);
    key = found(session, CKO_PRIVATE_KEY, "pair", 1);
    EXPECT(CKR_OK, f->C_GetSessionInfo(session, &info));
    EXPECT(ASYNC, info.flags);
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(plain, SIGN, NULL));
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, NULL));
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(session, (CK_UTF8CHAR *)"C_Sing", NULL));
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncGetID(session, SIGN, &id));
    EXPECT(CKR_SAVED_STATE_INVALID, f->C_AsyncJoin(session, SIGN, 12345, signature, SIGNATURE));
    EXPECT(CKR_SESSION_ASYNC_NOT_SUPPORTED, f->C_AsyncJoin(plain, SIGN, 12345, signature, SIGNATURE));
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, vendor->GC_WaitForAny(&session, 1, 0, 0, &ready));
    EXPECT(CKR_SESSION_ASYNC_NOT_SUPPORTED, vendor->GC_WaitForAny(&plain, 1, 0, 0, &ready));
    EXPECT(CKR_ARGUMENTS_BAD, vendor->GC_WaitForAny(NULL, 1, 0, 0, &ready));
    EXPECT(CKR_ARGUMENTS_BAD, vendor->GC_WaitForAny(&session, 1, 0, 0, NULL));

    /* lengths are told at once, and so is that there is no room */
    EXPECT(CKR_OK, waited(session, "C_SignInit", f->C_SignInit(session, &rsa, key), NULL));
    EXPECT(CKR_OK, f->C_Sign(session, text, sizeof text, NULL, &length));
    EXPECT(SIGNATURE, length);
    length = 10;
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_Sign(session, text, sizeof text, short_one, &length));
    EXPECT(SIGNATURE, length);
    EXPECT(CKR_OK, f->C_SignInit(session, NULL, key));

    begin_sign(session, key, signature);
    EXPECT(CKR_PENDING, f->C_AsyncComplete(session, SIGN, &(CK_ASYNC_DATA){0}));
    EXPECT(CKR_PENDING, vendor->GC_WaitForAny(NULL, 0, 1000, GHOSTCARD_NO_LIMIT, &ready));
    EXPECT(CKR_OPERATION_ACTIVE, f->C_Sign(session, text, sizeof text, short_one, &length));
    EXPECT(CKR_OPERATION_ACTIVE, f->C_SignInit(session, &rsa, key));
    EXPECT(CKR_OPERATION_ACTIVE, f->C_AsyncJoin(session, SIGN, 12345, short_one, SIGNATURE));
    expect_untouched(signature);
    EXPECT(CKR_OK, vendor->GC_WaitForAny(&session, 1, GHOSTCARD_NO_LIMIT, GHOSTCARD_NO_LIMIT, &ready));
    expect_untouched(signature);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_AsyncComplete(session, SIGN, &result));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_AsyncComplete(session, SIGN, NULL));
    result.ulVersion = 0;
    EXPECT(CKR_OK, f->C_AsyncComplete(session, SIGN, &result));
    EXPECT((unsigned long)signature, (unsigned long)result.pValue);
    EXPECT(SIGNATURE, result.ulValue);
    EXPECT(0, result.hObject);
    EXPECT(0, result.hAdditionalObject);
    expect_right(signature, key);
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, &result));

    /* what cancels; nothing is written afterwards, whatever time passes */
    begin_sign(session, key, signature);
    EXPECT(CKR_OK, f->C_SessionCancel(session, CKF_VERIFY));
    EXPECT(CKR_OK, f->C_AsyncGetID(session, SIGN, &id));
    EXPECT(CKR_OK, f->C_SessionCancel(session, CKF_SIGN));
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, &result));
    EXPECT(CKR_SAVED_STATE_INVALID, f->C_AsyncJoin(session, SIGN, id, signature, SIGNATURE));
    begin_sign(session, key, short_one);
    EXPECT(CKR_OK, waited(session, "C_Sign", CKR_PENDING, &result));
    expect_untouched(signature);
    begin_sign(session, key, signature);
    EXPECT(CKR_OK, f->C_Logout(session));
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, &result));
    login(session);
    key = found(session, CKO_PRIVATE_KEY, "pair", 1);
    begin_sign(session, key, signature);
    EXPECT(CKR_OK, f->C_CloseSession(session));
    EXPECT(CKR_SESSION_HANDLE_INVALID, f->C_AsyncComplete(session, SIGN, &result));
    session = opened(ASYNC);
    begin_sign(session, key, short_one);
    EXPECT(CKR_OK, f->C_CloseAllSessions(0));
    session = opened(ASYNC);
    login(session);
    key = found(session, CKO_PRIVATE_KEY, "pair", 1);
    begin_sign(session, key, short_one);
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, &result));
    EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, vendor->GC_WaitForAny(&session, 1, 0, 0, &ready));
    expect_untouched(signature);
    expect_untouched(short_one);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
}

/* Attributes that the card enforces are changed when the call is over, and a copy is there then. */
static void part_objects(void)
{
    CK_SESSION_HANDLE session = opened(ASYNC);
    CK_BBOOL no = CK_FALSE, yes = CK_TRUE, now;
    CK_MECHANISM aes = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG bytes = 32;
    CK_ATTRIBUTE new[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}, {CKA_ENCRYPT, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_ATTRIBUTE change = {CKA_ENCRYPT, &no, 1}, label[] = {{CKA_LABEL, "copy", 4}, {CKA_EXTRACTABLE, &no, 1}};
    CK_ATTRIBUTE look = {CKA_ENCRYPT, &now, 1};
    CK_OBJECT_HANDLE key, copy = 77;
    CK_ASYNC_DATA result = {0};
    login(session);
    EXPECT(CKR_PENDING, f->C_GenerateKey(session, &aes, new, 3, &copy));
    EXPECT(CKR_OK, waited(session, "C_GenerateKey", CKR_PENDING, &result));
    key = result.hObject;
    EXPECT(CKR_PENDING, f->C_SetAttributeValue(session, key, &change, 1));
    EXPECT(CKR_OK, f->C_GetAttributeValue(session, key, &look, 1));
    EXPECT(CK_TRUE, now);
    EXPECT(CKR_STATE_UNSAVEABLE, f->C_AsyncGetID(session, (CK_UTF8CHAR *)"C_SetAttributeValue", &bytes));
    EXPECT(CKR_OK, waited(session, "C_SetAttributeValue", CKR_PENDING, NULL));
    EXPECT(CKR_OK, f->C_GetAttributeValue(session, key, &look, 1));
    EXPECT(CK_FALSE, now);
    EXPECT(CKR_PENDING, f->C_CopyObject(session, key, label, 2, &copy));
    EXPECT(77, copy);
    found(session, CKO_SECRET_KEY, "copy", 0);
    EXPECT(CKR_OK, waited(session, "C_CopyObject", CKR_PENDING, &result));
    EXPECT(result.hObject, found(session, CKO_SECRET_KEY, "copy", 1));
}

static void part_detach(void)
{
    CK_SESSION_HANDLE session = opened(ASYNC);
    CK_BYTE signature[SIGNATURE];
    CK_ULONG id, again;
    login(session);
    begin_sign(session, found(session, CKO_PRIVATE_KEY, "pair", 1), signature);
    EXPECT(CKR_OK, f->C_AsyncGetID(session, SIGN, &id));
    EXPECT(CKR_OK, f->C_AsyncGetID(session, SIGN, &again));
    EXPECT(id, again);
    printf("%lu\n", id);
    fflush(stdout);
    raise(SIGKILL);
}

static void part_join(CK_ULONG id)
{
    CK_SESSION_HANDLE session = opened(ASYNC), other = opened(ASYNC), ready;
    CK_BYTE signature[SIGNATURE], another[SIGNATURE];
    CK_ASYNC_DATA result = {0};
    memset(signature, 'u', SIGNATURE);
    EXPECT(CKR_SAVED_STATE_INVALID, f->C_AsyncJoin(session, SIGN, id, signature, SIGNATURE)); /* not logged in */
    login(session);
    EXPECT(CKR_SAVED_STATE_INVALID, f->C_AsyncJoin(session, (CK_UTF8CHAR *)"C_Encrypt", id, signature, SIGNATURE));
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_AsyncJoin(session, SIGN, id, signature, SIGNATURE - 1));
    EXPECT(CKR_OK, f->C_AsyncJoin(session, SIGN, id, another, SIGNATURE));
    EXPECT(CKR_OK, f->C_AsyncJoin(other, SIGN, id, signature, SIGNATURE)); /* who joins last has it */
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, &result));
    expect_untouched(signature);
    EXPECT(CKR_OK, vendor->GC_WaitForAny(&other, 1, 0, 0, &ready));
    EXPECT(CKR_OK, f->C_AsyncComplete(other, SIGN, &result));
    EXPECT((unsigned long)signature, (unsigned long)result.pValue);
    EXPECT(SIGNATURE, result.ulValue);
    expect_right(signature, found(session, CKO_PRIVATE_KEY, "pair", 1));
    EXPECT(CKR_SAVED_STATE_INVALID, f->C_AsyncJoin(other, SIGN, id, signature, SIGNATURE));
}

/* A process that has a call under way keeps it from others as long as it lives. */
static void part_claimed(void)
{
    CK_SESSION_HANDLE session = opened(ASYNC);
    CK_BYTE signature[SIGNATURE];
    CK_ASYNC_DATA result = {0};
    CK_ULONG id;
    int status;
    login(session);
    begin_sign(session, found(session, CKO_PRIVATE_KEY, "pair", 1), signature);
    EXPECT(CKR_OK, f->C_AsyncGetID(session, SIGN, &id));
    if (!fork()) {
        EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, f->C_AsyncComplete(session, SIGN, &result));
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        session = opened(ASYNC);
        login(session);
        EXPECT(CKR_OPERATION_ACTIVE, f->C_AsyncJoin(session, SIGN, id, signature, SIGNATURE));
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        _exit(0);
    }
    wait(&status);
    EXPECT(0, status);
    expect_untouched(signature);
    EXPECT(CKR_OK, f->C_CloseSession(session)); /* and others may have it: this process too */
    session = opened(ASYNC);
    login(session);
    EXPECT(CKR_OK, f->C_AsyncJoin(session, SIGN, id, signature, SIGNATURE));
    EXPECT(CKR_OK, f->C_AsyncComplete(session, SIGN, &result));
    expect_right(signature, found(session, CKO_PRIVATE_KEY, "pair", 1));
}

static CK_OBJECT_HANDLE shared_key;

/* Each thread with sessions of its own, every third call cancelled by closing its session. */
static void *many(void *unused)
{
    CK_SESSION_HANDLE sessions[8], ready;
    CK_BYTE signatures[8][SIGNATURE];
    CK_ASYNC_DATA result = {0};
    for (int i = 0; i < 8; i++) {
        sessions[i] = opened(ASYNC);
        begin_sign(sessions[i], shared_key, signatures[i]);
    }
    for (int n = 0; n < 40; n++) {
        int i = 0;
        EXPECT(CKR_OK, vendor->GC_WaitForAny(sessions, 8, GHOSTCARD_NO_LIMIT, GHOSTCARD_NO_LIMIT, &ready));
        while (sessions[i] != ready) i++;
        if (n % 3 == 2) {
            EXPECT(CKR_OK, f->C_CloseSession(sessions[i]));
            expect_untouched(signatures[i]);
            sessions[i] = opened(ASYNC);
        } else EXPECT(CKR_OK, f->C_AsyncComplete(sessions[i], SIGN, &result));
        begin_sign(sessions[i], shared_key, signatures[i]);
    }
    for (int i = 0; i < 8; i++) EXPECT(CKR_OK, f->C_CloseSession(sessions[i]));
    return unused;
}

static void part_threads(void)
{
    CK_SESSION_HANDLE session = opened(CKF_SERIAL_SESSION);
    pthread_t threads[2];
    login(session);
    shared_key = found(session, CKO_PRIVATE_KEY, "pair", 1);
    for (int i = 0; i < 2; i++) EXPECT(0, pthread_create(&threads[i], NULL, many, NULL));
    for (int i = 0; i < 2; i++) EXPECT(0, pthread_join(threads[i], NULL));
}

static CK_SESSION_HANDLE waiting;

static void *close_it(void *unused)
{
    usleep(100000);
    EXPECT(CKR_OK, f->C_CloseSession(waiting));
    return unused;
}

/* Descriptors: of one session and of all; a fork leaves the child none; a close ends a wait. */
static void part_events(void)
{
    CK_SESSION_HANDLE session = opened(ASYNC), other = opened(ASYNC), ready;
    CK_BYTE signature[SIGNATURE], more[SIGNATURE];
    CK_ASYNC_DATA result = {0};
    CK_OBJECT_HANDLE key;
    struct epoll_event event = {EPOLLIN, {0}};
    int mine, all, again, status, loop = epoll_create1(0);
    unsigned long count;
    pthread_t thread;
    login(session);
    key = found(session, CKO_PRIVATE_KEY, "pair", 1);
    EXPECT(CKR_SESSION_HANDLE_INVALID, vendor->GC_GetEventFd(999, &mine));
    EXPECT(CKR_ARGUMENTS_BAD, vendor->GC_GetEventFd(session, NULL));
    begin_sign(session, key, signature); /* before somebody looks */
    EXPECT(CKR_OK, vendor->GC_GetEventFd(session, &mine));
    EXPECT(CKR_OK, vendor->GC_GetEventFd(session, &again));
    EXPECT(mine, again);
    EXPECT(CKR_OK, vendor->GC_GetEventFd(CK_INVALID_HANDLE, &all));
    EXPECT(0, epoll_ctl(loop, EPOLL_CTL_ADD, mine, &event));
    EXPECT(1, epoll_wait(loop, &event, 1, 20000));
    expect_untouched(signature);
    EXPECT(8, read(mine, &count, 8));
    EXPECT(1, count);
    EXPECT(-1, read(mine, &count, 8));
    EXPECT(CKR_OK, f->C_AsyncComplete(session, SIGN, &result));
    EXPECT(8, read(all, &count, 8));
    begin_sign(other, key, more);
    EXPECT(0, epoll_wait(loop, &event, 1, 50)); /* another session's */
    EXPECT(8, read(all, &count, 8));
    EXPECT(CKR_OK, f->C_AsyncComplete(other, SIGN, &result));
    begin_sign(session, key, signature);
    if (!fork()) {
        EXPECT(-1, read(mine, &count, 8));
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        session = opened(ASYNC);
        login(session);
        begin_sign(session, found(session, CKO_PRIVATE_KEY, "pair", 1), signature);
        EXPECT(CKR_OK, vendor->GC_GetEventFd(CK_INVALID_HANDLE, &all));
        EXPECT(CKR_OK, waited(session, "C_Sign", CKR_PENDING, &result));
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        _exit(0);
    }
    wait(&status);
    EXPECT(0, status);
    EXPECT(1, epoll_wait(loop, &event, 1, 20000));
    EXPECT(CKR_OK, f->C_CloseSession(session));
    waiting = opened(ASYNC);
    begin_sign(waiting, key, signature);
    EXPECT(CKR_OK, f->C_AsyncGetID(waiting, SIGN, &count));
    EXPECT(0, pthread_create(&thread, NULL, close_it, NULL));
    usleep(1000);
    do { /* the thread outside holds time until it sleeps, then this one has its answer */
        CK_RV rv = vendor->GC_WaitForAny(&waiting, 1, GHOSTCARD_NO_LIMIT, 1, &ready);
        if (rv != CKR_PENDING) break;
    } while (1);
    EXPECT(0, pthread_join(thread, NULL));
    close(loop);
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*part)(void); } PARTS[] = {
        {"key", part_key}, {"rules", part_rules}, {"objects", part_objects}, {"detach", part_detach},
        {"claimed", part_claimed}, {"threads", part_threads}, {"events", part_events},
    };
    CK_INTERFACE *interface;
    CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
    alarm(100);
    f = functions(argv[1]);
    *(void **)&get = symbol(open_library(argv[1]), "C_GetInterface");
    EXPECT(CKR_OK, get((CK_UTF8CHAR *)GHOSTCARD_INTERFACE, NULL, &interface, 0));
    vendor = interface->pFunctionList;
    pin = (CK_UTF8CHAR *)argv[2];
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    if (argc > 4) part_join(strtoul(argv[4], NULL, 10));
    for (size_t i = 0; argc == 4 && i < sizeof PARTS / sizeof *PARTS; i++)
        if (!strcmp(PARTS[i].name, argv[3])) PARTS[i].part();
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
