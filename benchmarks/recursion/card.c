/* The stations of a card: emulator/general_stations.py for lines first come, first served, without
   resets, batches, bounded memory and blocks but those that change a figure. */

#include "machine.h"

static void at_job(kernel *k, int32_t which, int64_t time, int what)
{
    push(k, time, k->messages[which].order, what, which);
}

/* One direction of a link: a server of its own, and the latency on top. */
static int64_t send_over(kernel *k, int64_t *free_at, int64_t now, int64_t transfer, int64_t latency)
{
    int64_t start = *free_at < now ? now : *free_at;
    *free_at = start + transfer;
    if (*free_at > TIME_MAX)
        k->status = KERNEL_OVERFLOW;
    return *free_at + latency;
}

static void fetch(kernel *k, int32_t which, int64_t now)
{
    message *m = &k->messages[which];
    card *c = k->queues[m->queue].on;
    int32_t change = k->figures->work[m->work].change;
    if (change >= 0) /* the admin request itself is priced by what it says */
        c->price = k->figures->change[change];
    m->price = &c->price[m->work];
    m->times[FETCHED] = now;
    m->times[DECODED] = now + m->price->decode_ns;
    m->times[UNWRAPPED] = m->times[DECODED] + m->price->unwrap_ns;
    at_job(k, which, m->times[UNWRAPPED], E_UNWRAPPED);
}

void accept_message(kernel *k, int32_t which)
{
    message *m = &k->messages[which];
    card *c = k->queues[m->queue].on;
    m->times[ENQUEUED] = k->now;
    m->times[ARRIVED] = send_over(k, &c->in_free_at, k->now, m->price->request_ns, c->figures->latency_in_ns);
    m->order = draw(k);
    int changes = k->figures->work[m->work].change >= 0;
    if (!changes && c->idle_cores && !c->travelling) { /* nobody can overtake on the link */
        c->idle_cores--;
        fetch(k, which, m->times[ARRIVED]);
    } else {
        c->travelling++;
        at_job(k, which, m->times[ARRIVED], E_ARRIVED);
    }
}

void arrived(kernel *k, int32_t which)
{
    card *c = k->queues[k->messages[which].queue].on;
    c->travelling--;
    if (c->idle_cores) {
        c->idle_cores--;
        fetch(k, which, k->messages[which].times[ARRIVED]);
    } else {
        append(k, &c->awaiting_core, which);
    }
}

static void start(kernel *k, int32_t which, int64_t now)
{
    message *m = &k->messages[which];
    m->times[STARTED] = now;
    m->times[FINISHED] = now + service_ns(k, m);
    at_job(k, which, m->times[FINISHED], E_FINISHED);
}

/* Have the host told of a reply, alone or with others of the queue. */
static void interrupt_for(kernel *k, queue *q, int64_t replied, int64_t now)
{
    const card_figures *figures = q->on->figures;
    int64_t due = q->interrupt_due, early = replied + figures->interrupt_ns;
    if (now < due && replied <= due) {
        if (replied > q->collect_until)
            return; /* the interrupt on its way will find this reply too */
        if (++q->collected < figures->coalesce_count)
            return;
        q->collect_until = -1;
        if (early == due)
            return;
    } else if (figures->coalesce_count > 1) {
        q->collected = 1;
        q->collect_until = replied + figures->coalesce_ns;
        early += figures->coalesce_ns;
    }
    q->interrupt_due = early;
    push(k, early, draw(k), E_INTERRUPT, (int32_t)(q - k->queues));
}

/* With coalescing, there may have been an earlier one for these replies. */
void interrupt(kernel *k, int32_t which)
{
    queue *q = &k->queues[which];
    if (q->on->figures->coalesce_count <= 1 || k->now == q->interrupt_due)
        interrupted(k, which);
}

static void send_reply(kernel *k, int32_t which, int64_t now, int64_t ready)
{
    message *m = &k->messages[which];
    queue *q = &k->queues[m->queue];
    card *c = q->on;
    int64_t replied = send_over(k, &c->out_free_at, ready, m->price->reply_ns, c->figures->latency_out_ns);
    m->times[REPLIED] = replied;
    append(k, &q->replies, which);
    if (k->figures->interrupts)
        interrupt_for(k, q, replied, now);
}

void replace_least(int64_t *heap, int32_t n, int64_t value)
{
    int32_t at = 0;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= value)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

static void build(kernel *k, int32_t which, int64_t now)
{
    message *m = &k->messages[which];
    card *c = k->queues[m->queue].on;
    int64_t begin = c->builder_free_at[0] < now ? now : c->builder_free_at[0];
    int64_t ready = m->times[BUILT] = begin + m->price->build_ns;
    if (c->figures->builders == 1) {
        c->builder_free_at[0] = ready;
        send_reply(k, which, now, ready);
    } else {
        replace_least(c->builder_free_at, c->figures->builders, ready);
        at_job(k, which, ready, E_BUILT);
    }
}

void built(kernel *k, int32_t which)
{
    int64_t ready = k->messages[which].times[BUILT];
    send_reply(k, which, ready, ready);
}

void unwrapped(kernel *k, int32_t which)
{
    message *m = &k->messages[which];
    card *c = k->queues[m->queue].on;
    if (c->awaiting_core.first >= 0)
        fetch(k, take(k, &c->awaiting_core), k->now);
    else
        c->idle_cores++;
    if (m->price->pool < 0) {
        m->times[STARTED] = m->times[FINISHED] = k->now;
        build(k, which, k->now);
        return;
    }
    pool *p = &c->pools[m->price->pool];
    if (p->idle) {
        p->idle--;
        start(k, which, k->now);
    } else {
        append(k, &p->waiting, which);
    }
}

void finished(kernel *k, int32_t which)
{
    message *m = &k->messages[which];
    pool *p = &k->queues[m->queue].on->pools[m->price->pool];
    if (p->waiting.first >= 0)
        start(k, take(k, &p->waiting), k->now);
    else
        p->idle++;
    build(k, which, k->now);
}
