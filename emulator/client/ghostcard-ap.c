/* A client of the bus: each function is one frame there and one back (docs/drivers.md has their layout).
 *
 * There is no Python in the driver's process: it can be run under a debugger, valgrind or a sanitizer, and its
 * crashes are its own. */
#define _GNU_SOURCE
#pragma GCC visibility push(default)
#include "ghostcard-ap.h"
#pragma GCC visibility pop

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { FRAME_MAX = 1 << 17, QUEUES = 1 << 16, HEAD = 5, ANSWER_HEAD = 9 };
enum { NQAP = 1, DQAP, TAPQ, RAPQ, ZAPQ, AQIC, QCI, WAIT = 0x10, STEP, DONE, FAILED = 0xFF };
#define LOST ((uint32_t)GHOSTCARD_Q_NOT_AVAIL << 16)

struct ghostcard_ap {
    int socket;
    uint64_t now;
    pthread_mutex_t lock;
    uint8_t *indicators[QUEUES];
    char why[256];
    uint8_t answer[FRAME_MAX + 1];
};

/* Big-endian numbers. */
static uint8_t *put(uint8_t *to, uint64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--, value >>= 8) to[i] = (uint8_t)value;
    return to + size;
}

static uint64_t get(const uint8_t *from, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | from[i];
    return value;
}

/* The first fault is the one that is told; after it nothing is asked any more. */
static int lose(ghostcard_ap *ap, const char *why)
{
    if (!ap->why[0]) snprintf(ap->why, sizeof ap->why, "%s", why);
    return -1;
}

