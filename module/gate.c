/* The gate: everybody who calls the library goes through it; who closes it waits until nobody else is inside.
 *
 * A fork copies one thread only: locks that another holds at that moment, half-made lists, imports under way would
 * stay so in the child for ever. With the gate closed there are none of ours. C_Initialize, C_Finalize and the end
 * of the process have the same need. A thread that waits here gives the GIL up, as those inside may want it.
 *
 * A thread that is cancelled (pthread_cancel) ends when it is outside again: the interpreter cannot lose one in its
 * middle, and whoever closes the gate would wait for it for ever.
 *
 * Entering is two writes and a read when the gate is open. `inside` goes up before `closed` is read, and `closed` is
 * written before `inside` is read, all sequentially consistent: one of the two sides sees the other. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "library.h"

static atomic_long inside; /* threads */
static atomic_int closed;
static __thread int depth;   /* a signal handler may call the library from within the library */
static __thread int is_mine; /* this thread closed the gate, and may pass */
static __thread int cancel;  /* what its cancelability was outside, and before it closed the gate */
static __thread int closer_cancel;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;

static PyThreadState *release_gil(void)
{
    return thread_holds_gil() ? PyEval_SaveThread() : NULL;
}

static void take_gil_back(PyThreadState *released)
{
    if (released) PyEval_RestoreThread(released);
}

/* Under the lock: a thread that waits for the gate is not inside. */
static void step_aside_while_closed(void)
{
    while (closed) {
        inside--;
        pthread_cond_broadcast(&change);
        while (closed) pthread_cond_wait(&change, &lock);
        inside++;
    }
}

static void wait_until_open(void)
{
    PyThreadState *released = release_gil();
    pthread_mutex_lock(&lock);
    step_aside_while_closed();
    pthread_mutex_unlock(&lock);
    take_gil_back(released);
}

void gate_enter(void)
{
    if (depth++) return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    inside++;
    if (closed && !is_mine) wait_until_open();
}

static void tell_who_closes(void)
{
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

void gate_leave(void)
{
    int before = cancel;
    if (--depth) return;
    inside--;
    if (closed) tell_who_closes();
    pthread_setcancelstate(before, NULL);
}

/* Under the lock. 0, or ETIMEDOUT at the time `end`, when there is one. */
static int wait_for_others(const struct timespec *end)
{
    int error = 0;
    while (inside > (depth ? 1 : 0) && !error)
        error = end ? pthread_cond_timedwait(&change, &lock, end) : pthread_cond_wait(&change, &lock);
    return error;
}

static int close_until(const struct timespec *end)
{
    PyThreadState *released = release_gil();
    int error, before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_mutex_lock(&lock);
    if (depth) step_aside_while_closed();
    while (closed) pthread_cond_wait(&change, &lock);
    closed = 1;
    is_mine = 1;
    closer_cancel = before;
    error = wait_for_others(end);
    pthread_mutex_unlock(&lock);
    take_gil_back(released);
    return error;
}

void gate_close(void)
{
    close_until(NULL);
}

int gate_close_within(long seconds)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += seconds;
    return close_until(&end);
}

void gate_open(void)
{
    pthread_mutex_lock(&lock);
    closed = 0;
    is_mine = 0;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
    pthread_setcancelstate(closer_cancel, NULL);
}

void gate_open_in_child(void)
{
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&change, NULL);
    inside = depth ? 1 : 0;
    is_mine = 0;
    closed = 0;
    pthread_setcancelstate(closer_cancel, NULL);
}

int gate_is_idle(void)
{
    return !inside && !closed;
}
