/* PKCS #11's types and numbers, as far as the programs beside this file use them: they rely on nothing but libc. */
#ifndef GHOSTCARD_BENCHMARKS_CRYPTOKI_H
#define GHOSTCARD_BENCHMARKS_CRYPTOKI_H

typedef unsigned long CK_ULONG;
typedef unsigned long CK_RV;
typedef unsigned char CK_BYTE;
typedef struct { CK_ULONG mechanism; void *parameter; CK_ULONG parameter_bytes; } CK_MECHANISM;
typedef struct { CK_ULONG type; void *value; CK_ULONG value_bytes; } CK_ATTRIBUTE;
typedef struct { CK_BYTE *iv; CK_ULONG iv_bytes, iv_bits; CK_BYTE *aad; CK_ULONG aad_bytes, tag_bits; } CK_GCM_PARAMS;
typedef struct { CK_BYTE text[96]; CK_ULONG flags, numbers[10]; CK_BYTE versions[4], utc_time[16]; } CK_TOKEN_INFO;
typedef CK_RV key_init(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG key);
typedef CK_RV run(CK_ULONG session, const CK_BYTE *data, CK_ULONG data_bytes, CK_BYTE *output, CK_ULONG *output_bytes);

/* The members in PKCS #11 2.40's order; those this program does not call are only skipped. */
typedef struct {
    CK_BYTE major, minor;
    CK_RV (*C_Initialize)(void *arguments);
    CK_RV (*C_Finalize)(void *reserved);
    void *skipped_2[2];
    CK_RV (*C_GetSlotList)(CK_BYTE token_present, CK_ULONG *slots, CK_ULONG *count);
    void *skipped_5;
    CK_RV (*C_GetTokenInfo)(CK_ULONG slot, CK_TOKEN_INFO *information);
    void *skipped_7;
    CK_RV (*C_GetMechanismInfo)(CK_ULONG slot, CK_ULONG mechanism, CK_ULONG *information);
    CK_RV (*C_InitToken)(CK_ULONG slot, const char *pin, CK_ULONG pin_bytes, const CK_BYTE *label);
    CK_RV (*C_InitPIN)(CK_ULONG session, const char *pin, CK_ULONG pin_bytes);
    void *skipped_11;
    CK_RV (*C_OpenSession)(CK_ULONG slot, CK_ULONG flags, void *application, void *notify, CK_ULONG *session);
    CK_RV (*C_CloseSession)(CK_ULONG session);
    void *skipped_14[4];
    CK_RV (*C_Login)(CK_ULONG session, CK_ULONG user, const char *pin, CK_ULONG pin_bytes);
    CK_RV (*C_Logout)(CK_ULONG session);
    CK_RV (*C_CreateObject)(CK_ULONG session, CK_ATTRIBUTE *template, CK_ULONG count, CK_ULONG *object);
    void *skipped_21;
    CK_RV (*C_DestroyObject)(CK_ULONG session, CK_ULONG object);
    void *skipped_23[3];
    CK_RV (*C_FindObjectsInit)(CK_ULONG session, CK_ATTRIBUTE *template, CK_ULONG count);
    CK_RV (*C_FindObjects)(CK_ULONG session, CK_ULONG *objects, CK_ULONG capacity, CK_ULONG *count);
    CK_RV (*C_FindObjectsFinal)(CK_ULONG session);
    key_init *C_EncryptInit;
    run *C_Encrypt;
    void *skipped_31[6];
    CK_RV (*C_DigestInit)(CK_ULONG session, CK_MECHANISM *mechanism);
    run *C_Digest;
    void *skipped_39[3];
    key_init *C_SignInit;
    run *C_Sign;
    void *skipped_44[14];
    CK_RV (*C_GenerateKey)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                           CK_ULONG *key);
    CK_RV (*C_GenerateKeyPair)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,
                               CK_ULONG public_count, CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                               CK_ULONG *public_key, CK_ULONG *private_key);
    void *skipped_60[8];
} CK_FUNCTION_LIST;
_Static_assert(sizeof(CK_FUNCTION_LIST) == 552, "CK_FUNCTION_LIST of PKCS #11 2.40 on a 64-bit machine");

enum {
    CKR_MECHANISM_INVALID = 0x70,
    CKF_OS_LOCKING_OK = 2, CKF_RW_SESSION = 2, CKF_SERIAL_SESSION = 4, CKF_TOKEN_INITIALIZED = 0x400,
    CKU_SO = 0, CKU_USER = 1,
    CKO_DATA = 0,
    CKA_CLASS = 0, CKA_TOKEN = 1, CKA_PRIVATE = 2, CKA_LABEL = 3, CKA_ENCRYPT = 0x104, CKA_SIGN = 0x108,
    CKA_MODULUS_BITS = 0x121, CKA_PUBLIC_EXPONENT = 0x122, CKA_VALUE_LEN = 0x161, CKA_EC_PARAMS = 0x180,
    CKM_RSA_PKCS_KEY_PAIR_GEN = 0, CKM_RSA_PKCS = 1, CKM_SHA256 = 0x250, CKM_SHA256_HMAC = 0x251,
    CKM_GENERIC_SECRET_KEY_GEN = 0x350, CKM_EC_KEY_PAIR_GEN = 0x1040, CKM_ECDSA = 0x1041, CKM_AES_KEY_GEN = 0x1080,
    CKM_AES_CBC = 0x1082, CKM_AES_GCM = 0x1087,
};

#endif
