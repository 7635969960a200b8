/* Messages (PKCS #11 3.2, 5.9 to 5.11): their parameter. */
#pragma once
#include "shape.h"

enum { STRUCTURE, DATA_BYTES, IV_BYTES, FIXED_BITS, GENERATOR, TAG_BITS, MESSAGE_NUMBERS };

typedef struct {
    CK_ULONG numbers[MESSAGE_NUMBERS];
    CK_BYTE *iv, *tag; /* IV_BYTES, TAG_BITS / 8 bytes */
} message_t;

/* CKR_OK, or why the parameter cannot be one of the three structures. */
CK_RV message_read(const void *parameter, CK_ULONG length, message_t *message);
