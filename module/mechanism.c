/* CK_MECHANISM, pointers and all, as the flat `id u32 parameters` of docs/design.md, big-endian.
 *
 * So a mechanism is one hashable value from here to the card. A parameter of the wrong length, or with a null
 * pointer where there is a length, is CKR_MECHANISM_PARAM_INVALID. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

typedef enum { RAW, IV, CTR, GCM, PSS, OAEP, ECDH, ULONG, EDDSA } kind_t;

static kind_t kind_of(CK_MECHANISM_TYPE mechanism)
{
    switch (mechanism) {
    case CKM_AES_CBC:
    case CKM_AES_CBC_PAD:
        return IV;
    case CKM_AES_CTR:
        return CTR;
    case CKM_AES_GCM:
        return GCM;
    case CKM_RSA_PKCS_PSS:
    case CKM_SHA1_RSA_PKCS_PSS:
    case CKM_SHA224_RSA_PKCS_PSS:
    case CKM_SHA256_RSA_PKCS_PSS:
    case CKM_SHA384_RSA_PKCS_PSS:
    case CKM_SHA512_RSA_PKCS_PSS:
        return PSS;
    case CKM_RSA_PKCS_OAEP:
        return OAEP;
    case CKM_ECDH1_DERIVE:
    case CKM_ECDH1_COFACTOR_DERIVE:
        return ECDH;
    case CKM_SHA_1_HMAC_GENERAL:
    case CKM_SHA224_HMAC_GENERAL:
    case CKM_SHA256_HMAC_GENERAL:
    case CKM_SHA384_HMAC_GENERAL:
    case CKM_SHA512_HMAC_GENERAL:
        return ULONG;
    case CKM_EDDSA:
        return EDDSA;
    default:
        return RAW;
    }
}

/* Writes into room that is large enough; what cannot be written is remembered. */
typedef struct {
    char *next;
    int is_bad;
} writer_t;

static void put_u32(writer_t *writer, CK_ULONG value)
{
    if (value > UINT32_MAX) writer->is_bad = 1;
    for (int shift = 24; shift >= 0; shift -= 8) *writer->next++ = (char)(value >> shift);
}

static void put(writer_t *writer, const void *bytes, CK_ULONG length)
{
    if (length) memcpy(writer->next, bytes, length);
    writer->next += length;
}

static void put_ctr(writer_t *writer, const CK_AES_CTR_PARAMS *ctr)
{
    put_u32(writer, ctr->ulCounterBits);
    put(writer, ctr->cb, sizeof ctr->cb);
}

static void put_pss(writer_t *writer, const CK_RSA_PKCS_PSS_PARAMS *pss)
{
    put_u32(writer, pss->hashAlg);
    put_u32(writer, pss->mgf);
    put_u32(writer, pss->sLen);
}

static void put_oaep(writer_t *writer, const CK_RSA_PKCS_OAEP_PARAMS *oaep)
{
    put_u32(writer, oaep->hashAlg);
    put_u32(writer, oaep->mgf);
    put_u32(writer, oaep->source);
    put(writer, oaep->pSourceData, oaep->ulSourceDataLen);
}

static void put_ecdh(writer_t *writer, const CK_ECDH1_DERIVE_PARAMS *ecdh)
{
    put_u32(writer, ecdh->kdf);
    put_u32(writer, ecdh->ulSharedDataLen);
    put(writer, ecdh->pSharedData, ecdh->ulSharedDataLen);
    put(writer, ecdh->pPublicData, ecdh->ulPublicDataLen);
}

static void put_gcm(writer_t *writer, const CK_GCM_PARAMS *gcm)
{
    put_u32(writer, gcm->ulTagBits);
    put_u32(writer, gcm->ulIvLen);
    put(writer, gcm->pIv, gcm->ulIvLen);
    put(writer, gcm->pAAD, gcm->ulAADLen);
}

static void put_eddsa(writer_t *writer, const CK_EDDSA_PARAMS *eddsa)
{
    put_u32(writer, eddsa->phFlag);
    put(writer, eddsa->pContextData, eddsa->ulContextDataLen);
}

/* Before ulIvBits was added (PKCS #11 2.40, errata 1) the structure was this; both are met. */
typedef struct {
    CK_BYTE *pIv;
    CK_ULONG ulIvLen;
    CK_BYTE *pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulTagBits;
} gcm_without_bits_t;

static int read_gcm(const CK_MECHANISM *mechanism, CK_GCM_PARAMS *gcm)
{
    gcm_without_bits_t old;
    if (mechanism->ulParameterLen == sizeof *gcm) {
        memcpy(gcm, mechanism->pParameter, sizeof *gcm);
        return 1;
    }
    if (mechanism->ulParameterLen != sizeof old) return 0;
    memcpy(&old, mechanism->pParameter, sizeof old);
    *gcm = (CK_GCM_PARAMS){old.pIv, old.ulIvLen, 0, old.pAAD, old.ulAADLen, old.ulTagBits};
    return 1;
}

