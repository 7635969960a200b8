/* CK_ATTRIBUTE[] as flat bytes: for each attribute its type and length (u64, native), then its value. The value of
 * CKA_WRAP_TEMPLATE and its kind is a CK_ATTRIBUTE[] too, and is flattened in its place.
 *
 * Values may be secrets: what was written here is wiped when it is freed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

#define ATTRIBUTES_MAX 1024 /* a template is the product of a programmer, not of a loop; those inside it included */
#define DEPTH_MAX 4         /* templates in templates; an array may even hold itself */

/* Values that are templates themselves, with pointers in them. */
static int is_nested(CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_WRAP_TEMPLATE:
    case CKA_UNWRAP_TEMPLATE:
    case CKA_DERIVE_TEMPLATE:
    case CKA_ENCAPSULATE_TEMPLATE:
    case CKA_DECAPSULATE_TEMPLATE:
        return 1;
    default:
        return 0;
    }
}

typedef struct {
    CK_ULONG length; /* bytes so far */
    CK_ULONG count;  /* attributes so far */
} size_so_far_t;

static CK_RV measure(const CK_ATTRIBUTE *attributes, CK_ULONG count, int depth, size_so_far_t *sum);

static CK_RV measure_value(const CK_ATTRIBUTE *attribute, int depth, size_so_far_t *sum)
{
    if (!is_nested(attribute->type)) {
        sum->length += attribute->ulValueLen;
        return CKR_OK;
    }
    if (depth == DEPTH_MAX) return CKR_TEMPLATE_INCONSISTENT;
    if (attribute->ulValueLen % sizeof(CK_ATTRIBUTE)) return CKR_ATTRIBUTE_VALUE_INVALID;
    return measure(attribute->pValue, attribute->ulValueLen / sizeof(CK_ATTRIBUTE), depth + 1, sum);
}

static CK_RV measure(const CK_ATTRIBUTE *attributes, CK_ULONG count, int depth, size_so_far_t *sum)
{
    CK_RV rv;
    if ((sum->count += count) > ATTRIBUTES_MAX) return CKR_ATTRIBUTE_VALUE_INVALID;
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_input(attributes[i].pValue, attributes[i].ulValueLen)) return CKR_ATTRIBUTE_VALUE_INVALID;
        sum->length += 2 * sizeof(uint64_t);
        if ((rv = measure_value(&attributes[i], depth, sum))) return rv;
        if (sum->length > INPUT_MAX) return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_OK;
}

/* Where the next byte goes. */
static char *write_attributes(const CK_ATTRIBUTE *attributes, CK_ULONG count, char *next)
{
    for (CK_ULONG i = 0; i < count; i++) {
        uint64_t head[2] = {attributes[i].type, attributes[i].ulValueLen};
        char *value = next + sizeof head;
        if (is_nested(attributes[i].type)) {
            head[1] = write_attributes(attributes[i].pValue, head[1] / sizeof(CK_ATTRIBUTE), value) - value;
        } else if (head[1]) memcpy(value, attributes[i].pValue, head[1]);
        memcpy(next, head, sizeof head);
        next = value + head[1];
    }
    return next;
}

/* The caller frees `flat` in every case. */
CK_RV template_flatten(const CK_ATTRIBUTE *attributes, CK_ULONG count, template_t *flat)
{
    size_so_far_t sum = {0};
    CK_RV rv;
    flat->bytes = flat->small;
    flat->length = 0;
    if ((!attributes && count) || count > ATTRIBUTES_MAX) return CKR_ARGUMENTS_BAD;
    rv = measure(attributes, count, 0, &sum);
    if (rv) return rv;
    flat->length = sum.length;
    if (flat->length > sizeof flat->small) flat->bytes = malloc(flat->length);
    if (!flat->bytes) return CKR_HOST_MEMORY;
    write_attributes(attributes, count, flat->bytes);
    return CKR_OK;
}

void template_free(template_t *flat)
{
    if (!flat->bytes) return;
    explicit_bzero(flat->bytes, flat->length);
    if (flat->bytes != flat->small) free(flat->bytes);
}
