/* The driver: dispatcher, queue machines, tasklet and poll timer (driver/dispatcher.py,
   driver/queue.py and driver/apdriver.py), for queues that are up and cards that do not fail. */

#include "machine.h"

enum { WAIT_AGAIN, WAIT_HIGH_TIMEOUT, WAIT_LOW_TIMEOUT, WAIT_INTERRUPT, WAIT_NONE };

/* Whether one is cheaper than the best so far, or as cheap and less used. */
static int better(int64_t load, int64_t requests, int64_t weight, int64_t best_load, int64_t best_requests, int64_t best_weight)
{
    int64_t cost = load + weight, best_cost = best_load + best_weight;
    return cost < best_cost || (cost == best_cost && requests < best_requests);
}

/* The queue for a request, charged with its weight; -1 if no queue of the route takes it. */
int32_t pick(kernel *k, int32_t route, int32_t work)
{
    const machine_figures *f = k->figures;
    const int32_t *at = f->route_queue + f->route_start[route], *end = f->route_queue + f->route_start[route + 1];
    int32_t best = -1;
    int64_t best_weight = 0;
    while (at < end) {
        card *c = k->queues[*at].on;
        int64_t weight = c->price[work].weight;
        queue *b = best < 0 ? NULL : &k->queues[best];
        int taken = weight >= 0
            && (!b || better(c->load, c->requests, weight, b->on->load, b->on->requests, best_weight));
        for (; at < end && k->queues[*at].on == c; at++) {
            queue *q = &k->queues[*at];
            if (!taken)
                continue;
            b = best < 0 ? NULL : &k->queues[best];
            if (!b || better(q->load, q->requests, weight, b->load, b->requests, best_weight)) {
                best = *at;
                best_weight = weight;
            }
        }
    }
    if (best >= 0) {
        queue *q = &k->queues[best];
        q->load += best_weight;
        q->on->load += best_weight;
        q->requests++;
        q->on->requests++;
    }
    return best;
}

static void restart_timer(kernel *k, queue *q)
{
    q->deadline = k->now + k->figures->request_timeout_ns;
    if (!q->timer_pending) {
        q->timer_pending = 1;
        push(k, q->deadline, draw(k), E_TIMER, (int32_t)(q - k->queues));
    }
}

static int reply_wait(const kernel *k) { return k->figures->interrupts ? WAIT_INTERRUPT : WAIT_HIGH_TIMEOUT; }

/* NQAP of the head of the line. */
static int write_one(kernel *k, queue *q, int read_wait, int *restarted)
{
    int full_wait = reply_wait(k);
    if (q->in_hardware < q->figures->depth) {
        int32_t which = take(k, &q->line);
        k->messages[which].depth = ++q->in_hardware;
        accept_message(k, which);
        *restarted |= q->in_hardware == 1;
        if (q->in_hardware < q->figures->depth) {
            q->state = STATE_WORKING;
            return WAIT_AGAIN;
        }
    }
    q->state = STATE_FULL;
    return read_wait < full_wait ? read_wait : full_wait;
}

/* DQAP of the oldest reply, if it is there; what an interrupt or tick was seen for ends now. */
static int read_one(kernel *k, queue *q, int *restarted)
{
    int32_t first = q->replies.first;
    if (first < 0 || k->messages[first].times[REPLIED] > k->now)
        return 0;
    message *m = &k->messages[first];
    take(k, &q->replies);
    m->times[NOTIFIED] = k->woken > m->times[REPLIED] ? k->woken : m->times[REPLIED];
    append(k, &k->ended, first);
    *restarted |= --q->in_hardware > 0;
    return 1;
}

static int read_then_write(kernel *k, queue *q, int *restarted)
{
    int writes = q->state == STATE_WORKING, waiting, wait;
    int got = read_one(k, q, restarted);
    waiting = q->line.first >= 0;
    if (!q->in_hardware) {
        q->state = STATE_IDLE;
        wait = waiting ? WAIT_AGAIN : WAIT_NONE;
    } else if (got) {
        q->state = STATE_WORKING;
        wait = WAIT_AGAIN;
    } else {
        wait = reply_wait(k);
    }
    return writes && waiting ? write_one(k, q, wait, restarted) : wait;
}

/* Event POLL: do what the queue machine asks for until it waits. */
static int pump(kernel *k, queue *q)
{
    int wait, restarted = 0;
    do {
        if (q->state != STATE_IDLE)
            wait = read_then_write(k, q, &restarted);
        else
            wait = q->line.first >= 0 ? write_one(k, q, WAIT_NONE, &restarted) : WAIT_NONE;
    } while (wait == WAIT_AGAIN);
    if (restarted)
        restart_timer(k, q);
    return wait;
}

/* There is no timer for queues with interrupts. */
static void arm(kernel *k, int wait)
{
    int64_t period = k->figures->poll_ns;
    if (wait != WAIT_HIGH_TIMEOUT || k->poll_pending)
        return;
    k->poll_expiry += ((k->now - k->poll_expiry) / period + 1) * period;
    k->poll_pending = 1;
    push(k, k->poll_expiry, draw(k), E_POLL, 0);
}

static void close_event(kernel *k, int wait)
{
    arm(k, wait);
    if (k->ended.first >= 0)
        ended(k);
}

void enqueue(kernel *k, int32_t which)
{
    queue *q = &k->queues[k->messages[which].queue];
    append(k, &q->line, which);
    close_event(k, pump(k, q));
}

static void wake(kernel *k, int64_t delay)
{
    k->woken = k->now;
    k->tasklet_pending = 1;
    push(k, k->now + delay, draw(k), E_TASKLET, 0);
}

void interrupted(kernel *k, int32_t which)
{
    queue *q = &k->queues[which];
    if (q->replies.first >= 0 && !k->tasklet_pending)
        wake(k, q->on->figures->dequeue_ns);
}

void run_tasklet(kernel *k)
{
    int least = WAIT_NONE;
    k->tasklet_pending = 0;
    for (int32_t i = 0; i < k->figures->queues; i++) {
        queue *q = &k->queues[i];
        if (q->state != STATE_IDLE || q->line.first >= 0) {
            int wait = pump(k, q);
            least = wait < least ? wait : least;
        }
    }
    close_event(k, least);
}

void poll_expired(kernel *k)
{
    k->poll_pending = 0;
    if (!k->tasklet_pending)
        wake(k, k->figures->slowest_dequeue_ns);
}

/* The timer is not moved at every reply; it looks here whether it was to have been. A reset is
   beyond this engine: the caller begins again with the other one. */
void timer_expired(kernel *k, int32_t which)
{
    queue *q = &k->queues[which];
    q->timer_pending = 0;
    if (!q->in_hardware)
        return;
    if (k->now >= q->deadline) {
        k->status = KERNEL_TIMEOUT;
        return;
    }
    q->timer_pending = 1;
    push(k, q->deadline, draw(k), E_TIMER, which);
}
