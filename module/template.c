/* CK_ATTRIBUTE[] as flat bytes: for each attribute its type and length (u64, native), then its value.
 *
 * Values may be secrets: what was written here is wiped when it is freed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

#define ATTRIBUTES_MAX 1024 /* a template is the product of a programmer, not of a loop */

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

static CK_RV measure(const CK_ATTRIBUTE *attributes, CK_ULONG count, CK_ULONG *length)
{
    *length = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_input(attributes[i].pValue, attributes[i].ulValueLen)) return CKR_ATTRIBUTE_VALUE_INVALID;
        if (is_nested(attributes[i].type)) return CKR_ATTRIBUTE_TYPE_INVALID;
        *length += 2 * sizeof(uint64_t) + attributes[i].ulValueLen;
        if (*length > INPUT_MAX) return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_OK;
}

static void write_attributes(const CK_ATTRIBUTE *attributes, CK_ULONG count, char *next)
{
    for (CK_ULONG i = 0; i < count; i++) {
        uint64_t head[2] = {attributes[i].type, attributes[i].ulValueLen};
        memcpy(next, head, sizeof head);
        next += sizeof head;
        if (head[1]) memcpy(next, attributes[i].pValue, head[1]);
        next += head[1];
    }
}

/* The caller frees `flat` in every case. */
CK_RV template_flatten(const CK_ATTRIBUTE *attributes, CK_ULONG count, template_t *flat)
{
    CK_RV rv;
    flat->bytes = flat->small;
    flat->length = 0;
    if ((!attributes && count) || count > ATTRIBUTES_MAX) return CKR_ARGUMENTS_BAD;
    rv = measure(attributes, count, &flat->length);
    if (rv) flat->length = 0;
    if (rv) return rv;
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
