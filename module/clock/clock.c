/* The clocks of a program whose cards are simulated: what clock_gettime, gettimeofday and time answer is the time at
 * which its C_Initialize was called, and what has passed on the cards since; sleep, usleep, nanosleep and
 * clock_nanosleep let simulated time pass. Loaded by LD_PRELOAD (`ghostcard run --virtual-clock`).
 *
 * Each thread has a time of its own: that of its last reply (`told`), and what it has taken itself since (`own`).
 * A thread that slept meanwhile, behind a lock or in pthread_join, goes on no earlier than the latest reply of any:
 * whoever woke it had come so far. That is what the strict order does, too (driver/gate.py).
 *
 * Clocks of CPU time, timers, alarms and time-outs are the host's. So is everything before C_Initialize, and whatever a
 * thread does inside the library, where Python looks at clocks. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define OURS __attribute__((visibility("default")))
#define SECOND_NS 1000000000L
#define READING_NS 25 /* what it takes to look at a clock: a loop that waits for a time comes to an end */
#define CLOCKS 12     /* CLOCK_TAI is the last */

static atomic_int is_on;
static atomic_long latest;      /* reply of any thread */
static atomic_long base[CLOCKS]; /* what each clock showed at the cards' time 0 */
static atomic_int life;         /* how often the cards have begun at 0 */
static int (*sleep_on_cards)(long ns);
static double thinks;

static __thread int inside;
static __thread int known_life;
static __thread long told, own;
static __thread long left_cpu_ns; /* when the thread left the library; 0: it has not been there */

static int (*host_clock_gettime)(clockid_t, struct timespec *);
static int (*host_clock_nanosleep)(clockid_t, int, const struct timespec *, struct timespec *);
static int (*host_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

__attribute__((constructor)) static void find(void)
{
    *(void **)&host_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    *(void **)&host_clock_nanosleep = dlsym(RTLD_NEXT, "clock_nanosleep");
    *(void **)&host_pthread_create = dlsym(RTLD_NEXT, "pthread_create");
}

/* Other libraries' constructors may look at a clock before ours has run. */
static int host_time(clockid_t id, struct timespec *time)
{
    return host_clock_gettime ? host_clock_gettime(id, time) : (int)syscall(SYS_clock_gettime, id, time);
}

static long host_ns(clockid_t id)
{
    struct timespec time;
    host_time(id, &time);
    return time.tv_sec * SECOND_NS + time.tv_nsec;
}

/* Those that show how late it is; the others count what a thread or process has used. */
static int is_of_the_wall(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_REALTIME_COARSE ||
           id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME || id == CLOCK_TAI;
}

static int is_ours(clockid_t id)
{
    return is_on && !inside && is_of_the_wall(id);
}

static void think(void)
{
    long now;
    if (thinks <= 0 || !left_cpu_ns) return;
    now = host_ns(CLOCK_THREAD_CPUTIME_ID);
    own += (long)((double)(now - left_cpu_ns) * thinks);
    left_cpu_ns = now;
}

/* The calling thread's time. */
static long cards_ns(void)
{
    long reached = latest;
    if (known_life != life) {
        known_life = life;
        told = own = left_cpu_ns = 0;
    }
    think();
    if (told + own < reached) {
        told = reached;
        own = 0;
    }
    return told + own;
}

static long read_ns(clockid_t id)
{
    long now = cards_ns();
    own += READING_NS;
    return base[id] + now;
}

/* -- libghostcard.so */

OURS void ghostcard_clock_begin(int (*sleep)(long ns), double think_scale)
{
    long passed = is_on ? cards_ns() : 0;
    for (int id = 0; id < CLOCKS; id++)
        if (is_of_the_wall(id)) base[id] = is_on ? base[id] + passed : host_ns(id);
    sleep_on_cards = sleep;
    thinks = think_scale;
    latest = 0;
    life++;
    is_on = 1;
}

OURS void ghostcard_clock_inside(int by)
{
    if (by > 0 && !inside) think();
    inside += by;
    if (!inside && is_on && thinks > 0) left_cpu_ns = host_ns(CLOCK_THREAD_CPUTIME_ID);
}

OURS long ghostcard_clock_take(void)
{
    long taken;
    cards_ns();
    taken = own;
    told += own;
    own = 0;
    return taken;
}

OURS void ghostcard_clock_tell(long now)
{
    long before = latest;
    known_life = life;
    told = now;
    own = 0;
    while (before < now && !atomic_compare_exchange_weak(&latest, &before, now)) continue;
}

/* -- the program */

static struct timespec as_timespec(long ns)
{
    return (struct timespec){ns / SECOND_NS, ns % SECOND_NS};
}

OURS int clock_gettime(clockid_t id, struct timespec *time)
{
    if (!is_ours(id)) return host_time(id, time);
    *time = as_timespec(read_ns(id));
    return 0;
}

OURS int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;
    if (zone) *(struct timezone *)zone = (struct timezone){0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

OURS time_t time(time_t *store)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (store) *store = now.tv_sec;
    return now.tv_sec;
}

/* Time passes for the cards, too, if there are some; else for this thread alone. */
static void pass(long ns)
{
    if (ns > 0 && !(sleep_on_cards && !sleep_on_cards(ns))) own += ns;
}

OURS int clock_nanosleep(clockid_t id, int flags, const struct timespec *wanted, struct timespec *left)
{
    long ns;
    if (!is_ours(id)) {
        if (host_clock_nanosleep) return host_clock_nanosleep(id, flags, wanted, left);
        return syscall(SYS_clock_nanosleep, id, flags, wanted, left) ? errno : 0;
    }
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= SECOND_NS) return EINVAL;
    ns = wanted->tv_sec * SECOND_NS + wanted->tv_nsec;
    pass(flags & TIMER_ABSTIME ? ns - base[id] - cards_ns() : ns);
    return 0;
}

OURS int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
    if (!error) return 0;
    errno = error;
    return -1;
}

OURS int usleep(useconds_t us)
{
    struct timespec wanted = as_timespec((long)us * 1000);
    return nanosleep(&wanted, NULL);
}

OURS unsigned int sleep(unsigned int seconds)
{
    struct timespec wanted = {seconds, 0}, left = {0, 0};
    return nanosleep(&wanted, &left) ? (unsigned int)left.tv_sec + (left.tv_nsec >= SECOND_NS / 2) : 0;
}

/* -- threads that are started inside the library are its own, and stay there */

typedef struct {
    void *(*run)(void *);
    void *argument;
} start_t;

static void *run_inside(void *given)
{
    start_t start = *(start_t *)given;
    free(given);
    inside = 1;
    return start.run(start.argument);
}

OURS int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    start_t *start;
    int error;
    if (!host_pthread_create) find();
    if (!inside) return host_pthread_create(thread, attributes, run, argument);
    start = malloc(sizeof *start);
    if (!start) return EAGAIN;
    *start = (start_t){run, argument};
    error = host_pthread_create(thread, attributes, run_inside, start);
    if (error) free(start);
    return error;
}
