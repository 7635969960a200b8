/* The parameter of one message (PKCS #11 3.2, 5.9): three structures, told apart by their length, as one row of
 * numbers and two places in the caller's memory, from which the IV and the tag are read and to which they go. */
#include <string.h>

#include "message.h"

#define IV_MAX 256 /* bytes; the longest that CK_GCM_MESSAGE_PARAMS knows */
#define TAG_MAX 16
#define POLY1305_TAG_BITS 128

static CK_ULONG bits(CK_ULONG bytes)
{
    return bytes <= TAG_MAX ? 8 * bytes : CK_UNAVAILABLE_INFORMATION;
}

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
    message->numbers[TAG_BITS] = bits(ccm.ulMACLen);
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
           numbers[TAG_BITS] <= 8 * TAG_MAX && numbers[TAG_BITS] % 8 == 0;
}

CK_RV message_read(const void *parameter, CK_ULONG length, message_t *message)
{
    if (!parameter) return length ? CKR_ARGUMENTS_BAD : CKR_MECHANISM_PARAM_INVALID;
    memset(message, 0, sizeof *message);
    message->numbers[STRUCTURE] = length;
    for (size_t i = 0; i < sizeof STRUCTURES / sizeof *STRUCTURES; i++)
        if (STRUCTURES[i].size == length) {
            STRUCTURES[i].read(parameter, message);
            return is_sound(message) && message->tag ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
        }
    return CKR_MECHANISM_PARAM_INVALID;
}

static void read_gcm_key(const void *parameter, message_t *message)
{
    CK_GCM_PARAMS gcm;
    memcpy(&gcm, parameter, sizeof gcm);
    message->iv = gcm.pIv;
    message->numbers[IV_BYTES] = gcm.ulIvLen;
    message->numbers[TAG_BITS] = gcm.ulTagBits;
    message->aad = gcm.pAAD;
    message->aad_length = gcm.ulAADLen;
}

static void read_gcm_wrap(const void *parameter, message_t *message)
{
    CK_GCM_WRAP_PARAMS gcm;
    memcpy(&gcm, parameter, sizeof gcm);
    message->iv = gcm.pIv;
    message->numbers[IV_BYTES] = gcm.ulIvLen;
    message->numbers[FIXED_BITS] = gcm.ulIvFixedBits;
    message->numbers[GENERATOR] = gcm.ivGenerator;
    message->numbers[TAG_BITS] = gcm.ulTagBits;
    message->aad = gcm.pAAD;
    message->aad_length = gcm.ulAADLen;
}

static void read_ccm_key(const void *parameter, message_t *message)
{
    CK_CCM_PARAMS ccm;
    memcpy(&ccm, parameter, sizeof ccm);
    message->iv = ccm.pNonce;
    message->numbers[DATA_BYTES] = ccm.ulDataLen;
    message->numbers[IV_BYTES] = ccm.ulNonceLen;
    message->numbers[TAG_BITS] = bits(ccm.ulMACLen);
    message->aad = ccm.pAAD;
    message->aad_length = ccm.ulAADLen;
}

static void read_ccm_wrap(const void *parameter, message_t *message)
{
    CK_CCM_WRAP_PARAMS ccm;
    memcpy(&ccm, parameter, sizeof ccm);
    message->iv = ccm.pNonce;
    message->numbers[DATA_BYTES] = ccm.ulDataLen;
    message->numbers[IV_BYTES] = ccm.ulNonceLen;
    message->numbers[FIXED_BITS] = ccm.ulNonceFixedBits;
    message->numbers[GENERATOR] = ccm.nonceGenerator;
    message->numbers[TAG_BITS] = bits(ccm.ulMACLen);
    message->aad = ccm.pAAD;
    message->aad_length = ccm.ulAADLen;
}

static void read_chacha_key(const void *parameter, message_t *message)
{
    CK_SALSA20_CHACHA20_POLY1305_PARAMS chacha;
    memcpy(&chacha, parameter, sizeof chacha);
    message->iv = chacha.pNonce;
    message->numbers[IV_BYTES] = chacha.ulNonceLen;
    message->numbers[TAG_BITS] = POLY1305_TAG_BITS;
    message->aad = chacha.pAAD;
    message->aad_length = chacha.ulAADLen;
}

static const struct {
    CK_MECHANISM_TYPE mechanism;
    CK_ULONG size, structure;
    void (*read)(const void *parameter, message_t *message);
} WRAPS[] = {
    {CKM_AES_GCM, sizeof(CK_GCM_PARAMS), sizeof(CK_GCM_MESSAGE_PARAMS), read_gcm_key},
    {CKM_AES_GCM, sizeof(CK_GCM_WRAP_PARAMS), sizeof(CK_GCM_MESSAGE_PARAMS), read_gcm_wrap},
    {CKM_AES_CCM, sizeof(CK_CCM_PARAMS), sizeof(CK_CCM_MESSAGE_PARAMS), read_ccm_key},
    {CKM_AES_CCM, sizeof(CK_CCM_WRAP_PARAMS), sizeof(CK_CCM_MESSAGE_PARAMS), read_ccm_wrap},
    {CKM_CHACHA20_POLY1305, sizeof(CK_SALSA20_CHACHA20_POLY1305_PARAMS),
     sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS), read_chacha_key},
};

/* Additional data may be given in the parameter or as an argument; in both places it must be the same. */
static CK_RV settle_aad(CK_BYTE *aad, CK_ULONG length, message_t *message)
{
    if (!is_input(aad, length)) return CKR_ARGUMENTS_BAD;
    if (!is_input(message->aad, message->aad_length)) return CKR_MECHANISM_PARAM_INVALID;
    if (length && message->aad_length &&
        (length != message->aad_length || memcmp(aad, message->aad, length))) return CKR_MECHANISM_PARAM_INVALID;
    if (length) message->aad = aad, message->aad_length = length;
    return is_sound(message) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV message_read_wrap(const CK_MECHANISM *mechanism, CK_BYTE *aad, CK_ULONG aad_length, message_t *message)
{
    CK_RV rv = CKR_MECHANISM_INVALID;
    memset(message, 0, sizeof *message);
    if (!mechanism) return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < sizeof WRAPS / sizeof *WRAPS; i++) {
        if (WRAPS[i].mechanism != mechanism->mechanism) continue;
        rv = CKR_MECHANISM_PARAM_INVALID;
        if (WRAPS[i].size != mechanism->ulParameterLen || !mechanism->pParameter) continue;
        message->numbers[STRUCTURE] = WRAPS[i].structure;
        WRAPS[i].read(mechanism->pParameter, message);
        return settle_aad(aad, aad_length, message);
    }
    return rv;
}
