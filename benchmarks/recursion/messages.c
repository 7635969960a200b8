/* Messages, the lists they stand in, and the records they leave; birth and death of a kernel. */

#include <stdlib.h>
#include <string.h>

#include "machine.h"

int32_t new_message(kernel *k)
{
    if (k->unused < 0) {
        int32_t room = k->message_room ? 2 * k->message_room : 64;
        message *all = room > 0 ? realloc(k->messages, room * sizeof *all) : NULL;
        if (!all) {
            k->status = KERNEL_NO_MEMORY;
            return -1;
        }
        for (int32_t i = k->message_room; i < room; i++)
            all[i].next = i + 1 < room ? i + 1 : -1;
        k->messages = all;
        k->unused = k->message_room;
        k->message_room = room;
    }
    int32_t which = k->unused;
    k->unused = k->messages[which].next;
    return which;
}

void append(kernel *k, list *to, int32_t which)
{
    k->messages[which].next = -1;
    if (to->first < 0)
        to->first = which;
    else
        k->messages[to->last].next = which;
    to->last = which;
}

int32_t take(kernel *k, list *from)
{
    int32_t which = from->first;
    from->first = k->messages[which].next;
    return which;
}

/* Little-endian on every machine. */
static uint8_t *put(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return to + bytes;
}

/* The index that a name has in the file: names are numbered as they are met. */
static int32_t named(machine_figures *figures, int32_t name)
{
    if (figures->name[name] < 0)
        figures->name[name] = figures->named++;
    return figures->name[name];
}

void write_record(kernel *k, const message *m)
{
    machine_figures *f = k->figures;
    const work_figures *work = &f->work[m->work];
    if (k->written == k->record_room) {
        size_t room = k->record_room ? 2 * k->record_room : 4096;
        uint8_t *records = realloc(k->records, room * RECORD_BYTES);
        if (!records) {
            k->status = KERNEL_NO_MEMORY;
            return;
        }
        k->records = records;
        k->record_room = room;
    }
    uint8_t *to = k->records + k->written++ * RECORD_BYTES;
    to = put(to, m->times[SUBMITTED], 8);
    to = put(to, f->client[m->client].number, 4);
    to = put(to, k->queues[m->queue].figures->qid, 2);
    to = put(to, work->function, 2);
    to = put(to, named(f, work->operation), 2);
    to = put(to, named(f, m->price->engine), 2);
    to = put(to, m->depth, 4);
    to = put(to, 0, 4); /* outcome: a reply was handed back */
    to = put(to, work->request_bytes, 4);
    to = put(to, work->reply_bytes, 4);
    to = put(to, work->payload_bytes, 4);
    for (int stage = SUBMITTED + 1; stage < STAGES; stage++)
        to = put(to, m->times[stage] - m->times[SUBMITTED], 8);
}

static int furnish_card(card *c, const machine_figures *f, int32_t index)
{
    const card_figures *figures = &f->card[index];
    c->figures = figures;
    c->price = f->price + (size_t)index * f->works;
    c->builder_free_at = calloc(figures->builders, sizeof *c->builder_free_at);
    c->pools = calloc(figures->pools, sizeof *c->pools);
    if (!c->builder_free_at || !c->pools)
        return 0;
    for (int32_t i = 0; i < figures->pools; i++)
        c->pools[i] = (pool){ .waiting = { -1, -1 }, .idle = figures->engines[i] };
    c->awaiting_core = (list){ -1, -1 };
    c->idle_cores = figures->cores;
    return 1;
}

static void furnish_queue(queue *q, kernel *k, const queue_figures *figures)
{
    q->figures = figures;
    q->on = &k->cards[figures->card];
    q->interrupt_due = q->collect_until = -1;
    q->replies = q->line = (list){ -1, -1 };
    q->state = STATE_IDLE;
}

kernel *kernel_new(machine_figures *figures)
{
    kernel *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->figures = figures;
    k->unused = -1;
    k->ended = (list){ -1, -1 };
    k->cards = calloc(figures->cards, sizeof *k->cards);
    k->queues = calloc(figures->queues, sizeof *k->queues);
    k->clients = calloc(figures->clients, sizeof *k->clients);
    int furnished = k->cards && k->queues && k->clients;
    for (int32_t i = 0; furnished && i < figures->cards; i++)
        furnished = furnish_card(&k->cards[i], figures, i);
    for (int32_t i = 0; furnished && i < figures->queues; i++)
        furnish_queue(&k->queues[i], k, &figures->queue[i]);
    if (!furnished) {
        kernel_free(k);
        return NULL;
    }
    return k;
}

void kernel_free(kernel *k)
{
    for (int32_t i = 0; k->cards && i < k->figures->cards; i++) {
        free(k->cards[i].builder_free_at);
        free(k->cards[i].pools);
    }
    free(k->cards);
    free(k->queues);
    free(k->clients);
    free(k->messages);
    free(k->heap);
    free(k->records);
    free(k);
}

const uint8_t *kernel_records(const kernel *k, size_t *records)
{
    *records = k->written;
    return k->records;
}

int64_t kernel_events(const kernel *k) { return k->steps; }
