/* A small PKCS #11 program that measures a library in host time, any library: it is given the path.
 *
 *   client MODULE [--threads 1,2] [--seconds 1.0] [--slot INDEX | --token LABEL] [OPERATION[:SIZE] ...]
 *
 * Prints one JSON object a line: first what loading cost, then one line for each (operation, threads), or one for an
 * operation whose mechanisms the token has not.
 * Without an operation it only loads, initialises and finalises the library.
 * SIZE is the bytes of a message, of `find` the session objects among which one is found by its label, of
 * `find-token` the token objects. CLIENT_PIN in the environment is the user's PIN; without it a slot that has no
 * token gets a throwaway one (its PINs are below). Token objects stay, keys are session objects and die with the run. */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cryptoki.h"

#define SO_PIN "87654321" /* of a token that lives in a scratch directory for one run */
#define USER_PIN "12345678"
#define ROOM_BYTES 1024 /* of an output buffer, beyond the message: a signature, a tag */
#define PAYLOAD_BYTES 1024
#define OBJECTS 10
#define MAX_SIZE (1ul << 24)
#define SAMPLES (1u << 20) /* latencies kept per thread; later ones still count for the rate */
#define MAX_THREADS 64
#define MAX_COUNTS 16

static CK_FUNCTION_LIST *library;
static CK_ULONG slot;

#define NO_KEY (~0ul) /* for `keygen` */
typedef enum { SIGN, ENCRYPT, DIGEST, CANCEL, FIND, FIND_TOKEN } verb_t;
typedef struct {
    const char *name;
    verb_t verb;
    CK_ULONG keygen, mechanism, bits, size;
} operation_t;

/* DER before a SHA-256 digest in a PKCS #1 1.5 signature (RFC 8017, 9.2 note 1) */
static const CK_BYTE SHA256_DIGEST_INFO[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                               0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static const operation_t OPERATIONS[] = {
    {"rsa2048-sign", SIGN, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, 2048, 51},
    {"rsa4096-sign", SIGN, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, 4096, 51},
    {"ecdsa-p256-sign", SIGN, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, 256, 32},
    {"aes-256-gcm", ENCRYPT, CKM_AES_KEY_GEN, CKM_AES_GCM, 256, PAYLOAD_BYTES},
    {"aes-256-cbc", ENCRYPT, CKM_AES_KEY_GEN, CKM_AES_CBC, 256, PAYLOAD_BYTES},
    {"sha256", DIGEST, NO_KEY, CKM_SHA256, 0, PAYLOAD_BYTES},
    {"hmac-sha256", SIGN, CKM_GENERIC_SECRET_KEY_GEN, CKM_SHA256_HMAC, 256, PAYLOAD_BYTES},
    {"cancel", CANCEL, NO_KEY, 0, 0, 1},
    {"find", FIND, NO_KEY, 0, 0, OBJECTS},
    {"find-token", FIND_TOKEN, NO_KEY, 0, 0, OBJECTS},
};

typedef struct {
    pthread_t thread;
    pthread_barrier_t *start;
    const operation_t *operation;
    CK_ULONG key;
    double seconds;
    CK_BYTE *data, *output;
    uint64_t count, began_ns, ended_ns;
    uint32_t *samples;
} worker_t;

/* Ends the program at once: other threads may be inside the library, so no exit handlers. */
static void fail(const char *what, const char *why) {
    fprintf(stderr, "client: %s: %s\n", what, why);
    fflush(stderr);
    _exit(1);
}

#define CALL(name, ...) check(#name, library->name(__VA_ARGS__))
static void check(const char *what, CK_RV rv) {
    char why[32];
    if (rv == 0) return;
    snprintf(why, sizeof why, "0x%lx", rv);
    fail(what, why);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *allocate(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) fail("calloc", strerror(errno));
    return memory;
}

/* The most memory this process has had in RAM until now. */
static long resident_kib(void) {
    char line[128];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) return 0;
    while (!kib && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &kib);
    fclose(status);
    return kib;
}

/* Opens the library, initialises it for threads and asks for its slots; prints what each took. */
static void load(const char *path) {
    struct { void *mutexes[4]; CK_ULONG flags; void *reserved; } arguments = {{0}, CKF_OS_LOCKING_OK, NULL};
    uint64_t opened, initialized, listed, began = now_ns();
    CK_ULONG slots;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    if (!handle) fail("dlopen", dlerror());
    *(void **)&get_list = dlsym(handle, "C_GetFunctionList");
    if (!get_list) fail(path, "has no C_GetFunctionList");
    check("C_GetFunctionList", get_list(&library));
    opened = now_ns();
    CALL(C_Initialize, &arguments);
    initialized = now_ns();
    CALL(C_GetSlotList, 1, NULL, &slots);
    listed = now_ns();
    printf("{\"load_ms\": %.3f, \"initialize_ms\": %.3f, \"slots_ms\": %.3f, \"resident_kib\": %ld}\n",
           (opened - began) / 1e6, (initialized - opened) / 1e6, (listed - initialized) / 1e6, resident_kib());
    fflush(stdout);
}

