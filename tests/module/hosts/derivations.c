/* derivations LIBRARY: parameters with arrays, keys and places for results, through the real library. */
#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE generic = CKK_GENERIC_SECRET, aes = CKK_AES;
static CK_BYTE client[32] = "the client's thirty-two bytes...", server[32] = "the server's thirty-two bytes...";
static CK_SSL3_RANDOM_DATA randoms = {client, sizeof client, server, sizeof server};

static void show(const char *title, const CK_BYTE *bytes, CK_ULONG length)
{
    printf("%s ", title);
    for (CK_ULONG i = 0; i < length; i++) printf("%02x", bytes[i]);
    printf("\n");
}

static CK_OBJECT_HANDLE secret(const char *value, CK_ULONG length)
{
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
        {CKA_VALUE, (void *)value, length},              {CKA_DERIVE, &yes, 1},
        {CKA_EXTRACTABLE, &yes, 1},                      {CKA_SENSITIVE, &no, 1},
        {CKA_PRIVATE, &no, 1},
    };
    EXPECT(CKR_OK, f->C_CreateObject(session, template, 7, &key));
    return key;
}

static void show_key(const char *title, CK_OBJECT_HANDLE key)
{
    CK_BYTE value[256];
    CK_ATTRIBUTE asked = {CKA_VALUE, value, sizeof value};
    EXPECT(CKR_OK, f->C_GetAttributeValue(session, key, &asked, 1));
    show(title, value, asked.ulValueLen);
}

#define OPEN {CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &no, 1}, {CKA_PRIVATE, &no, 1}

static CK_RV derive(CK_MECHANISM_TYPE type, void *parameter, CK_ULONG length, CK_OBJECT_HANDLE base, CK_ULONG size,
                    CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM mechanism = {type, parameter, length};
    CK_ATTRIBUTE template[] = {OPEN, {CKA_DERIVE, &yes, 1}, {CKA_VALUE_LEN, &size, sizeof size}};
    return f->C_DeriveKey(session, &mechanism, base, template, size ? 5 : 4, key);
}

static void two_keys(void)
{
    CK_OBJECT_HANDLE one = secret("one", 3), two = secret("two", 3), none = 0, made;
    EXPECT(CKR_OK, derive(CKM_CONCATENATE_BASE_AND_KEY, &two, sizeof two, one, 0, &made));
    show_key("concatenated", made);
    EXPECT(CKR_KEY_HANDLE_INVALID, derive(CKM_CONCATENATE_BASE_AND_KEY, &none, sizeof none, one, 0, &made));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_CONCATENATE_BASE_AND_KEY, &two, 4, one, 0, &made));
    EXPECT(CKR_ARGUMENTS_BAD, derive(CKM_CONCATENATE_BASE_AND_KEY, &two, sizeof two, one, 0, NULL));
}

static void flat(void)
{
    CK_OBJECT_HANDLE base = secret("a base key", 10), made;
    CK_KEY_DERIVATION_STRING_DATA data = {(CK_BYTE *)"data", 4};
    CK_ULONG bit = 8;
    CK_TLS_KDF_PARAMS kdf = {CKM_SHA256, (CK_BYTE *)"label", 5, randoms, (CK_BYTE *)"context", 7};
    EXPECT(CKR_OK, derive(CKM_CONCATENATE_BASE_AND_DATA, &data, sizeof data, base, 0, &made));
    show_key("with-data", made);
    EXPECT(CKR_OK, derive(CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit, base, 4, &made));
    show_key("extracted", made);
    EXPECT(CKR_OK, derive(CKM_TLS12_KDF, &kdf, sizeof kdf, base, 40, &made));
    show_key("exported", made);
    EXPECT(CKR_OK, derive(CKM_SHA256_KEY_DERIVATION, NULL, 0, base, 0, &made));
    show_key("hashed", made);
    EXPECT(CKR_ARGUMENTS_BAD, derive(CKM_SHA256_KEY_DERIVATION, NULL, 0, base, 0, NULL));
    data.pData = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_CONCATENATE_BASE_AND_DATA, &data, sizeof data, base, 0, &made));
}

static void hkdf(void)
{
    CK_OBJECT_HANDLE base = secret("a base key", 10), salt = secret("salt", 4), made;
    CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_DATA, (CK_BYTE *)"salt", 4, 0, (CK_BYTE *)"info", 4};
    EXPECT(CKR_OK, derive(CKM_HKDF_DERIVE, &p, sizeof p, base, 50, &made));
    show_key("hkdf-data", made);
    p = (CK_HKDF_PARAMS){CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_KEY, NULL, 0, salt, (CK_BYTE *)"info", 4};
    EXPECT(CKR_OK, derive(CKM_HKDF_DERIVE, &p, sizeof p, base, 50, &made));
    show_key("hkdf-key", made);
    p.hSaltKey = 0;
    EXPECT(CKR_KEY_HANDLE_INVALID, derive(CKM_HKDF_DERIVE, &p, sizeof p, base, 50, &made));
    p.pInfo = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_HKDF_DERIVE, &p, sizeof p, base, 50, &made));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_HKDF_DERIVE, &p, sizeof p - 1, base, 50, &made));
}

