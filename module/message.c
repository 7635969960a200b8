/* The parameter of one message (PKCS #11 3.2, 5.9), or of a key that is wrapped like one: a row of numbers and two
 * places in the caller's memory, from which the IV and the tag are read and to which they go. Which member of which
 * structure is what is a table. */
#include <string.h>

#include "message.h"

#define IV_MAX 256 /* bytes; the longest that CK_GCM_MESSAGE_PARAMS knows */
#define TAG_MAX 128 /* bits */
#define POLY1305_TAG 128

/* Offsets of members, and 1 more; 0: the structure has no such member. */
typedef struct {
    CK_MECHANISM_TYPE mechanism; /* of a key that is wrapped; messages tell by their size */
    CK_ULONG size, message_size;
    size_t data_bytes, iv, iv_bytes, fixed_bits, generator, tag, tag_bits, tag_bytes, aad, aad_bytes;
} layout_t;

#define AT(structure, member) (1 + offsetof(structure, member))
#define GCM(s) .iv = AT(s, pIv), .iv_bytes = AT(s, ulIvLen), .tag_bits = AT(s, ulTagBits)
#define CCM(s) .data_bytes = AT(s, ulDataLen), .iv = AT(s, pNonce), .iv_bytes = AT(s, ulNonceLen), \
               .tag_bytes = AT(s, ulMACLen)
#define CHACHA(s) .iv = AT(s, pNonce), .iv_bytes = AT(s, ulNonceLen)
#define AAD(s) .aad = AT(s, pAAD), .aad_bytes = AT(s, ulAADLen)

static const layout_t MESSAGES[] = {
    {0, sizeof(CK_GCM_MESSAGE_PARAMS), sizeof(CK_GCM_MESSAGE_PARAMS), GCM(CK_GCM_MESSAGE_PARAMS),
     .fixed_bits = AT(CK_GCM_MESSAGE_PARAMS, ulIvFixedBits), .generator = AT(CK_GCM_MESSAGE_PARAMS, ivGenerator),
     .tag = AT(CK_GCM_MESSAGE_PARAMS, pTag)},
    {0, sizeof(CK_CCM_MESSAGE_PARAMS), sizeof(CK_CCM_MESSAGE_PARAMS), CCM(CK_CCM_MESSAGE_PARAMS),
     .fixed_bits = AT(CK_CCM_MESSAGE_PARAMS, ulNonceFixedBits), .generator = AT(CK_CCM_MESSAGE_PARAMS, nonceGenerator),
     .tag = AT(CK_CCM_MESSAGE_PARAMS, pMAC)},
    {0, sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS),
     CHACHA(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), .tag = AT(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS, pTag)},
    {0},
};
static const layout_t KEYS[] = {
    {CKM_AES_GCM, sizeof(CK_GCM_PARAMS), sizeof(CK_GCM_MESSAGE_PARAMS), GCM(CK_GCM_PARAMS), AAD(CK_GCM_PARAMS)},
    {CKM_AES_GCM, sizeof(CK_GCM_WRAP_PARAMS), sizeof(CK_GCM_MESSAGE_PARAMS), GCM(CK_GCM_WRAP_PARAMS),
     AAD(CK_GCM_WRAP_PARAMS), .fixed_bits = AT(CK_GCM_WRAP_PARAMS, ulIvFixedBits),
     .generator = AT(CK_GCM_WRAP_PARAMS, ivGenerator)},
    {CKM_AES_CCM, sizeof(CK_CCM_PARAMS), sizeof(CK_CCM_MESSAGE_PARAMS), CCM(CK_CCM_PARAMS), AAD(CK_CCM_PARAMS)},
    {CKM_AES_CCM, sizeof(CK_CCM_WRAP_PARAMS), sizeof(CK_CCM_MESSAGE_PARAMS), CCM(CK_CCM_WRAP_PARAMS),
     AAD(CK_CCM_WRAP_PARAMS), .fixed_bits = AT(CK_CCM_WRAP_PARAMS, ulNonceFixedBits),
     .generator = AT(CK_CCM_WRAP_PARAMS, nonceGenerator)},
    {CKM_CHACHA20_POLY1305, sizeof(CK_SALSA20_CHACHA20_POLY1305_PARAMS),
     sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), CHACHA(CK_SALSA20_CHACHA20_POLY1305_PARAMS),
     AAD(CK_SALSA20_CHACHA20_POLY1305_PARAMS)},
    {0},
};

