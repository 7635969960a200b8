/* What the parts of the kernel know of each other. Messages are in one list at a time. */

#ifndef GHOSTCARD_MACHINE_H
#define GHOSTCARD_MACHINE_H

#include "kernel.h"

#define RECORD_BYTES 128
#define TIME_MAX (INT64_C(1) << 62)

enum { SUBMITTED, ENQUEUED, ARRIVED, FETCHED, DECODED, UNWRAPPED, STARTED, FINISHED, BUILT, REPLIED, NOTIFIED, DONE, STAGES };

enum { E_ENQUEUE, E_ARRIVED, E_UNWRAPPED, E_FINISHED, E_BUILT, E_INTERRUPT, E_TASKLET, E_POLL, E_TIMER, E_NEXT, E_ARRIVAL };

enum { STATE_IDLE, STATE_WORKING, STATE_FULL };

typedef struct {
    int64_t time;
    uint64_t order; /* of scheduling, among events of one instant */
    int32_t what;
    int32_t which;
} event;

typedef struct {
    int32_t first, last;
} list;

typedef struct {
    int64_t times[STAGES];
    uint64_t order;
    uint64_t number; /* of its client's requests, from 0 */
    const price_figures *price;
    int32_t next; /* in its list; -1: the last */
    int32_t client;
    int32_t work;
    int32_t queue;
    uint32_t depth;
} message;

typedef struct {
    list waiting;
    int32_t idle;
} pool;

typedef struct {
    const card_figures *figures;
    const price_figures *price; /* [work], of what is fetched from now on */
    int64_t load, requests; /* the dispatcher's */
    int64_t in_free_at, out_free_at;
    int64_t *builder_free_at; /* a heap: the least is first */
    pool *pools;
    list awaiting_core;
    int32_t idle_cores;
    int32_t travelling;
} card;

typedef struct {
    const queue_figures *figures;
    card *on;
    int64_t load, requests; /* the dispatcher's */
    int64_t interrupt_due;
    int64_t collect_until; /* until then replies count towards the interrupt that is due, */
    int32_t collected; /* and so many have */
    int64_t deadline;
    list replies; /* on the card */
    list line; /* of the driver */
    int32_t in_hardware;
    int32_t state;
    int timer_pending;
} queue;

typedef struct {
    int64_t sent;
    int64_t next; /* in its supply */
    int64_t ended;
    int32_t job; /* while it waits for another client */
    int32_t waiters, next_waiter; /* in a list of clients, by index plus 1, in their order */
} client;

struct kernel {
    machine_figures *figures;
    event *heap;
    size_t events, heap_room;
    uint64_t serial;
    int64_t now;
    int64_t steps;
    int64_t submitted;
    int status;
    card *cards;
    queue *queues;
    client *clients;
    message *messages;
    int32_t message_room, unused; /* the first of a list */
    int tasklet_pending, poll_pending;
    int64_t woken, poll_expiry;
    list ended;
    uint8_t *records;
    size_t written, record_room;
    int started;
};

/* timeline.c */
void push(kernel *k, int64_t time, uint64_t order, int what, int32_t which);
event pop(kernel *k);

/* messages.c */
int32_t new_message(kernel *k);
void append(kernel *k, list *to, int32_t which);
int32_t take(kernel *k, list *from);
void write_record(kernel *k, const message *m);

/* card.c */
void accept_message(kernel *k, int32_t which);
void arrived(kernel *k, int32_t which);
void unwrapped(kernel *k, int32_t which);
void finished(kernel *k, int32_t which);
void built(kernel *k, int32_t which);
void replace_least(int64_t *heap, int32_t n, int64_t value);
void interrupt(kernel *k, int32_t queue);

/* draws.c */
int64_t service_ns(kernel *k, const message *m);

/* driver.c */
int32_t pick(kernel *k, int32_t route, int32_t work);
void enqueue(kernel *k, int32_t which);
void interrupted(kernel *k, int32_t queue);
void run_tasklet(kernel *k);
void poll_expired(kernel *k);
void timer_expired(kernel *k, int32_t queue);

/* hosts.c */
void start_hosts(kernel *k);
void ended(kernel *k);
void next_request(kernel *k, int32_t which);
void arrival(kernel *k, int32_t which);

static inline uint64_t draw(kernel *k) { return k->serial++; }

#endif
