/* In front of another PKCS #11 library: every call goes through, and a row of the journal says that it did.
 *
 * There is no Python here, and no secret is ever read: of data its length, of a key its type and size. */
#pragma once

#include "../generated/cryptoki.h"

#include <stdint.h>

enum { ROW_BYTES = 64, ROW_CALL = 4, ROW_CURVE = 5, ROW_END = 6 };
enum { FLAG_QUERY = 1 }; /* only the length of the result was asked for */
#define NOT_KNOWN 0xffffffffu

/* A row of the journal, little-endian, as ghostcard/driver/capture.py has it. */
typedef struct {
    uint8_t kind, flags;
    uint16_t function; /* place among the functions of PKCS #11 3.2 */
    uint32_t thread, session, mechanism, result;
    uint32_t key_type, key_bits;
    uint32_t data_bytes, result_bytes;
    uint16_t curve, spare; /* number of a row ROW_CURVE, plus 1 */
    uint64_t cpu_ns; /* of the thread, since its call before */
    uint64_t at_ns; /* since the first row */
    uint64_t inside_ns;
} row_t;
_Static_assert(sizeof(row_t) == ROW_BYTES, "a row of the journal");

typedef struct {
    uint32_t type, bits;
    uint16_t curve;
} key_facts;

typedef struct {
    row_t row;
    uint64_t began_ns;
    const CK_ULONG *result_length;
} noted_t;

/* The functions of the real library; NULL: it has no such. */
extern CK_FUNCTION_LIST_3_2 real;
/* Whether the real library is there; the first call loads it. */
int front_ready(void);

void note_begin(noted_t *noted, int function, CK_SESSION_HANDLE session);
void note_mechanism(noted_t *noted, const CK_MECHANISM *mechanism);
void note_key(noted_t *noted, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);
void note_template(noted_t *noted, const CK_ATTRIBUTE *attributes, CK_ULONG count);
void note_start(noted_t *noted);
void note_end(noted_t *noted, CK_RV rv);

void keys_forget(CK_OBJECT_HANDLE key);
void keys_forget_session(CK_SESSION_HANDLE session);
void keys_forget_all(void);
key_facts keys_find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);
key_facts keys_described(const CK_ATTRIBUTE *attributes, CK_ULONG count);
void keys_lock(void);
void keys_unlock(void);

/* The number of a curve's identifier in the journal, plus 1; 0 if there is no room for it. */
uint16_t journal_curve(const void *identifier, CK_ULONG bytes);
void journal_write(const row_t *row);
void journal_forget(void); /* in the child of a fork: it gets one of its own */