static void kdf(void)
{
    CK_OBJECT_HANDLE base = secret("a base key", 10), made = 0, more[2] = {0, 0};
    CK_ULONG sizes[2] = {20, 16};
    CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 8};
    CK_SP800_108_DKM_LENGTH_FORMAT length = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 16};
    CK_PRF_DATA_PARAM fields[] = {
        {CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
        {CK_SP800_108_BYTE_ARRAY, "label", 5},
        {CK_SP800_108_DKM_LENGTH, &length, sizeof length},
    };
    CK_ATTRIBUTE first[] = {OPEN, {CKA_VALUE_LEN, &sizes[0], sizeof *sizes}};
    CK_ATTRIBUTE second[] = {OPEN, {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &sizes[1], sizeof *sizes}};
    CK_DERIVED_KEY keys[] = {{first, 4, &more[0]}, {second, 5, &more[1]}};
    CK_SP800_108_KDF_PARAMS p = {CKM_SHA256_HMAC, 3, fields, 0, NULL};
    CK_SP800_108_FEEDBACK_KDF_PARAMS feedback = {CKM_SHA256_HMAC, 2, fields, 2, (CK_BYTE *)"iv", 0, NULL};
    EXPECT(CKR_OK, derive(CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 32, &made));
    show_key("kdf-one", made);
    p.ulAdditionalDerivedKeys = 2;
    p.pAdditionalDerivedKeys = keys;
    EXPECT(CKR_OK, derive(CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 32, &made));
    show_key("kdf-first", made);
    show_key("kdf-second", more[0]);
    show_key("kdf-third", more[1]);
    keys[1].phKey = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 32, &made));
    p.ulAdditionalDerivedKeys = 1000000;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 32, &made));
    fields[0] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, NULL, 0};
    EXPECT(CKR_OK, derive(CKM_SP800_108_FEEDBACK_KDF, &feedback, sizeof feedback, base, 32, &made));
    show_key("kdf-feedback", made);
}

static void tls(void)
{
    CK_BYTE value[48] = {3, 2}, ivs[2][8] = {{0}};
    CK_OBJECT_HANDLE premaster = secret((char *)value, sizeof value), master;
    CK_VERSION version = {0, 0};
    CK_SSL3_KEY_MAT_OUT out = {9, 9, 9, 9, ivs[0], ivs[1]};
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS p = {randoms, &version, CKM_SHA256};
    CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS extended = {CKM_SHA256, client, sizeof client, NULL};
    CK_TLS12_KEY_MAT_PARAMS keys = {160, 128, 64, CK_FALSE, randoms, &out, CKM_SHA256};
    CK_MECHANISM mechanism = {CKM_TLS12_KEY_AND_MAC_DERIVE, &keys, sizeof keys};
    CK_ATTRIBUTE template[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_PRIVATE, &no, 1}};
    EXPECT(CKR_OK, derive(CKM_TLS12_MASTER_KEY_DERIVE, &p, sizeof p, premaster, 0, &master));
    EXPECT(3, version.major);
    EXPECT(2, version.minor);
    show_key("master", master);
    EXPECT(CKR_MECHANISM_PARAM_INVALID, derive(CKM_TLS12_MASTER_KEY_DERIVE_DH, &p, sizeof p, premaster, 0, &master));
    EXPECT(CKR_OK, derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, &extended, sizeof extended, premaster, 0, &master));
    show_key("extended", master);
    EXPECT(CKR_OK, f->C_DeriveKey(session, &mechanism, master, template, 2, NULL));
    show_key("client-mac", out.hClientMacSecret);
    show_key("server-mac", out.hServerMacSecret);
    show_key("client-key", out.hClientKey);
    show_key("server-key", out.hServerKey);
    show("client-iv", ivs[0], 8);
    show("server-iv", ivs[1], 8);
    mechanism.mechanism = CKM_TLS12_KEY_SAFE_DERIVE;
    keys.ulMacSizeInBits = 0;
    out.pIVClient = NULL;
    EXPECT(CKR_OK, f->C_DeriveKey(session, &mechanism, master, template, 2, NULL));
    EXPECT(0, out.hClientMacSecret);
    show_key("safe-key", out.hServerKey);
    mechanism.mechanism = CKM_TLS12_KEY_AND_MAC_DERIVE;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, f->C_DeriveKey(session, &mechanism, master, template, 2, NULL));
    keys.pReturnedKeyMaterial = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, f->C_DeriveKey(session, &mechanism, master, template, 2, NULL));
}

static void password(void)
{
    CK_OBJECT_HANDLE made;
    CK_ULONG size = 32, length = 8, *unreadable = (CK_ULONG *)(1UL << 46);
    CK_PKCS5_PBKD2_PARAMS2 p = {CKZ_SALT_SPECIFIED, "salt", 4, 1000, CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0,
                                (CK_UTF8CHAR *)"password", 8};
    CK_MECHANISM mechanism = {CKM_PKCS5_PBKD2, &p, sizeof p};
    CK_ATTRIBUTE template[] = {OPEN, {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &size, sizeof size}};
    EXPECT(CKR_OK, f->C_GenerateKey(session, &mechanism, template, 5, &made));
    show_key("password", made);
    p.ulPasswordLen = (CK_ULONG)&length; /* as CK_PKCS5_PBKD2_PARAMS has it */
    EXPECT(CKR_OK, f->C_GenerateKey(session, &mechanism, template, 5, &made));
    show_key("password-pointer", made);
    length = 1UL << 31;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, f->C_GenerateKey(session, &mechanism, template, 5, &made));
    p.ulPasswordLen = (CK_ULONG)unreadable;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, f->C_GenerateKey(session, &mechanism, template, 5, &made));
}

int main(int argc, char **argv)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    (void)argc;
    alarm(50);
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_GetSlotList(CK_TRUE, slots, &count));
    EXPECT(CKR_OK, f->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    two_keys();
    flat();
    hkdf();
    kdf();
    tls();
    password();
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
