/* Clients: what they ask for and when (benchmarks/closed_loop.py, driver/simulated.py). */

#include "machine.h"

/* The client's next request; NULL when it has none, or could not be told. */
static const request_figures *supply(kernel *k, int32_t which)
{
    client_figures *f = &k->figures->client[which];
    client *c = &k->clients[which];
    if (c->next == f->supplied) {
        c->next = 0;
        if (f->refills && k->figures->refill(k->figures->context, which)) {
            k->status = KERNEL_REFUSED;
            return NULL;
        }
        if (!f->supplied)
            return NULL;
    }
    return &f->supply[c->next];
}

static void submit(kernel *k, int32_t which, const request_figures *request, int32_t job)
{
    int32_t queue = pick(k, k->figures->client[which].route, request->work);
    if (queue < 0) {
        k->status = KERNEL_REFUSED;
        return;
    }
    message *m = &k->messages[job];
    m->client = which;
    m->work = request->work;
    m->queue = queue;
    m->number = (uint64_t)k->clients[which].sent - 1;
    m->price = &k->queues[queue].on->price[request->work];
    m->times[SUBMITTED] = k->now;
    push(k, k->now + k->queues[queue].on->figures->submit_ns, draw(k), E_ENQUEUE, job);
}

static int over(const kernel *k, int32_t which)
{
    const machine_figures *f = k->figures;
    return k->clients[which].sent >= f->client[which].requests || k->submitted >= f->requests || k->now >= f->end_ns;
}

static void release(kernel *k, int32_t job)
{
    k->messages[job].next = k->unused;
    k->unused = job;
}

/* Whether the client had a request to submit. */
static int submit_next(kernel *k, int32_t which, int32_t job)
{
    const request_figures *request = over(k, which) ? NULL : supply(k, which);
    if (!request) {
        release(k, job);
        return 0;
    }
    k->submitted += k->figures->work[request->work].change < 0;
    k->clients[which].sent++;
    k->clients[which].next++;
    submit(k, which, request, job);
    return 1;
}

void next_request(kernel *k, int32_t job) { submit_next(k, k->messages[job].client, job); }

/* When a client that begins to think now has thought: at once, or as soon as a worker is free. */
static int64_t thought_ns(const kernel *k, int32_t which, int64_t gap_ns)
{
    const client_figures *f = &k->figures->client[which];
    int64_t begun_ns = k->now;
    if (!f->workers)
        return begun_ns + gap_ns;
    if (f->free_ns[0] > begun_ns)
        begun_ns = f->free_ns[0];
    replace_least(f->free_ns, f->workers, begun_ns + gap_ns);
    return begun_ns + gap_ns;
}

/* The client thinks, or submits its request at once. */
static void think(kernel *k, const request_figures *request, int32_t job)
{
    if (request && request->gap_ns)
        push(k, thought_ns(k, k->messages[job].client, request->gap_ns), draw(k), E_NEXT, job);
    else
        next_request(k, job);
}

/* Whether the client has to wait for another one before this request. */
static int waits(kernel *k, int32_t which, const request_figures *request, int32_t job)
{
    if (!request || !request->after)
        return 0;
    client *other = &k->clients[request->after - 1];
    if (other->ended >= request->after_ended)
        return 0;
    int32_t *at = &other->waiters;
    while (*at && *at <= which)
        at = &k->clients[*at - 1].next_waiter;
    k->clients[which].job = job;
    k->clients[which].next_waiter = *at;
    *at = which + 1;
    return 1;
}

/* A request of this client has ended: others may have waited for that. */
static void let_go(kernel *k, int32_t which)
{
    int32_t *at = &k->clients[which].waiters;
    while (*at) {
        int32_t waiting = *at - 1;
        client *waiter = &k->clients[waiting];
        const request_figures *request = supply(k, waiting);
        if (!request || request->after_ended > k->clients[which].ended) {
            at = &waiter->next_waiter;
            continue;
        }
        *at = waiter->next_waiter;
        think(k, request, waiter->job);
    }
}

/* A reply has come. */
static void follow(kernel *k, int32_t job)
{
    int32_t which = k->messages[job].client;
    const request_figures *request = over(k, which) ? NULL : supply(k, which);
    k->clients[which].ended++;
    if (!waits(k, which, request, job))
        think(k, request, job);
    let_go(k, which);
}

static void await_arrival(kernel *k, int32_t which)
{
    const request_figures *request = supply(k, which);
    if (request)
        push(k, request->gap_ns, draw(k), E_ARRIVAL, which);
}

void arrival(kernel *k, int32_t which)
{
    int32_t job = new_message(k);
    if (job >= 0 && submit_next(k, which, job))
        await_arrival(k, which);
}

static void begin(kernel *k, int32_t which)
{
    int64_t begin_ns = k->figures->client[which].begin_ns;
    int32_t job = new_message(k);
    if (job < 0)
        return;
    k->messages[job].client = which;
    if (begin_ns >= 0)
        push(k, begin_ns, draw(k), E_NEXT, job);
    else if (over(k, which) || !waits(k, which, supply(k, which), job))
        next_request(k, job);
}

void start_hosts(kernel *k)
{
    for (int32_t i = 0; i < k->figures->clients; i++) {
        if (k->figures->client[i].open)
            await_arrival(k, i);
        else
            begin(k, i);
    }
}

/* Messages have come back. All are booked before any client hears of his: he may submit again at
   once, and the choice of a queue is not to depend on who is told first. */
void ended(kernel *k)
{
    list over = k->ended;
    k->ended = (list){ -1, -1 };
    for (int32_t job = over.first; job >= 0; job = k->messages[job].next) {
        message *m = &k->messages[job];
        queue *q = &k->queues[m->queue];
        q->load -= m->price->weight;
        q->on->load -= m->price->weight;
        m->times[DONE] = k->now;
        write_record(k, m);
    }
    for (int32_t job = over.first, next; job >= 0; job = next) {
        next = k->messages[job].next;
        if (k->figures->client[k->messages[job].client].open)
            release(k, job);
        else
            follow(k, job);
    }
}
