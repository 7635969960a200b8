/* The time that a thread of the host takes for itself between two calls: CPU time, from leaving the library to
 * entering it again. Nothing is read from a clock unless think_start has been called. */
#include <stdatomic.h>
#include <time.h>

#include "library.h"

static atomic_int is_on;
static long constant;                      /* ns of a reading that are not the host's */
static __thread long left_ns;              /* when this thread left the library; 0: it has not been here */
static __thread long own_ns;               /* its own time so far, since think_take */

static long cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

void think_enter(void)
{
    long gap;
    if (!is_on || !left_ns) return;
    gap = cpu_ns() - left_ns - constant;
    if (gap > 0) own_ns += gap;
    left_ns = 0;
}

void think_leave(void)
{
    if (is_on) left_ns = cpu_ns();
}

/* The least that two readings lie apart is the readings' own. */
static long least_gap(void)
{
    long least = 1000000000L;
    for (int i = 0; i < 1000; i++) {
        long before = cpu_ns(), gap = cpu_ns() - before;
        if (gap < least) least = gap;
    }
    return least;
}

void think_start(int wanted)
{
    if (wanted && !constant) constant = least_gap();
    is_on = wanted;
    left_ns = 0;
    own_ns = 0;
}

long think_take(void)
{
    long taken = own_ns;
    own_ns = 0;
    return taken;
}