static int send_all(ghostcard_ap *ap, struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    while (message.msg_iovlen) {
        ssize_t sent = sendmsg(ap->socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        /* what the bus had to say before it hung up is read by the caller */
        if (sent < 0) return errno == EPIPE || errno == ECONNRESET ? 0 : lose(ap, strerror(errno));
        while (message.msg_iovlen && (size_t)sent >= message.msg_iov->iov_len) {
            sent -= (ssize_t)message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (!message.msg_iovlen) break;
        message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
        message.msg_iov->iov_len -= (size_t)sent;
    }
    return 0;
}

static int receive_all(ghostcard_ap *ap, uint8_t *to, size_t size)
{
    while (size) {
        ssize_t got = recv(ap->socket, to, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return lose(ap, strerror(errno));
        if (!got) return lose(ap, "the bus has ended");
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

/* Of the answer: what follows operation and time, and its size; NULL when there is none of at least `least`. */
static const uint8_t *receive(ghostcard_ap *ap, int operation, size_t least, size_t *size)
{
    size_t length;
    if (receive_all(ap, ap->answer, 4)) return NULL;
    length = get(ap->answer, 4);
    if (length < 1 || length > FRAME_MAX) return lose(ap, "the bus sends no frame"), NULL;
    if (receive_all(ap, ap->answer, length)) return NULL;
    if (ap->answer[0] == FAILED) {
        ap->answer[length] = 0;
        return lose(ap, (const char *)ap->answer + 1), NULL;
    }
    if (ap->answer[0] != operation || length < ANSWER_HEAD + least) return lose(ap, "the bus answers something else"), NULL;
    ap->now = get(ap->answer + 1, 8);
    *size = length - ANSWER_HEAD;
    return ap->answer + ANSWER_HEAD;
}

/* `fields` are `used` bytes behind HEAD bytes of room; `data` follows. */
static const uint8_t *exchange(ghostcard_ap *ap, int operation, uint8_t *fields, size_t used, const void *data,
                               size_t length, size_t least, size_t *size)
{
    struct iovec parts[] = {{fields, HEAD + used}, {(void *)data, length}};
    if (ap->why[0]) return NULL;
    if (length > FRAME_MAX - HEAD - used) return lose(ap, "a message that no frame can hold"), NULL;
    put(fields, 1 + used + length, 4);
    fields[4] = (uint8_t)operation;
    if (send_all(ap, parts, data ? 2 : 1)) return NULL;
    return receive(ap, operation, least, size);
}

ghostcard_ap *ghostcard_ap_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ghostcard_ap *ap;
    int error;
    if (!path) path = getenv("GHOSTCARD_BUS");
    if (!path || !*path) return errno = ENOENT, NULL;
    if (strlen(path) >= sizeof address.sun_path) return errno = ENAMETOOLONG, NULL;
    strcpy(address.sun_path, path);
    ap = calloc(1, sizeof *ap);
    if (!ap) return NULL;
    ap->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ap->socket >= 0 && !connect(ap->socket, (struct sockaddr *)&address, sizeof address)) {
        pthread_mutex_init(&ap->lock, NULL);
        return ap;
    }
    error = errno;
    if (ap->socket >= 0) close(ap->socket);
    free(ap);
    errno = error;
    return NULL;
}

void ghostcard_ap_close(ghostcard_ap *ap)
{
    if (!ap) return;
    close(ap->socket);
    pthread_mutex_destroy(&ap->lock);
    free(ap);
}

const char *ghostcard_ap_error(const ghostcard_ap *ap)
{
    return ap->why[0] ? ap->why : NULL;
}

uint64_t ghostcard_now(const ghostcard_ap *ap)
{
    return ap->now;
}

uint32_t ghostcard_nqap(ghostcard_ap *ap, uint16_t qid, uint64_t psmid, const void *message, size_t length, int special)
{
    uint8_t fields[HEAD + 11], *end = put(put(put(fields + HEAD, qid, 2), !!special, 1), psmid, 8);
    const uint8_t *answer;
    uint32_t status = LOST;
    size_t size;
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, NQAP, fields, (size_t)(end - fields) - HEAD, message, length, 4, &size);
    if (answer) status = (uint32_t)get(answer, 4);
    pthread_mutex_unlock(&ap->lock);
    return status;
}

uint32_t ghostcard_dqap(ghostcard_ap *ap, uint16_t qid, uint64_t *psmid, void *buffer, size_t size, size_t *length,
                        size_t *residual, uint64_t *gr0)
{
    uint8_t fields[HEAD + 14];
    const uint8_t *answer;
    uint32_t status = LOST;
    size_t got;
    put(put(put(fields + HEAD, qid, 2), *gr0, 8), size > UINT32_MAX ? UINT32_MAX : size, 4);
    *length = *residual = 0;
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, DQAP, fields, 14, NULL, 0, 24, &got);
    if (answer && got - 24 > size) answer = (lose(ap, "the bus sends more than the buffer holds"), NULL);
    *gr0 = 0;
    if (answer) {
        status = (uint32_t)get(answer, 4);
        *psmid = get(answer + 4, 8);
        *residual = get(answer + 12, 4);
        *gr0 = get(answer + 16, 8);
        *length = got - 24;
        if (*length) memcpy(buffer, answer + 24, *length);
    }
    pthread_mutex_unlock(&ap->lock);
    return status;
}

/* An instruction with a qid, perhaps a byte, that answers a status word; `info`: 64 bits more. */
static uint32_t process(ghostcard_ap *ap, int operation, uint16_t qid, int byte, uint64_t *info)
{
    uint8_t fields[HEAD + 3];
    const uint8_t *answer;
    uint32_t status = LOST;
    size_t size;
    put(put(fields + HEAD, qid, 2), (uint64_t)byte, 1);
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, operation, fields, operation == AQIC ? 3 : 2, NULL, 0, info ? 12 : 4, &size);
    if (answer) status = (uint32_t)get(answer, 4);
    if (info) *info = answer ? get(answer + 4, 8) : 0;
    pthread_mutex_unlock(&ap->lock);
    return status;
}

uint32_t ghostcard_tapq(ghostcard_ap *ap, uint16_t qid, uint64_t *info)
{
    uint64_t unused;
    return process(ap, TAPQ, qid, 0, info ? info : &unused);
}