static CK_ULONG open_session(void) {
    CK_ULONG session;
    CALL(C_OpenSession, slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    return session;
}

static void login(CK_ULONG session, CK_ULONG user, const char *pin) {
    CALL(C_Login, session, user, pin, strlen(pin));
}

/* The place of the slot whose token has that label. */
static CK_ULONG place_of(const char *name, const CK_ULONG *slots, CK_ULONG count) {
    CK_TOKEN_INFO info;
    CK_BYTE label[32];
    if (strlen(name) > sizeof label) fail("--token", "a label has at most 32 bytes");
    memset(label, ' ', sizeof label);
    memcpy(label, name, strlen(name));
    for (CK_ULONG i = 0; i < count; i++)
        if (!library->C_GetTokenInfo(slots[i], &info) && !memcmp(info.text, label, sizeof label)) return i;
    fail("--token", "there is no token of that label");
    return count;
}

/* Takes the slot at `index`, or that of the token `name`, and sees that there is a token with a user PIN in it. */
static void take_slot(CK_ULONG index, const char *name) {
    CK_ULONG slots[256], count = 256, session; /* a library with more slots answers CKR_BUFFER_TOO_SMALL */
    CK_TOKEN_INFO info;
    CK_BYTE label[32];
    CALL(C_GetSlotList, 1, slots, &count);
    if (name) index = place_of(name, slots, count);
    if (index >= count) fail("--slot", "there is no such slot");
    slot = slots[index];
    CALL(C_GetTokenInfo, slot, &info);
    if (info.flags & CKF_TOKEN_INITIALIZED) return;
    if (getenv("CLIENT_PIN")) fail("--slot", "there is no token in it");
    memset(label, ' ', sizeof label);
    memcpy(label, "benchmark", 9);
    CALL(C_InitToken, slot, SO_PIN, strlen(SO_PIN), label);
    session = open_session();
    login(session, CKU_SO, SO_PIN);
    CALL(C_InitPIN, session, USER_PIN, strlen(USER_PIN));
    CALL(C_Logout, session);
    CALL(C_CloseSession, session);
}

/* Whether the token has what an operation needs; if not, says so in a line. */
static int offered(const operation_t *operation) {
    CK_ULONG needed[] = {operation->mechanism, operation->keygen}, information[3];
    if (operation->verb >= CANCEL) return 1;
    for (int i = 0; i < 2; i++)
        if (needed[i] != NO_KEY && library->C_GetMechanismInfo(slot, needed[i], information) == CKR_MECHANISM_INVALID) {
            printf("{\"operation\": \"%s\", \"missing\": %lu}\n", operation->name, needed[i]);
            fflush(stdout);
            return 0;
        }
    return 1;
}

static CK_ULONG generate_pair(CK_ULONG session, const operation_t *operation) {
    static CK_BYTE yes = 1, no = 0, exponent[] = {1, 0, 1};
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ULONG bits = operation->bits, public_key, private_key;
    CK_MECHANISM mechanism = {operation->keygen, NULL, 0};
    CK_ATTRIBUTE rsa[] = {{CKA_TOKEN, &no, 1}, {CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, 3}};
    CK_ATTRIBUTE ec[] = {{CKA_TOKEN, &no, 1}, {CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private_template[] = {{CKA_TOKEN, &no, 1}, {CKA_SIGN, &yes, 1}};
    int is_rsa = operation->keygen == CKM_RSA_PKCS_KEY_PAIR_GEN;
    CALL(C_GenerateKeyPair, session, &mechanism, is_rsa ? rsa : ec, is_rsa ? 3 : 2, private_template, 2,
         &public_key, &private_key);
    return private_key;
}

static CK_ULONG generate(CK_ULONG session, const operation_t *operation) {
    static CK_BYTE yes = 1, no = 0;
    CK_ULONG bytes = operation->bits / 8, key;
    CK_MECHANISM mechanism = {operation->keygen, NULL, 0};
    CK_ULONG use = operation->verb == SIGN ? CKA_SIGN : CKA_ENCRYPT;
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &no, 1}, {use, &yes, 1}, {CKA_VALUE_LEN, &bytes, sizeof bytes}};
    if (operation->keygen == NO_KEY) return 0;
    if (operation->keygen == CKM_RSA_PKCS_KEY_PAIR_GEN || operation->keygen == CKM_EC_KEY_PAIR_GEN)
        return generate_pair(session, operation);
    CALL(C_GenerateKey, session, &mechanism, template, 3, &key);
    return key;
}

#define LABEL_BYTES 17
static void label(char *text, uint64_t number) {
    snprintf(text, LABEL_BYTES + 1, "object %010u", (unsigned)number);
}

/* How many objects have the label of that number: all are looked for, so 0 or 1. */
static CK_ULONG find(CK_ULONG session, uint64_t number) {
    char text[LABEL_BYTES + 1];
    CK_ATTRIBUTE template = {CKA_LABEL, text, LABEL_BYTES};
    CK_ULONG objects[2], count;
    label(text, number);
    CALL(C_FindObjectsInit, session, &template, 1);
    CALL(C_FindObjects, session, objects, 2, &count);
    CALL(C_FindObjectsFinal, session);
    return count;
}

/* Sees that there are `size` public data objects with a label each, those of an earlier run included. */
static void furnish(CK_ULONG session, CK_ULONG size, CK_BYTE on_token) {
    CK_BYTE no = 0;
    CK_ULONG class = CKO_DATA;
    char text[LABEL_BYTES + 1];
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &on_token, 1}, {CKA_PRIVATE, &no, 1},
                               {CKA_LABEL, text, LABEL_BYTES}};
    CK_ULONG present = size, object;
    while (present && !find(session, present - 1)) present--;
    for (; present < size; present++) {
        label(text, present);
        CALL(C_CreateObject, session, template, 4, &object);
    }
}

