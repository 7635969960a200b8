/* The journal of a process: each row is one write to a file in append mode. */
#define _GNU_SOURCE
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CLOSED = -1, REFUSED = -2, CURVES = 64, CURVE_BYTES = 56, TRIES = 1000 };

typedef struct {
    char magic[8];
    uint16_t version, row_bytes, source, spare;
    uint32_t process, spare2;
    uint64_t began_ns;
    char program[16], spare3[16];
} header_t;
_Static_assert(sizeof(header_t) == ROW_BYTES, "the header of the journal");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int file = CLOSED;
static _Atomic unsigned life = 1; /* another one in the child of a fork */
static uint64_t first_ns;
static struct { uint8_t bytes; uint8_t identifier[CURVE_BYTES]; } curves[CURVES];
static unsigned known;

static __thread unsigned my_life;
static __thread uint32_t my_number;
static __thread uint64_t my_cpu_ns; /* at the end of its last call */
static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put(const void *row)
{
    ssize_t written;
    int to = file;
    if (to < 0) return;
    do written = write(to, row, ROW_BYTES);
    while (written < 0 && errno == EINTR);
    if (written != ROW_BYTES) file = REFUSED; /* the disk is full: nothing follows a row that is not there */
}

static void ended(void *unused)
{
    row_t row = {.kind = ROW_END, .thread = my_number, .mechanism = NOT_KNOWN, .key_type = NOT_KNOWN};
    (void)unused;
    if (my_life != life || file < 0) return;
    row.at_ns = clock_ns(CLOCK_MONOTONIC) - first_ns;
    put(&row);
}

static void before_fork(void)
{
    keys_lock();
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
    keys_unlock();
}

static void in_child(void)
{
    if (file >= 0) close(file);
    file = CLOSED;
    known = 0;
    life++;
    after_fork();
    keys_forget_all(); /* what they say of curves is in the parent's journal */
}

static void prepare(void)
{
    pthread_key_create(&ending, ended);
    pthread_atfork(before_fork, after_fork, in_child);
}

static void name_program(char *name, size_t size)
{
    int comm = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    ssize_t got = comm < 0 ? 0 : read(comm, name, size);
    if (comm >= 0) close(comm);
    if (got > 0 && name[got - 1] == '\n') name[got - 1] = 0;
}

static int create(const char *folder)
{
    char path[4096];
    int made = -1;
    for (int n = 1; made < 0 && n <= TRIES; n++) {
        if (snprintf(path, sizeof path, "%s/%d-%d.capture", folder, (int)getpid(), n) >= (int)sizeof path) break;
        made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (made < 0 && errno != EEXIST) break;
    }
    if (made < 0) fprintf(stderr, "ghostcard-capture: %s: %s\n", folder, strerror(errno));
    return made;
}

static void open_journal(void)
{
    header_t header = {.magic = "GCCAPJN", .version = 1, .row_bytes = ROW_BYTES, .source = 2};
    const char *folder = secure_getenv("GHOSTCARD_CAPTURE_FOLDER");
    int made = folder && *folder ? create(folder) : -1;
    header.magic[7] = 'L';
    header.process = (uint32_t)getpid();
    header.began_ns = clock_ns(CLOCK_REALTIME);
    first_ns = clock_ns(CLOCK_MONOTONIC);
    name_program(header.program, sizeof header.program);
    file = made < 0 ? REFUSED : made;
    put(&header);
}

static void know_thread(void)
{
    pthread_once(&once, prepare);
    pthread_mutex_lock(&lock);
    if (file == CLOSED) open_journal();
    pthread_mutex_unlock(&lock);
    my_life = life;
    my_number = (uint32_t)syscall(SYS_gettid);
    my_cpu_ns = 0;
    pthread_setspecific(ending, &ending); /* anything but NULL */
}

void note_begin(noted_t *noted, int function, CK_SESSION_HANDLE session)
{
    uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (my_life != life) know_thread();
    *noted = (noted_t){.row = {.kind = ROW_CALL, .mechanism = NOT_KNOWN, .key_type = NOT_KNOWN}};
    noted->row.function = (uint16_t)function;
    noted->row.thread = my_number;
    noted->row.session = (uint32_t)session;
    noted->row.cpu_ns = my_cpu_ns && cpu > my_cpu_ns ? cpu - my_cpu_ns : 0;
    noted->row.at_ns = clock_ns(CLOCK_MONOTONIC) - first_ns;
}

void note_mechanism(noted_t *noted, const CK_MECHANISM *mechanism)
{
    if (mechanism) noted->row.mechanism = (uint32_t)mechanism->mechanism;
}

static void note_found(noted_t *noted, key_facts found)
{
    noted->row.key_type = found.type;
    noted->row.key_bits = found.bits;
    noted->row.curve = found.curve;
}

void note_key(noted_t *noted, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    if (noted->row.mechanism != NOT_KNOWN) note_found(noted, keys_find(session, key));
}

void note_template(noted_t *noted, const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    if (attributes) note_found(noted, keys_described(attributes, count));
}

void note_start(noted_t *noted) { noted->began_ns = clock_ns(CLOCK_MONOTONIC); }

void note_end(noted_t *noted, CK_RV rv)
{
    uint64_t now = clock_ns(CLOCK_MONOTONIC);
    noted->row.result = (uint32_t)rv;
    noted->row.inside_ns = now - noted->began_ns;
    if (noted->result_length && rv == CKR_OK) noted->row.result_bytes = (uint32_t)*noted->result_length;
    journal_write(&noted->row);
    my_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void journal_write(const row_t *row) { put(row); }

uint16_t journal_curve(const void *identifier, CK_ULONG bytes)
{
    uint8_t row[ROW_BYTES] = {ROW_CURVE};
    unsigned number = 0;
    if (!bytes || bytes > CURVE_BYTES) return 0;
    pthread_mutex_lock(&lock);
    while (number < known && (curves[number].bytes != bytes || memcmp(curves[number].identifier, identifier, bytes)))
        number++;
    if (number == known && known < CURVES) {
        curves[number].bytes = row[1] = (uint8_t)bytes;
        memcpy(curves[number].identifier, identifier, bytes);
        row[2] = (uint8_t)number; /* of the 16 bits the lower ones */
        memcpy(row + 8, identifier, bytes);
        put(row);
        known++;
    }
    pthread_mutex_unlock(&lock);
    return number < known ? (uint16_t)(number + 1) : 0;
}