uint32_t ghostcard_rapq(ghostcard_ap *ap, uint16_t qid)
{
    return process(ap, RAPQ, qid, 0, NULL);
}

uint32_t ghostcard_zapq(ghostcard_ap *ap, uint16_t qid)
{
    return process(ap, ZAPQ, qid, 0, NULL);
}

uint32_t ghostcard_aqic(ghostcard_ap *ap, uint16_t qid, int enable, uint8_t *indicator)
{
    uint32_t status;
    if (enable && !indicator) return (uint32_t)GHOSTCARD_INVALID_ADDRESS << 16;
    status = process(ap, AQIC, qid, !!enable, NULL);
    if (GHOSTCARD_RESPONSE_CODE(status) == GHOSTCARD_NORMAL) ap->indicators[qid] = enable ? indicator : NULL;
    return status;
}

int ghostcard_qci(ghostcard_ap *ap, uint8_t block[128])
{
    uint8_t fields[HEAD];
    const uint8_t *answer;
    size_t size;
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, QCI, fields, 0, NULL, 0, 128, &size);
    if (answer) memcpy(block, answer, 128);
    pthread_mutex_unlock(&ap->lock);
    return answer ? 0 : -1;
}

/* What belongs to an event, `size` bytes; 0, or -1 when it is not all there. */
static int read_event(ghostcard_event *event, const uint8_t *detail, size_t size)
{
    if (event->kind == GHOSTCARD_INTERRUPT || event->kind == GHOSTCARD_RESET || event->kind == GHOSTCARD_CHANGE) {
        if (size < 2) return -1;
        event->qid = (uint16_t)get(detail, 2);
    } else if (event->kind == GHOSTCARD_SUBMIT) {
        if (size < 5 || size < 5 + 2 * (size_t)detail[4]) return -1;
        event->tag = (uint32_t)get(detail, 4);
        event->queues = detail[4];
        for (int i = 0; i < event->queues; i++) event->qids[i] = (uint16_t)get(detail + 5 + 2 * i, 2);
        event->block = detail + 5 + 2 * event->queues;
        event->length = size - 5 - 2 * (size_t)event->queues;
    }
    return event->kind > GHOSTCARD_CHANGE ? -1 : 0;
}

int ghostcard_wait(ghostcard_ap *ap, uint64_t until, ghostcard_event *event)
{
    uint8_t fields[HEAD + 8];
    const uint8_t *answer;
    size_t size;
    int result = -1;
    put(fields + HEAD, until, 8);
    memset(event, 0, sizeof *event);
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, WAIT, fields, 8, NULL, 0, 1, &size);
    if (answer) {
        event->kind = answer[0];
        result = read_event(event, answer + 1, size - 1);
        if (result) lose(ap, "the bus tells of no event");
        else if (event->kind == GHOSTCARD_INTERRUPT && ap->indicators[event->qid]) *ap->indicators[event->qid] = 1;
    }
    pthread_mutex_unlock(&ap->lock);
    return result;
}

int ghostcard_step(ghostcard_ap *ap)
{
    uint8_t fields[HEAD];
    const uint8_t *answer;
    size_t size;
    int result;
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, STEP, fields, 0, NULL, 0, 1, &size);
    result = answer ? answer[0] : -1;
    pthread_mutex_unlock(&ap->lock);
    return result;
}

int ghostcard_done(ghostcard_ap *ap, uint32_t tag, uint32_t error, const void *reply, size_t length)
{
    uint8_t fields[HEAD + 8];
    const uint8_t *answer;
    size_t size;
    put(put(fields + HEAD, tag, 4), error, 4);
    pthread_mutex_lock(&ap->lock);
    answer = exchange(ap, DONE, fields, 8, reply ? reply : "", reply ? length : 0, 0, &size);
    pthread_mutex_unlock(&ap->lock);
    return answer ? 0 : -1;
}
