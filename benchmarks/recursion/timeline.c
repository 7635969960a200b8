/* Events in order of (time, order of scheduling): a binary heap, and the loop that empties it. */

#include <stdlib.h>

#include "machine.h"

static int before(const event *a, const event *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

void push(kernel *k, int64_t time, uint64_t order, int what, int32_t which)
{
    event e = { time, order, what, which };
    if (time > TIME_MAX) {
        k->status = KERNEL_OVERFLOW;
        return;
    }
    if (k->events == k->heap_room) {
        size_t room = k->heap_room ? 2 * k->heap_room : 256;
        event *heap = realloc(k->heap, room * sizeof *heap);
        if (!heap) {
            k->status = KERNEL_NO_MEMORY;
            return;
        }
        k->heap = heap;
        k->heap_room = room;
    }
    size_t at = k->events++;
    while (at && before(&e, &k->heap[(at - 1) / 2])) {
        k->heap[at] = k->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    k->heap[at] = e;
}

event pop(kernel *k)
{
    event least = k->heap[0], e = k->heap[--k->events];
    size_t at = 0, n = k->events;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && before(&k->heap[child + 1], &k->heap[child]))
            child++;
        if (!before(&k->heap[child], &e))
            break;
        k->heap[at] = k->heap[child];
        at = child;
    }
    k->heap[at] = e;
    return least;
}

static void step(kernel *k, event e)
{
    switch (e.what) {
    case E_ENQUEUE: enqueue(k, e.which); break;
    case E_ARRIVED: arrived(k, e.which); break;
    case E_UNWRAPPED: unwrapped(k, e.which); break;
    case E_FINISHED: finished(k, e.which); break;
    case E_BUILT: built(k, e.which); break;
    case E_INTERRUPT: interrupt(k, e.which); break;
    case E_TASKLET: run_tasklet(k); break;
    case E_POLL: poll_expired(k); break;
    case E_TIMER: timer_expired(k, e.which); break;
    case E_NEXT: next_request(k, e.which); break;
    case E_ARRIVAL: arrival(k, e.which); break;
    }
}

int kernel_run(kernel *k, size_t records)
{
    k->written = 0;
    if (!k->started) {
        k->started = 1;
        start_hosts(k);
    }
    while (k->status == KERNEL_RUNNING && k->events && k->written < records) {
        event e = pop(k);
        k->now = e.time;
        k->steps++;
        step(k, e);
    }
    if (k->status == KERNEL_RUNNING && !k->events)
        k->status = KERNEL_ENDED;
    return k->status;
}
