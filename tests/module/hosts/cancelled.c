/* cancelled LIBRARY: threads that are cancelled in the middle of calls; the others go on, and the library ends. */
#include <stdatomic.h>
#include "host.h"

#define THREADS 8

static CK_FUNCTION_LIST_3_2 *f;
static atomic_int calls;

static void *caller(void *session)
{
    CK_BYTE bytes[16];
    for (;;) {
        EXPECT(CKR_OK, f->C_GenerateRandom((CK_SESSION_HANDLE)session, bytes, sizeof bytes));
        calls++;
    }
}

static void *waiter(void *unused)
{
    CK_SLOT_ID slot;
    (void)unused;
    EXPECT(CKR_OK, f->C_WaitForSlotEvent(0, &slot, NULL));
    return NULL;
}

static void go_on(int count)
{
    int until = calls + count;
    while (calls < until) usleep(1000);
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS + 1];
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_SESSION_HANDLE session;
    void *result;
    EXPECT(2, argc);
    alarm(60);
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_GetSlotList(CK_FALSE, slots, &count));
    EXPECT(CKR_OK, f->C_InitToken(slots[0], (CK_UTF8CHAR *)"87654321", 8,
                                  (CK_UTF8CHAR *)"cancel                          "));
    EXPECT(0, pthread_create(&threads[THREADS], NULL, waiter, NULL));
    for (int i = 0; i < THREADS; i++) {
        EXPECT(CKR_OK, f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session));
        EXPECT(0, pthread_create(&threads[i], NULL, caller, (void *)session));
    }
    go_on(40);
    for (int i = THREADS; i > 0; i--) {
        EXPECT(0, pthread_cancel(threads[i]));
        EXPECT(0, pthread_join(threads[i], &result));
        EXPECT((long)PTHREAD_CANCELED, (long)result);
        go_on(5);
    }
    EXPECT(0, pthread_cancel(threads[0]));
    EXPECT(0, pthread_join(threads[0], NULL));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
