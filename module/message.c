/* The parameter of one message (PKCS #11 3.2, 5.9): three structures, told apart by their length, as one row of
 * numbers and two places in the caller's memory, from which the IV and the tag are read and to which they go. */
#include <string.h>

#include "message.h"

#define IV_MAX 256 /* bytes; the longest that CK_GCM_MESSAGE_PARAMS knows */
#define TAG_MAX 16
#define POLY1305_TAG_BITS 128

/* The caller's memory need not be aligned. */
static void read_gcm(const void *parameter, message_t *message)
{
    CK_GCM_MESSAGE_PARAMS gcm;
    memcpy(&gcm, parameter, sizeof gcm);
    message->iv = gcm.pIv;
    message->tag = gcm.pTag;
    message->numbers[IV_BYTES] = gcm.ulIvLen;
    message->numbers[FIXED_BITS] = gcm.ulIvFixedBits;
    message->numbers[GENERATOR] = gcm.ivGenerator;
    message->numbers[TAG_BITS] = gcm.ulTagBits;
}

static void read_ccm(const void *parameter, message_t *message)
{
    CK_CCM_MESSAGE_PARAMS ccm;
    memcpy(&ccm, parameter, sizeof ccm);
    message->iv = ccm.pNonce;
    message->tag = ccm.pMAC;
    message->numbers[DATA_BYTES] = ccm.ulDataLen;
    message->numbers[IV_BYTES] = ccm.ulNonceLen;
    message->numbers[FIXED_BITS] = ccm.ulNonceFixedBits;
    message->numbers[GENERATOR] = ccm.nonceGenerator;
    message->numbers[TAG_BITS] = ccm.ulMACLen <= TAG_MAX ? 8 * ccm.ulMACLen : CK_UNAVAILABLE_INFORMATION;
}

static void read_chacha(const void *parameter, message_t *message)
{
    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS chacha;
    memcpy(&chacha, parameter, sizeof chacha);
    message->iv = chacha.pNonce;
    message->tag = chacha.pTag;
    message->numbers[IV_BYTES] = chacha.ulNonceLen;
    message->numbers[GENERATOR] = CKG_NO_GENERATE;
    message->numbers[TAG_BITS] = POLY1305_TAG_BITS;
}

static const struct {
    CK_ULONG size;
    void (*read)(const void *parameter, message_t *message);
} STRUCTURES[] = {
    {sizeof(CK_GCM_MESSAGE_PARAMS), read_gcm},
    {sizeof(CK_CCM_MESSAGE_PARAMS), read_ccm},
    {sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), read_chacha},
};

/* What no mechanism takes is refused here: what remains can be read and written. */
static int is_sound(const message_t *message)
{
    const CK_ULONG *numbers = message->numbers;
    return message->iv && numbers[IV_BYTES] <= IV_MAX && numbers[FIXED_BITS] <= 8 * numbers[IV_BYTES] &&
           numbers[TAG_BITS] <= 8 * TAG_MAX && numbers[TAG_BITS] % 8 == 0 && message->tag;
}

CK_RV message_read(const void *parameter, CK_ULONG length, message_t *message)
{
    if (!parameter) return length ? CKR_ARGUMENTS_BAD : CKR_MECHANISM_PARAM_INVALID;
    memset(message, 0, sizeof *message);
    message->numbers[STRUCTURE] = length;
    for (size_t i = 0; i < sizeof STRUCTURES / sizeof *STRUCTURES; i++)
        if (STRUCTURES[i].size == length) {
            STRUCTURES[i].read(parameter, message);
            return is_sound(message) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
        }
    return CKR_MECHANISM_PARAM_INVALID;
}