static void call_once(const worker_t *w, CK_ULONG session, CK_MECHANISM *mechanism) {
    CK_ULONG size = w->operation->size, length = size + ROOM_BYTES;
    switch (w->operation->verb) {
    case SIGN:
        CALL(C_SignInit, session, mechanism, w->key);
        CALL(C_Sign, session, w->data, size, w->output, &length);
        break;
    case ENCRYPT:
        CALL(C_EncryptInit, session, mechanism, w->key);
        CALL(C_Encrypt, session, w->data, size, w->output, &length);
        break;
    case DIGEST:
        CALL(C_DigestInit, session, mechanism);
        CALL(C_Digest, session, w->data, size, w->output, &length);
        break;
    case CANCEL: /* of nothing (PKCS #11 3.2, 5.8.1): what a call costs that does nothing */
        CALL(C_SignInit, session, NULL, 0);
        break;
    case FIND:
    case FIND_TOKEN:
        if (find(session, w->count % size) != 1) fail("find", "an object is not found, or twice");
        break;
    }
}

/* Calls until `seconds` are over, keeping each call's latency. Ciphers get a new IV for every call, as they must. */
static void repeat(worker_t *w, CK_ULONG session, double seconds) {
    CK_BYTE iv[16] = {0};
    CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
    CK_MECHANISM mechanism = {w->operation->mechanism, NULL, 0};
    uint64_t before = now_ns(), end = before + (uint64_t)(seconds * 1e9), after;
    if (w->operation->mechanism == CKM_RSA_PKCS) memcpy(w->data, SHA256_DIGEST_INFO, sizeof SHA256_DIGEST_INFO);
    if (w->operation->mechanism == CKM_AES_CBC) mechanism.parameter = iv, mechanism.parameter_bytes = sizeof iv;
    if (w->operation->mechanism == CKM_AES_GCM) mechanism.parameter = &gcm, mechanism.parameter_bytes = sizeof gcm;
    w->began_ns = before;
    w->count = 0;
    do {
        memcpy(iv + 4, &before, sizeof before);
        call_once(w, session, &mechanism);
        after = now_ns();
        if (w->count < SAMPLES) w->samples[w->count] = (uint32_t)(after - before);
        before = after;
        w->count++;
    } while (after < end);
    w->ended_ns = after;
}

