/* Messages and keys that are wrapped like one (PKCS #11 3.2, 5.9 to 5.11, 5.18): their parameter. */
#pragma once
#include "shape.h"

enum { STRUCTURE, DATA_BYTES, IV_BYTES, FIXED_BITS, GENERATOR, TAG_BITS, MESSAGE_NUMBERS };

typedef struct {
    CK_ULONG numbers[MESSAGE_NUMBERS];
    CK_BYTE *iv, *tag; /* IV_BYTES, TAG_BITS / 8 bytes */
    CK_BYTE *aad;      /* of a key that is wrapped; aad_length bytes */
    CK_ULONG aad_length;
} message_t;

/* CKR_OK, or why the parameter cannot be one of the three structures. */
CK_RV message_read(const void *parameter, CK_ULONG length, message_t *message);

/* The same for C_WrapKeyAuthenticated and its twin, whose additional data may come as an argument too; STRUCTURE is
 * that of a message of the mechanism. The tag is part of the wrapped key. */
CK_RV message_read_wrap(const CK_MECHANISM *mechanism, CK_BYTE *aad, CK_ULONG aad_length, message_t *message);
