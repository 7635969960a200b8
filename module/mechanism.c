/* CK_MECHANISM, pointers and all, as the flat `id u32 parameters` of docs/design.md, big-endian.
 *
 * So a mechanism is one hashable value from here to the card. Which members of which structure go where is a table,
 * written from module/flattening.py. A parameter of the wrong length, or with a null pointer where there is a length,
 * is CKR_MECHANISM_PARAM_INVALID. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "library.h"

typedef enum {
    NUMBER, /* written as u32 */
    ARRAY,  /* bytes in the structure, written as they are */
    STRING, /* pointer and length, written with the length as u32 */
    REST,   /* pointer and length, written without it */
} kind_t;

typedef struct {
    kind_t kind;
    size_t offset;
    size_t size;    /* of a number or an array */
    size_t length;  /* offset of the length of a string */
    size_t through; /* 1 + the offset of the pointer behind which all these offsets count; 0: none */
    int counts_bits;
    int may_point; /* the length may be a pointer to the length */
} member_t;

typedef struct {
    size_t size;
    size_t count;
    const member_t *members;
} structure_t; /* an array of them ends with the size 0 */

typedef struct {
    CK_MECHANISM_TYPE mechanism;
    const structure_t *structures;
    int is_optional;
} taker_t; /* who takes which parameters, in order of the mechanism */

#include "generated/parameters.h"

static const taker_t *find_taker(CK_MECHANISM_TYPE mechanism)
{
    size_t low = 0, high = sizeof takers / sizeof *takers;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (takers[middle].mechanism == mechanism) return takers + middle;
        if (takers[middle].mechanism < mechanism) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

static const structure_t *find_structure(const structure_t *structures, CK_ULONG size)
{
    for (; structures->size; structures++)
        if (structures->size == size) return structures;
    return NULL;
}

/* What a member says: a number, or where its bytes are and how many. The caller's memory need not be aligned. */
typedef struct {
    CK_ULONG number;
    const char *bytes;
    CK_ULONG length;
} value_t;

static const char *base_of(const member_t *member, const char *parameter)
{
    const char *base;
    if (!member->through) return parameter;
    memcpy(&base, parameter + member->through - 1, sizeof base);
    return base;
}

/* CK_PKCS5_PBKD2_PARAMS has a pointer to the length where CK_PKCS5_PBKD2_PARAMS2 has the length; nothing else tells
 * them apart. No length of a password is as high as the lowest address (vm.mmap_min_addr). The kernel reads it for us:
 * a wrong length must not end the program. */
#define LOWEST_ADDRESS 0x10000UL
static CK_ULONG length_at(CK_ULONG value)
{
    CK_ULONG length;
    struct iovec here = {&length, sizeof length}, there = {(void *)value, sizeof length};
    if (value < LOWEST_ADDRESS) return value;
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == sizeof length ? length : value;
}

static int read_string(const member_t *member, const char *base, value_t *value)
{
    memcpy(&value->bytes, base + member->offset, sizeof value->bytes);
    memcpy(&value->length, base + member->length, sizeof value->length);
    if (member->may_point) value->length = length_at(value->length);
    if (member->counts_bits) {
        if (value->length % 8) return 0;
        value->length /= 8;
    }
    return is_input(value->bytes, value->length);
}

static int read_number(const member_t *member, const char *base, value_t *value)
{
    if (member->size == 1) value->number = (CK_BYTE)base[member->offset];
    else memcpy(&value->number, base + member->offset, sizeof value->number);
    return value->number <= UINT32_MAX;
}

/* 0 when the member cannot be what it is to be. */
static int read_member(const member_t *member, const char *parameter, value_t *value)
{
    const char *base = base_of(member, parameter);
    if (!base) return 0;
    if (member->kind == NUMBER) return read_number(member, base, value);
    if (member->kind != ARRAY) return read_string(member, base, value);
    value->bytes = base + member->offset;
    value->length = member->size;
    return 1;
}

/* The length of the parameters on the wire; -1 when one of them cannot be. */
static long measure(const structure_t *structure, const char *parameter)
{
    long length = 0;
    for (const member_t *member = structure->members; member < structure->members + structure->count; member++) {
        value_t value;
        if (!read_member(member, parameter, &value)) return -1;
        if (member->kind == NUMBER || member->kind == STRING) length += 4;
        if (member->kind != NUMBER) length += (long)value.length;
    }
    return length;
}

static char *put_u32(char *next, CK_ULONG value)
{
    for (int shift = 24; shift >= 0; shift -= 8) *next++ = (char)(value >> shift);
    return next;
}

static char *put(char *next, const void *bytes, CK_ULONG length)
{
    if (length) memcpy(next, bytes, length);
    return next + length;
}

static void write_members(const structure_t *structure, const char *parameter, char *next)
{
    for (const member_t *member = structure->members; member < structure->members + structure->count; member++) {
        value_t value;
        read_member(member, parameter, &value);
        if (member->kind == NUMBER) next = put_u32(next, value.number);
        if (member->kind == STRING) next = put_u32(next, value.length);
        if (member->kind != NUMBER) next = put(next, value.bytes, value.length);
    }
}

static CK_RV reserve(mechanism_t *flat, long parameters)
{
    if (parameters < 0 || parameters > (long)INPUT_MAX) return CKR_MECHANISM_PARAM_INVALID;
    flat->length = parameters + 4;
    if (flat->length <= (long)sizeof flat->small) return CKR_OK;
    flat->bytes = malloc((size_t)flat->length);
    return flat->bytes ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV flatten_structure(const CK_MECHANISM *mechanism, const structure_t *structure, mechanism_t *flat)
{
    CK_RV rv;
    if (!structure) return CKR_MECHANISM_PARAM_INVALID;
    rv = reserve(flat, measure(structure, mechanism->pParameter));
    if (rv) return rv;
    write_members(structure, mechanism->pParameter, put_u32(flat->bytes, mechanism->mechanism));
    return CKR_OK;
}

static CK_RV flatten_bytes(const CK_MECHANISM *mechanism, mechanism_t *flat)
{
    CK_RV rv = reserve(flat, (long)mechanism->ulParameterLen);
    if (rv) return rv;
    put(put_u32(flat->bytes, mechanism->mechanism), mechanism->pParameter, mechanism->ulParameterLen);
    return CKR_OK;
}

/* The caller frees `flat` in every case. NULL is answered with the length -1: it cancels, or is wrong. */
CK_RV mechanism_flatten(const CK_MECHANISM *mechanism, mechanism_t *flat)
{
    const taker_t *taker;
    flat->bytes = flat->small;
    flat->length = -1;
    if (!mechanism) return CKR_OK;
    if (mechanism->mechanism > UINT32_MAX) return CKR_MECHANISM_INVALID;
    if (!is_input(mechanism->pParameter, mechanism->ulParameterLen)) return CKR_MECHANISM_PARAM_INVALID;
    taker = find_taker(mechanism->mechanism);
    if (!taker || (taker->is_optional && !mechanism->ulParameterLen)) return flatten_bytes(mechanism, flat);
    return flatten_structure(mechanism, find_structure(taker->structures, mechanism->ulParameterLen), flat);
}

void mechanism_free(mechanism_t *flat)
{
    if (flat->bytes != flat->small) free(flat->bytes);
}
