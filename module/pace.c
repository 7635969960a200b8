/* How a thread in paced mode waits for its time: it sleeps until shortly before, with the least slack that the kernel
 * has, and then looks at the clock all the time. Python calls this without the GIL. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include "library.h"

#define SPIN_NS 150000L /* as ghostcard.driver.pausing.SPIN_NS */
#define SECOND_NS 1000000000L

static long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void be_punctual(void)
{
    static __thread int is_punctual;
    if (is_punctual) return;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    is_punctual = 1;
}

/* Until the monotonic clock shows this time; until SPIN_NS before, if that is still to come: whoever waits may have
 * something to do before the time is there. */
void pace_pause(long until_ns)
{
    long wake_ns = until_ns - SPIN_NS;
    if (now_ns() < wake_ns) {
        struct timespec wake = {wake_ns / SECOND_NS, wake_ns % SECOND_NS};
        be_punctual();
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR) continue;
        return;
    }
    while (now_ns() < until_ns) continue;
}