/* The caller's memory need not be aligned. */
static CK_ULONG number_at(const char *parameter, size_t place)
{
    CK_ULONG number = 0;
    if (place) memcpy(&number, parameter + place - 1, sizeof number);
    return number;
}

static CK_BYTE *pointer_at(const char *parameter, size_t place)
{
    CK_BYTE *pointer = NULL;
    if (place) memcpy(&pointer, parameter + place - 1, sizeof pointer);
    return pointer;
}

static CK_ULONG tag_bits(const char *parameter, const layout_t *layout)
{
    CK_ULONG bytes = number_at(parameter, layout->tag_bytes);
    if (layout->tag_bits) return number_at(parameter, layout->tag_bits);
    if (!layout->tag_bytes) return POLY1305_TAG;
    return bytes > TAG_MAX / 8 ? CK_UNAVAILABLE_INFORMATION : 8 * bytes;
}

/* What no mechanism takes is refused here: what remains can be read and written. */
static int is_sound(const message_t *message)
{
    const CK_ULONG *numbers = message->numbers;
    return message->iv && numbers[IV_BYTES] <= IV_MAX && numbers[FIXED_BITS] <= 8 * numbers[IV_BYTES] &&
           numbers[TAG_BITS] <= TAG_MAX && numbers[TAG_BITS] % 8 == 0 && is_input(message->aad, message->aad_length);
}

static CK_RV read_layout(const char *parameter, const layout_t *layout, message_t *message)
{
    message->numbers[STRUCTURE] = layout->message_size;
    message->numbers[DATA_BYTES] = number_at(parameter, layout->data_bytes);
    message->numbers[IV_BYTES] = number_at(parameter, layout->iv_bytes);
    message->numbers[FIXED_BITS] = number_at(parameter, layout->fixed_bits);
    message->numbers[GENERATOR] = number_at(parameter, layout->generator);
    message->numbers[TAG_BITS] = tag_bits(parameter, layout);
    message->iv = pointer_at(parameter, layout->iv);
    message->tag = pointer_at(parameter, layout->tag);
    message->aad = pointer_at(parameter, layout->aad);
    message->aad_length = number_at(parameter, layout->aad_bytes);
    return is_sound(message) && (message->tag || !layout->tag) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV message_read(const void *parameter, CK_ULONG length, message_t *message)
{
    if (!parameter) return length ? CKR_ARGUMENTS_BAD : CKR_MECHANISM_PARAM_INVALID;
    for (const layout_t *layout = MESSAGES; layout->size; layout++)
        if (layout->size == length) return read_layout(parameter, layout, message);
    return CKR_MECHANISM_PARAM_INVALID;
}

/* Additional data may be given in the parameter or as an argument; in both places it must be the same. */
static CK_RV settle_aad(CK_BYTE *aad, CK_ULONG length, message_t *message)
{
    if (!length) return CKR_OK;
    if (message->aad_length && (message->aad_length != length || memcmp(message->aad, aad, length)))
        return CKR_MECHANISM_PARAM_INVALID;
    message->aad = aad;
    message->aad_length = length;
    return CKR_OK;
}

CK_RV message_read_wrap(const CK_MECHANISM *mechanism, CK_BYTE *aad, CK_ULONG aad_length, message_t *message)
{
    CK_RV rv = CKR_MECHANISM_INVALID;
    if (!mechanism || !is_input(aad, aad_length)) return CKR_ARGUMENTS_BAD;
    for (const layout_t *layout = KEYS; layout->size; layout++) {
        if (layout->mechanism != mechanism->mechanism) continue;
        rv = CKR_MECHANISM_PARAM_INVALID;
        if (layout->size != mechanism->ulParameterLen || !mechanism->pParameter) continue;
        rv = read_layout(mechanism->pParameter, layout, message);
        return rv ? rv : settle_aad(aad, aad_length, message);
    }
    return rv;
}
