/* The second engine: a machine of cards, queues and hosts, computed in C.

   The same model as ghostcard.driver.simulated on a SimPy timeline, event for event, so that the
   records are equal to the byte. What a machine is made of comes as figures, in the structures
   below; times are nanoseconds. `build.py` reads the declarations for Python from here. */

#ifndef GHOSTCARD_KERNEL_H
#define GHOSTCARD_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { KERNEL_RUNNING, KERNEL_ENDED, KERNEL_NO_MEMORY, KERNEL_OVERFLOW, KERNEL_TIMEOUT, KERNEL_REFUSED };

enum { DRAW_EXPONENTIAL, DRAW_UNIFORM, DRAW_EMPIRICAL };

/* How service times spread around their mean (emulator/variates.py). */
typedef struct {
    int32_t kind;
    int32_t values; /* of an empirical one */
    uint64_t spread_permille; /* of a uniform one */
    const uint64_t *permille; /* of the mean, */
    const uint64_t *bounds; /* and the running sums of how often each occurs */
} sampler_figures;

typedef struct {
    uint16_t adapter;
    int32_t cores;
    int32_t builders;
    int32_t pools;
    const int32_t *engines; /* of each pool */
    int64_t latency_in_ns;
    int64_t latency_out_ns;
    int64_t submit_ns;
    int64_t interrupt_ns;
    int64_t dequeue_ns;
    int32_t coalesce_count;
    int64_t coalesce_ns;
    uint64_t seed; /* of the service times, mixed once */
} card_figures;

typedef struct {
    int32_t card; /* index */
    uint16_t qid;
    int32_t depth;
} queue_figures;

/* One kind of request, the same on every card. */
typedef struct {
    uint16_t function;
    int32_t operation; /* index of its name */
    uint32_t request_bytes;
    uint32_t reply_bytes;
    uint32_t payload_bytes;
    int32_t change; /* index, of an admin request that changes the card's prices; else below 0 */
} work_figures;

/* What one kind of request costs on one card. Weight and transfers do not change. */
typedef struct {
    int64_t weight; /* the dispatcher's; below 0: this card does not take it */
    int64_t request_ns; /* on the link */
    int64_t reply_ns;
    int64_t decode_ns;
    int64_t unwrap_ns;
    int64_t engine_ns; /* the mean, where it varies */
    int64_t build_ns;
    int32_t pool; /* index; below 0: no engine */
    int32_t engine; /* index of its name */
    int32_t sampler; /* index; below 0: the engine's time does not vary */
} price_figures;

/* `gap_ns`: of a client in a closed loop, from a reply to this request; of an open one, its time. With `after`, a
   client's index plus 1, the gap begins when so many of that one's requests have ended, if that is later. */
typedef struct {
    int64_t gap_ns;
    int32_t work;
    int32_t after;
    int64_t after_ended;
} request_figures;

typedef struct {
    uint32_t number;
    int32_t open; /* it does not wait for replies */
    int32_t route; /* index */
    int64_t begin_ns; /* a closed loop's first request is then; below 0: before all events */
    int64_t requests; /* at most so many */
    int64_t *free_ns; /* heap: when each of the workers it thinks on has nothing to do; or NULL */
    int32_t workers;
    const request_figures *supply; /* the next requests */
    int64_t supplied;
    int32_t refills; /* ask for more when the supply is used up; else begin it anew */
} client_figures;

typedef struct {
    int32_t cards, queues, works, routes, clients, names;
    const card_figures *card;
    const queue_figures *queue;
    const work_figures *work;
    const price_figures *price; /* [card][work] */
    const price_figures **change; /* [change][work]: of its card from then on */
    const sampler_figures *sampler;
    const uint64_t *log2; /* of 1 to 2 in 1024 steps, in Q32 */
    const int32_t *route_start; /* [routes + 1], into route_queue */
    const int32_t *route_queue; /* in order of qid */
    client_figures *client; /* read, and refilled, during the run */
    int32_t *name; /* name of a record by index; -1: not met yet */
    int32_t named; /* names met */
    int64_t requests; /* of all clients, at most */
    int64_t end_ns; /* none is submitted then or later */
    int32_t interrupts; /* else the host polls */
    int64_t poll_ns;
    int64_t slowest_dequeue_ns;
    int64_t request_timeout_ns;
    int (*refill)(void *context, int32_t client); /* 0: done */
    void *context;
} machine_figures;

typedef struct kernel kernel;

/* The figures must stay where they are. NULL: no memory. */
kernel *kernel_new(machine_figures *figures);
void kernel_free(kernel *k);

/* Run until `records` have been written, or to the end; KERNEL_RUNNING: there is more to come. */
int kernel_run(kernel *k, size_t records);

/* The records written since the last kernel_run, as they lie in a file of records. */
const uint8_t *kernel_records(const kernel *k, size_t *records);
int64_t kernel_events(const kernel *k);

#endif