static void *work(void *argument) {
    worker_t *w = argument;
    CK_ULONG session = open_session();
    repeat(w, session, w->seconds / 10); /* a warm-up: what it counted is overwritten */
    pthread_barrier_wait(w->start);
    repeat(w, session, w->seconds);
    CALL(C_CloseSession, session);
    return NULL;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Joins the threads' samples and prints the line of one (operation, threads): nearest-rank percentiles. */
static void report(const worker_t *workers, int threads) {
    uint64_t began = UINT64_MAX, ended = 0, count = 0, kept = 0;
    uint32_t *all = allocate(sizeof *all * SAMPLES * (size_t)threads);
    double seconds;
    for (int i = 0; i < threads; i++) {
        uint64_t n = workers[i].count < SAMPLES ? workers[i].count : SAMPLES;
        memcpy(all + kept, workers[i].samples, n * sizeof *all);
        kept += n;
        count += workers[i].count;
        if (workers[i].began_ns < began) began = workers[i].began_ns;
        if (workers[i].ended_ns > ended) ended = workers[i].ended_ns;
    }
    qsort(all, kept, sizeof *all, ascending);
    seconds = (ended - began) / 1e9;
    printf("{\"operation\": \"%s\", \"threads\": %d, \"calls\": %llu, \"seconds\": %.6f, \"rate\": %.3f, "
           "\"p50_us\": %.3f, \"p99_us\": %.3f}\n", workers->operation->name, threads, (unsigned long long)count,
           seconds, count / seconds, all[(kept + 1) / 2 - 1] / 1e3, all[(kept * 99 + 99) / 100 - 1] / 1e3);
    fflush(stdout);
    free(all);
}

static void make_worker(worker_t *w) {
    w->data = allocate(w->operation->size + sizeof SHA256_DIGEST_INFO);
    w->output = allocate(w->operation->size + ROOM_BYTES);
    w->samples = allocate(sizeof *w->samples * SAMPLES);
    if ((errno = pthread_create(&w->thread, NULL, work, w))) fail("thread", strerror(errno));
}

static void free_worker(worker_t *w) {
    free(w->data);
    free(w->output);
    free(w->samples);
}

static void measure(const operation_t *operation, CK_ULONG key, int threads, double seconds) {
    static worker_t workers[MAX_THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        workers[i] = (worker_t){.start = &start, .operation = operation, .key = key, .seconds = seconds};
        make_worker(&workers[i]);
    }
    for (int i = 0; i < threads; i++) pthread_join(workers[i].thread, NULL);
    report(workers, threads);
    for (int i = 0; i < threads; i++) free_worker(&workers[i]);
    pthread_barrier_destroy(&start);
}

/* `name` or `name:size`, which the figures repeat. */
static operation_t parse_operation(const char *text) {
    size_t length = strcspn(text, ":");
    operation_t found;
    for (size_t i = 0; i < sizeof OPERATIONS / sizeof *OPERATIONS; i++)
        if (strlen(OPERATIONS[i].name) == length && !memcmp(OPERATIONS[i].name, text, length)) {
            found = OPERATIONS[i];
            found.name = text;
            if (text[length]) found.size = strtoul(text + length + 1, NULL, 10);
            if (!found.size || found.size > MAX_SIZE) fail(text, "a size is a number from 1 to 16777216");
            return found;
        }
    fail(text, "no such operation: those of OPERATIONS in client.c");
    return found;
}

static int parse_threads(char *text, int *counts) {
    int n = 0;
    for (char *part = strtok(text, ","); part && n < MAX_COUNTS; part = strtok(NULL, ",")) {
        counts[n] = atoi(part);
        if (counts[n] < 1 || counts[n] > MAX_THREADS) fail("--threads", "takes numbers from 1 to 64, as in 1,2");
        n++;
    }
    return n;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"threads", 1, NULL, 't'}, {"seconds", 1, NULL, 's'}, {"slot", 1, NULL, 'i'}, {"token", 1, NULL, 'l'},
        {NULL, 0, NULL, 0}};
    const char *name = NULL, *pin = getenv("CLIENT_PIN");
    int counts[MAX_COUNTS] = {1}, runs = 1, option;
    double seconds = 1.0;
    CK_ULONG index = 0, session, key;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't') runs = parse_threads(optarg, counts);
        else if (option == 's') seconds = atof(optarg);
        else if (option == 'i') index = strtoul(optarg, NULL, 10);
        else if (option == 'l') name = optarg;
        else return 2;
    }
    if (!(seconds > 0)) fail("--seconds", "takes a positive number");
    if (optind == argc) fail("usage", "client MODULE [--threads 1,2] [--seconds 1.0] [--slot INDEX | --token LABEL] [OPERATION ...]");
    load(argv[optind++]);
    if (optind < argc) {
        take_slot(index, name);
        session = open_session();
        login(session, CKU_USER, pin ? pin : USER_PIN);
        for (; optind < argc; optind++) {
            const operation_t operation = parse_operation(argv[optind]);
            if (!offered(&operation)) continue;
            key = generate(session, &operation);
            if (operation.verb >= FIND) furnish(session, operation.size, operation.verb == FIND_TOKEN);
            for (int i = 0; i < runs; i++) measure(&operation, key, counts[i], seconds);
            if (key) CALL(C_DestroyObject, session, key);
        }
        CALL(C_CloseSession, session);
    }
    CALL(C_Finalize, NULL);
    return 0;
}