/* The parameter, copied out of the caller's memory, which need not be aligned. */
typedef union {
    CK_AES_CTR_PARAMS ctr;
    CK_GCM_PARAMS gcm;
    CK_RSA_PKCS_PSS_PARAMS pss;
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    CK_ECDH1_DERIVE_PARAMS ecdh;
    CK_EDDSA_PARAMS eddsa;
    CK_ULONG number;
} parameter_t;

static const size_t SIZES[] = {
    [CTR] = sizeof(CK_AES_CTR_PARAMS),         [PSS] = sizeof(CK_RSA_PKCS_PSS_PARAMS),
    [OAEP] = sizeof(CK_RSA_PKCS_OAEP_PARAMS),  [ECDH] = sizeof(CK_ECDH1_DERIVE_PARAMS),
    [ULONG] = sizeof(CK_ULONG),                [EDDSA] = sizeof(CK_EDDSA_PARAMS),
};

static int read_parameter(kind_t kind, const CK_MECHANISM *mechanism, parameter_t *parameter)
{
    if (kind == RAW) return 1;
    if (kind == IV) return mechanism->ulParameterLen == 16;
    if (kind == GCM) return read_gcm(mechanism, &parameter->gcm);
    if (kind == EDDSA && !mechanism->ulParameterLen) return 1;
    if (mechanism->ulParameterLen != SIZES[kind]) return 0;
    memcpy(parameter, mechanism->pParameter, SIZES[kind]);
    return 1;
}

/* The bytes that the parameter points to, in one or two places; -1 when that cannot be. */
static long pointed_to(const void *first, CK_ULONG first_length, const void *second, CK_ULONG second_length)
{
    if (!is_input(first, first_length) || !is_input(second, second_length)) return -1;
    return (long)(first_length + second_length);
}

static long measure(kind_t kind, const CK_MECHANISM *mechanism, const parameter_t *p)
{
    switch (kind) {
    case GCM:
        return pointed_to(p->gcm.pIv, p->gcm.ulIvLen, p->gcm.pAAD, p->gcm.ulAADLen);
    case OAEP:
        return pointed_to(p->oaep.pSourceData, p->oaep.ulSourceDataLen, NULL, 0);
    case ECDH:
        return pointed_to(p->ecdh.pSharedData, p->ecdh.ulSharedDataLen, p->ecdh.pPublicData, p->ecdh.ulPublicDataLen);
    case EDDSA:
        if (!mechanism->ulParameterLen) return 0;
        return pointed_to(p->eddsa.pContextData, p->eddsa.ulContextDataLen, NULL, 0);
    default:
        return (long)mechanism->ulParameterLen;
    }
}

static void write_parameter(writer_t *writer, kind_t kind, const CK_MECHANISM *mechanism, const parameter_t *p)
{
    switch (kind) {
    case CTR: put_ctr(writer, &p->ctr); break;
    case GCM: put_gcm(writer, &p->gcm); break;
    case PSS: put_pss(writer, &p->pss); break;
    case OAEP: put_oaep(writer, &p->oaep); break;
    case ECDH: put_ecdh(writer, &p->ecdh); break;
    case ULONG: put_u32(writer, p->number); break;
    case EDDSA:
        if (mechanism->ulParameterLen) put_eddsa(writer, &p->eddsa);
        break;
    default: put(writer, mechanism->pParameter, mechanism->ulParameterLen);
    }
}

#define NUMBERS 16 /* bytes of the id and the at most three numbers before what is pointed to */

static CK_RV reserve(mechanism_t *flat, long pointed)
{
    if (pointed < 0) return CKR_MECHANISM_PARAM_INVALID;
    if ((size_t)pointed + NUMBERS <= sizeof flat->small) return CKR_OK;
    flat->bytes = malloc((size_t)pointed + NUMBERS);
    return flat->bytes ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV flatten_parameter(const CK_MECHANISM *mechanism, mechanism_t *flat)
{
    kind_t kind = kind_of(mechanism->mechanism);
    parameter_t parameter;
    writer_t writer = {0};
    CK_RV rv;
    if (!read_parameter(kind, mechanism, &parameter)) return CKR_MECHANISM_PARAM_INVALID;
    rv = reserve(flat, measure(kind, mechanism, &parameter));
    if (rv) return rv;
    writer.next = flat->bytes;
    put_u32(&writer, mechanism->mechanism);
    write_parameter(&writer, kind, mechanism, &parameter);
    flat->length = writer.next - flat->bytes;
    return writer.is_bad ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

/* The caller frees `flat` in every case. NULL is answered with the length -1: it cancels, or is wrong. */
CK_RV mechanism_flatten(const CK_MECHANISM *mechanism, mechanism_t *flat)
{
    flat->bytes = flat->small;
    flat->length = -1;
    if (!mechanism) return CKR_OK;
    if (mechanism->mechanism > UINT32_MAX) return CKR_MECHANISM_INVALID;
    if (!is_input(mechanism->pParameter, mechanism->ulParameterLen)) return CKR_MECHANISM_PARAM_INVALID;
    return flatten_parameter(mechanism, flat);
}

void mechanism_free(mechanism_t *flat)
{
    if (flat->bytes != flat->small) free(flat->bytes);
}
