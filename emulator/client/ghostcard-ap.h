/* The AP bus of Ghostcard, for drivers in C that run in user space (docs/drivers.md).
 *
 * A connection reaches the cards of a process `ghostcard bus`. The instructions are those of the architecture:
 * each gives the queue status word. Time is virtual: it passes in ghostcard_wait and ghostcard_step alone, in
 * nanoseconds. Functions may be called from several threads; one after the other is served. */
#ifndef GHOSTCARD_AP_H
#define GHOSTCARD_AP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The queue status word. */
#define GHOSTCARD_QUEUE_EMPTY 0x80000000u        /* no request and no reply on the queue */
#define GHOSTCARD_REPLIES_WAITING 0x40000000u    /* a reply can be dequeued */
#define GHOSTCARD_QUEUE_FULL 0x20000000u         /* it holds as many messages as it is deep */
#define GHOSTCARD_ASYNC_ERROR 0x02000000u        /* the response code is that of a deferred error */
#define GHOSTCARD_INTERRUPTS_ENABLED 0x01000000u /* the queue interrupts */
#define GHOSTCARD_RESPONSE_CODE(status) ((status) >> 16 & 0xFFu)

enum ghostcard_response_code {
    GHOSTCARD_NORMAL = 0x00,
    GHOSTCARD_Q_NOT_AVAIL = 0x01, /* also: the connection is lost, see ghostcard_ap_error */
    GHOSTCARD_RESET_IN_PROGRESS = 0x02,
    GHOSTCARD_DECONFIGURED = 0x03,
    GHOSTCARD_CHECKSTOPPED = 0x04,
    GHOSTCARD_BUSY = 0x05,
    GHOSTCARD_INVALID_ADDRESS = 0x06,
    GHOSTCARD_OTHERWISE_CHANGED = 0x07,
    GHOSTCARD_INVALID_GISA = 0x08,
    GHOSTCARD_Q_BOUND_TO_ANOTHER = 0x09,
    GHOSTCARD_STATE_CHANGE_IN_PROGRESS = 0x0A,
    GHOSTCARD_Q_NOT_BOUND = 0x0B,
    GHOSTCARD_Q_FULL = 0x10,           /* of NQAP */
    GHOSTCARD_NO_PENDING_REPLY = 0x10, /* of DQAP */
    GHOSTCARD_INDEX_TOO_BIG = 0x11,
    GHOSTCARD_NO_FIRST_PART = 0x13,
    GHOSTCARD_MESSAGE_TOO_BIG = 0x15,
    GHOSTCARD_REQ_FAC_NOT_INST = 0x16,
    GHOSTCARD_Q_BIND_ERROR = 0x30,
    GHOSTCARD_Q_NOT_AVAIL_FOR_ASSOC = 0x31,
    GHOSTCARD_Q_NOT_EMPTY = 0x32,
    GHOSTCARD_BIND_LIMIT_EXCEEDED = 0x33,
    GHOSTCARD_INVALID_ASSOC_SECRET = 0x34,
    GHOSTCARD_ASSOC_SECRET_NOT_UNIQUE = 0x35,
    GHOSTCARD_ASSOC_FAILED = 0x36,
    GHOSTCARD_INVALID_DOMAIN = 0x42,
    GHOSTCARD_PARTIAL_REPLY = 0xFF
};

typedef struct ghostcard_ap ghostcard_ap;

/* Connects to the socket `path`; NULL: to the one that the environment's GHOSTCARD_BUS names.
 * NULL with errno when nobody listens there. */
ghostcard_ap *ghostcard_ap_open(const char *path);
void ghostcard_ap_close(ghostcard_ap *ap);

/* NULL while the bus answers. Afterwards one line that says why it does not, and every instruction has response
 * code 01. */
const char *ghostcard_ap_error(const ghostcard_ap *ap);

/* NQAP: enqueues `length` bytes. `special`: with the special bit. */
uint32_t ghostcard_nqap(ghostcard_ap *ap, uint16_t qid, uint64_t psmid, const void *message, size_t length,
                        int special);

/* DQAP: dequeues into `size` bytes; `*length` of them are written. A reply that is longer stays on the queue: the
 * response code is FF then, `*residual` says how many bytes are left (as GR2), and the next call with `*gr0` as this
 * one set it goes on. Before a new reply, `*gr0` is 0. */
uint32_t ghostcard_dqap(ghostcard_ap *ap, uint16_t qid, uint64_t *psmid, void *buffer, size_t size, size_t *length,
                        size_t *residual, uint64_t *gr0);

/* PQAP, functions 0 to 4. */
uint32_t ghostcard_tapq(ghostcard_ap *ap, uint16_t qid, uint64_t *info); /* GR2: facilities, type, limits, depth */
uint32_t ghostcard_rapq(ghostcard_ap *ap, uint16_t qid);
uint32_t ghostcard_zapq(ghostcard_ap *ap, uint16_t qid);
/* `*indicator` becomes 1 with every interrupt of the queue; enabling without one has response code 06. */
uint32_t ghostcard_aqic(ghostcard_ap *ap, uint16_t qid, int enable, uint8_t *indicator);
int ghostcard_qci(ghostcard_ap *ap, uint8_t block[128]); /* 0, or -1 when the connection is lost */

/* Time in nanoseconds, as the last answer of the bus said. */
uint64_t ghostcard_now(const ghostcard_ap *ap);
#define GHOSTCARD_NEVER ((UINT64_C(1) << 62) - 1)

enum ghostcard_event_kind {
    GHOSTCARD_TIME,      /* the time has come; of GHOSTCARD_NEVER: nothing is left that could happen */
    GHOSTCARD_INTERRUPT, /* an adapter interrupt, of `qid` */
    GHOSTCARD_SUBMIT,    /* `ghostcard drivertest`: serve this request by one of `qids`, then ghostcard_done */
    GHOSTCARD_RESET,     /* the operator resets queue `qid` */
    GHOSTCARD_END,       /* there is nothing more to do */
    GHOSTCARD_CHANGE     /* an adapter was plugged or unplugged, qid >> 8: QCI says something else */
};

typedef struct {
    enum ghostcard_event_kind kind;
    uint16_t qid;
    uint32_t tag;
    uint8_t queues;
    uint16_t qids[255];
    const uint8_t *block; /* the library's: good until the next call */
    size_t length;
} ghostcard_event;

/* Lets time pass up to the next event, and not beyond `until`. 0, or -1 when the connection is lost. */
int ghostcard_wait(ghostcard_ap *ap, uint64_t until, ghostcard_event *event);
/* Lets one thing happen on the cards: 1, or 0 when there is none, or -1 when the connection is lost. */
int ghostcard_step(ghostcard_ap *ap);
/* Says that the request `tag` has ended: 0 and its reply, or an errno. 0, or -1 when the connection is lost. */
int ghostcard_done(ghostcard_ap *ap, uint32_t tag, uint32_t error, const void *reply, size_t length);

#ifdef __cplusplus
}
#endif
#endif
