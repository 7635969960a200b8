/* ending LIBRARY: C_Finalize and fork() while threads call and wait; each is told, and the library can be used again. */
#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;

static CK_RV draw(void)
{
    CK_SLOT_INFO info;
    CK_RV rv = f->C_GetSlotInfo(0, &info);
    return rv ? rv : f->C_GetMechanismInfo(0, CKM_SHA256, &(CK_MECHANISM_INFO){0});
}

static void *call(void *unused)
{
    CK_RV rv = CKR_OK;
    while (!rv) rv = draw();
    (void)unused;
    return (void *)rv;
}

static void *wait_for_event(void *unused)
{
    CK_SLOT_ID slot;
    (void)unused;
    return (void *)f->C_WaitForSlotEvent(0, &slot, NULL);
}

/* A child has none of these threads, and nothing that they held. */
static void fork_once(void)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        alarm(20);
        EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, draw());
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        EXPECT(CKR_OK, draw());
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        exit(0);
    }
    EXPECT(pid, waitpid(pid, &status, 0));
    EXPECT(0, status);
}

int main(int argc, char **argv)
{
    pthread_t threads[6];
    void *rv;
    (void)argc;
    alarm(50);
    f = functions(argv[1]);
    for (int round = 0; round < 5; round++) {
        EXPECT(CKR_OK, f->C_Initialize(NULL));
        for (int i = 0; i < 6; i++) EXPECT(0, pthread_create(&threads[i], NULL, i < 4 ? call : wait_for_event, NULL));
        usleep(100000);
        for (int i = 0; i < 4; i++) fork_once();
        EXPECT(CKR_OK, f->C_Finalize(NULL));
        for (int i = 0; i < 6; i++) {
            EXPECT(0, pthread_join(threads[i], &rv));
            EXPECT(CKR_CRYPTOKI_NOT_INITIALIZED, (CK_RV)rv);
        }
    }
    return 0;
}
