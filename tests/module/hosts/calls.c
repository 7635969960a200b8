/* calls LIBRARY: what crosses from C to the plain layer and back; the stand-in tells what it was given. */
#include <stdint.h>

#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static const CK_SESSION_HANDLE session = 5;

/* What has crossed last, in hexadecimal or as text. */
static void print_crossed(const char *title, int as_text)
{
    CK_BYTE bytes[4096];
    CK_ULONG length = sizeof bytes;
    EXPECT(CKR_OK, f->C_GetOperationState(session, bytes, &length));
    printf("%s ", title);
    for (CK_ULONG i = 0; i < length; i++) printf(as_text ? "%c" : "%02x", bytes[i]);
    printf("\n");
}

static void cross(const char *title, CK_MECHANISM_TYPE type, void *parameter, CK_ULONG length)
{
    CK_MECHANISM mechanism = {type, parameter, length};
    EXPECT(CKR_OK, f->C_SignInit(session, &mechanism, 1));
    print_crossed(title, 0);
}

static CK_RV refused(CK_MECHANISM_TYPE type, void *parameter, CK_ULONG length)
{
    CK_MECHANISM mechanism = {type, parameter, length};
    return f->C_SignInit(session, &mechanism, 1);
}

static CK_BYTE iv[16] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";
static CK_BYTE text[300] = "context";

static void mechanisms(void)
{
    struct { CK_BYTE *iv; CK_ULONG iv_length; CK_BYTE *aad; CK_ULONG aad_length, tag_bits; } old = {iv, 12, text, 3, 96};
    CK_GCM_PARAMS gcm = {iv, 12, 96, text, 7, 128}, large = {iv, 12, 96, text, 300, 128};
    CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 32};
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, text, 7};
    CK_ECDH1_DERIVE_PARAMS ecdh = {CKD_NULL, 2, text, 3, iv};
    CK_X9_42_DH1_DERIVE_PARAMS x942 = {CKD_NULL, 2, text, 3, iv};
    CK_RSA_AES_KEY_WRAP_PARAMS rsa_aes = {256, &oaep};
    CK_ECDH_AES_KEY_WRAP_PARAMS ecdh_aes = {128, CKD_SHA256_KDF, 3, text};
    CK_SIGN_ADDITIONAL_CONTEXT additional = {CKH_HEDGE_REQUIRED, text, 7};
    CK_HASH_SIGN_ADDITIONAL_CONTEXT hashed = {CKH_HEDGE_PREFERRED, text, 7, CKM_SHA256};
    CK_EDDSA_PARAMS eddsa = {1, 7, text}, plain = {0, 0, NULL};
    CK_CCM_PARAMS ccm = {1000, iv, 13, text, 7, 10};
    CK_CHACHA20_PARAMS chacha = {text, 32, iv, 96};
    CK_SALSA20_CHACHA20_POLY1305_PARAMS sealing = {iv, 12, text, 7};
    CK_ULONG number = 20;
    char unaligned[sizeof pss + 1];
    memcpy(ctr.cb, iv, sizeof ctr.cb);
    memcpy(unaligned + 1, &pss, sizeof pss);
    cross("none", CKM_ECDSA, NULL, 0);
    cross("cbc", CKM_AES_CBC, iv, 16);
    cross("cbc-pad", CKM_AES_CBC_PAD, iv, 16);
    cross("ctr", CKM_AES_CTR, &ctr, sizeof ctr);
    cross("gcm", CKM_AES_GCM, &gcm, sizeof gcm);
    cross("gcm-old", CKM_AES_GCM, &old, sizeof old);
    cross("gcm-large", CKM_AES_GCM, &large, sizeof large);
    cross("pss", CKM_RSA_PKCS_PSS, &pss, sizeof pss);
    cross("pss-unaligned", CKM_SHA256_RSA_PKCS_PSS, unaligned + 1, sizeof pss);
    cross("oaep", CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep);
    cross("ecdh", CKM_ECDH1_DERIVE, &ecdh, sizeof ecdh);
    cross("x942", CKM_X9_42_DH_DERIVE, &x942, sizeof x942);
    cross("dh", CKM_DH_PKCS_DERIVE, iv, 16);
    cross("rsa-aes", CKM_RSA_AES_KEY_WRAP, &rsa_aes, sizeof rsa_aes);
    cross("ecdh-aes", CKM_ECDH_AES_KEY_WRAP, &ecdh_aes, sizeof ecdh_aes);
    cross("ecdh-x-aes", CKM_ECDH_X_AES_KEY_WRAP, &ecdh_aes, sizeof ecdh_aes);
    cross("hmac-general", CKM_SHA256_HMAC_GENERAL, &number, sizeof number);
    cross("eddsa", CKM_EDDSA, NULL, 0);
    cross("eddsa-plain", CKM_EDDSA, &plain, sizeof plain);
    cross("eddsa-context", CKM_EDDSA, &eddsa, sizeof eddsa);
    cross("ml-dsa", CKM_ML_DSA, NULL, 0);
    cross("ml-dsa-context", CKM_ML_DSA, &additional, sizeof additional);
    cross("hash-ml-dsa", CKM_HASH_ML_DSA, &hashed, sizeof hashed);
    cross("slh-dsa-context", CKM_HASH_SLH_DSA_SHAKE256, &additional, sizeof additional);
    cross("raw", CKM_BLOWFISH_CBC, iv, 8);
    cross("cts", CKM_AES_CTS, iv, 16);
    cross("xts", CKM_AES_XTS, iv, 16);
    cross("des3-cbc", CKM_DES3_CBC, iv, 8);
    cross("gmac", CKM_AES_GMAC, &gcm, sizeof gcm);
    cross("ccm", CKM_AES_CCM, &ccm, sizeof ccm);
    cross("chacha20", CKM_CHACHA20, &chacha, sizeof chacha);
    cross("chacha20-poly1305", CKM_CHACHA20_POLY1305, &sealing, sizeof sealing);
    cross("cmac-general", CKM_AES_CMAC_GENERAL, &number, sizeof number);
    cross("vendor", 0x80000001UL, NULL, 0);
    EXPECT(CKR_OK, f->C_SignInit(session, NULL, 1));
    print_crossed("null", 1);
}

static void wrong_mechanisms(void)
{
    CK_GCM_PARAMS null_iv = {NULL, 12, 96, NULL, 0, 128}, null_aad = {iv, 12, 96, NULL, 1, 128},
                  huge = {iv, 12, 96, text, ~0UL, 128}, huge_bits = {iv, 12, 96, NULL, 0, 1UL << 32};
    CK_RSA_PKCS_OAEP_PARAMS null_source = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 7};
    CK_ECDH1_DERIVE_PARAMS null_point = {CKD_NULL, 0, NULL, 65, NULL};
    CK_RSA_AES_KEY_WRAP_PARAMS null_oaep = {256, NULL}, null_label = {256, &null_source};
    CK_ECDH_AES_KEY_WRAP_PARAMS null_shared = {128, CKD_SHA256_KDF, 3, NULL};
    CK_X9_42_DH1_DERIVE_PARAMS null_value = {CKD_NULL, 0, NULL, 65, NULL};
    CK_EDDSA_PARAMS null_context = {0, 1, NULL};
    CK_CCM_PARAMS null_nonce = {16, NULL, 13, NULL, 0, 16}, huge_data = {1UL << 32, iv, 13, NULL, 0, 16};
    CK_CHACHA20_PARAMS null_counter = {NULL, 32, iv, 96}, broken_bits = {text, 31, iv, 96};
    CK_SALSA20_CHACHA20_POLY1305_PARAMS null_head = {iv, 12, NULL, 1};
    CK_ULONG too_large = 1UL << 40;
    EXPECT(CKR_MECHANISM_INVALID, refused(1UL << 32, NULL, 0));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CBC, iv, 15));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CBC, iv, 17));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CBC, NULL, 0));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CBC, NULL, 16));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CTR, iv, 16));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_GCM, &null_iv, 44));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_GCM, &null_iv, sizeof null_iv));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_GCM, &null_aad, sizeof null_aad));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_GCM, &huge, sizeof huge));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_GCM, &huge_bits, sizeof huge_bits));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_RSA_PKCS_PSS, iv, 8));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_RSA_PKCS_OAEP, &null_source, sizeof null_source));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_ECDH1_DERIVE, &null_point, sizeof null_point));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_RSA_AES_KEY_WRAP, &null_oaep, sizeof null_oaep));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_RSA_AES_KEY_WRAP, &null_label, sizeof null_label));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_RSA_AES_KEY_WRAP, iv, 8));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_ECDH_COF_AES_KEY_WRAP, &null_shared, sizeof null_shared));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_X9_42_DH_DERIVE, &null_value, sizeof null_value));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_EDDSA, &null_context, sizeof null_context));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_SHA256_HMAC_GENERAL, &too_large, sizeof too_large));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_SHA256_HMAC_GENERAL, &too_large, 4));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_ECDSA, iv, ~0UL));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_XTS, iv, 15));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_DES3_CBC, iv, 16));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CCM, &null_nonce, sizeof null_nonce));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_AES_CCM, &huge_data, sizeof huge_data));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_CHACHA20, &null_counter, sizeof null_counter));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_CHACHA20, &broken_bits, sizeof broken_bits));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(CKM_CHACHA20_POLY1305, &null_head, sizeof null_head));
}

static void lengths(void)
{
    CK_BYTE data[4] = "data", out[8];
    CK_ULONG length = 99;
    EXPECT(CKR_OK, f->C_Sign(session, data, 4, NULL, &length));
    EXPECT(5, length);
    for (CK_ULONG room = 0; room < 5; room++) {
        memset(out, 0xee, sizeof out);
        length = room;
        EXPECT(CKR_BUFFER_TOO_SMALL, f->C_Sign(session, data, 4, out, &length));
        EXPECT(5, length);
        EXPECT(0xee, out[0]);
    }
    length = ~0UL;
    EXPECT(CKR_OK, f->C_Sign(session, data, 4, out, &length));
    EXPECT(5, length);
    EXPECT(0, memcmp(out, "Sdata\xee", 6));
    EXPECT(CKR_OK, f->C_Verify(session, data, 4, out, 5));
    EXPECT(CKR_SIGNATURE_INVALID, f->C_Verify(session, data, 4, out, 4));
    length = 8;
    EXPECT(CKR_OK, f->C_Sign(session, NULL, 0, out, &length));
    EXPECT(1, length);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Sign(session, NULL, 1, out, &length));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Sign(session, data, ~0UL, out, &length));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Sign(session, data, 4, out, NULL));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Verify(session, data, 4, NULL, 5));
}

/* A program may make of the length a buffer that for 0 would be NULL, and then ask again for ever. */
static void nothing_to_be_had(void)
{
    CK_BYTE data[4] = "data", out[1] = "-";
    CK_ULONG length = 0;
    EXPECT(CKR_OK, f->C_DecryptUpdate(session, data, 4, NULL, &length));
    EXPECT(1, length);
    EXPECT(CKR_OK, f->C_DecryptUpdate(session, data, 4, out, &length));
    EXPECT(0, length);
    EXPECT(CKR_OK, f->C_DecryptUpdate(session, data, 4, out, &length));
    EXPECT(0, length);
    EXPECT(CKR_OK, f->C_DecryptFinal(session, NULL, &length));
    EXPECT(1, length);
    EXPECT(CKR_OK, f->C_DecryptFinal(session, out, &length));
    EXPECT(0, length);
    EXPECT('-', out[0]);
}

static void lists(void)
{
    CK_ULONG list[4], count = 77;
    EXPECT(CKR_OK, f->C_GetSlotList(CK_TRUE, NULL, &count));
    EXPECT(3, count);
    count = 2;
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_GetSlotList(CK_TRUE, list, &count));
    EXPECT(3, count);
    EXPECT(CKR_OK, f->C_GetSlotList(CK_TRUE, list, &count));
    EXPECT(33, list[2]);
    count = 4;
    EXPECT(CKR_OK, f->C_GetSlotList(CK_FALSE, list, &count));
    EXPECT(~0UL - 1, list[3]);
    EXPECT(CKR_OK, f->C_GetMechanismList(11, list, &count));
    EXPECT(2, count);
    EXPECT(CKM_AES_GCM, list[1]);
    EXPECT(CKR_OK, f->C_FindObjects(session, list, 2, &count));
    EXPECT(2, count);
    EXPECT(2, list[1]);
    EXPECT(CKR_OK, f->C_FindObjects(session, NULL, 0, &count));
    EXPECT(0, count);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_FindObjects(session, NULL, 1, &count));
}

static void information(void)
{
    CK_INFO info;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_SESSION_INFO session_info;
    CK_MECHANISM_INFO mechanism;
    CK_SLOT_ID event;
    EXPECT(CKR_OK, f->C_GetInfo(&info));
    printf("info %d.%d [%.32s] [%.32s] %d.%d\n", info.cryptokiVersion.major, info.cryptokiVersion.minor,
           info.manufacturerID, info.libraryDescription, info.libraryVersion.major, info.libraryVersion.minor);
    EXPECT(CKR_OK, f->C_GetSlotInfo(11, &slot));
    printf("slot [%.64s] [%.32s] %lu %d.%d %d.%d\n", slot.slotDescription, slot.manufacturerID, slot.flags,
           slot.hardwareVersion.major, slot.hardwareVersion.minor, slot.firmwareVersion.major,
           slot.firmwareVersion.minor);
    EXPECT(CKR_OK, f->C_GetTokenInfo(11, &token));
    printf("token [%.32s] [%.32s] [%.16s] [%.16s] %lx %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %d.%d %d.%d [%.16s]\n",
           token.label, token.manufacturerID, token.model, token.serialNumber, token.flags, token.ulMaxSessionCount,
           token.ulSessionCount, token.ulMaxRwSessionCount, token.ulRwSessionCount, token.ulMaxPinLen,
           token.ulMinPinLen, token.ulTotalPublicMemory, token.ulFreePublicMemory, token.ulTotalPrivateMemory,
           token.ulFreePrivateMemory, token.hardwareVersion.major, token.hardwareVersion.minor,
           token.firmwareVersion.major, token.firmwareVersion.minor, token.utcTime);
    EXPECT(CKR_OK, f->C_GetSessionInfo(session, &session_info));
    printf("session %lu %lu %lu %lu\n", session_info.slotID, session_info.state, session_info.flags,
           session_info.ulDeviceError);
    EXPECT(CKR_OK, f->C_GetMechanismInfo(11, CKM_ECDSA, &mechanism));
    printf("mechanism %lu %lx %lx\n", mechanism.ulMinKeySize, mechanism.ulMaxKeySize, mechanism.flags);
    EXPECT(CKR_NO_EVENT, f->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, NULL));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, &event));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_WaitForSlotEvent(0, NULL, NULL));
}

static void sessions(void)
{
    CK_SESSION_HANDLE opened;
    CK_UTF8CHAR pin[] = "1234";
    EXPECT(CKR_OK, f->C_OpenSession(11, CKF_SERIAL_SESSION, NULL, NULL, &opened));
    EXPECT(11004, opened);
    EXPECT(CKR_OK, f->C_Login(opened, CKU_USER, pin, 4));
    EXPECT(CKR_PIN_INCORRECT, f->C_Login(opened, CKU_USER, pin, 3));
    EXPECT(CKR_PIN_INCORRECT, f->C_Login(opened, CKU_USER, pin, 0));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Login(opened, CKU_USER, NULL, 0));
    EXPECT(CKR_OK, f->C_CloseSession(opened));
    EXPECT(CKR_SESSION_HANDLE_INVALID, f->C_CloseSession(0));
}

static void templates(void)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE value[600] = "value";
    CK_ATTRIBUTE attributes[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_LABEL, text, 7}, {CKA_ID, NULL, 0}, {CKA_VENDOR_DEFINED + 0x1000c, &yes, 1}};
    CK_ATTRIBUTE large = {CKA_VALUE, value, sizeof value}, null = {CKA_VALUE, NULL, 1}, huge = {CKA_VALUE, value, ~0UL},
                 nested = {CKA_WRAP_TEMPLATE, attributes, sizeof attributes};
    CK_OBJECT_HANDLE object, other;
    EXPECT(CKR_OK, f->C_CreateObject(session, attributes, 4, &object));
    EXPECT(77, object);
    print_crossed("create", 1);
    EXPECT(CKR_OK, f->C_CreateObject(session, &large, 1, &object));
    EXPECT(CKR_OK, f->C_CreateObject(session, NULL, 0, &object));
    print_crossed("empty", 1);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_CreateObject(session, NULL, 1, &object));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_CreateObject(session, attributes, ~0UL, &object));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_CreateObject(session, attributes, 4, NULL));
    EXPECT(CKR_ATTRIBUTE_VALUE_INVALID, f->C_CreateObject(session, &null, 1, &object));
    EXPECT(CKR_ATTRIBUTE_VALUE_INVALID, f->C_CreateObject(session, &huge, 1, &object));
    EXPECT(CKR_OK, f->C_CreateObject(session, &nested, 1, &object));
    print_crossed("nested", 1);
    EXPECT(CKR_OK, f->C_GenerateKeyPair(session, &mechanism, attributes, 1, attributes + 1, 1, &object, &other));
    EXPECT((1UL << 63) - 2, object);
    EXPECT((1UL << 63) - 1, other);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &object, &other));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_GenerateKeyPair(session, &mechanism, NULL, 0, NULL, 0, &object, NULL));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_GenerateKeyPair(session, &mechanism, NULL, 0, NULL, 1, &object, &other));
}

static void attributes(void)
{
    CK_BYTE label[8], small[3];
    CK_ATTRIBUTE length = {CKA_LABEL, NULL, 5}, good = {CKA_LABEL, label, 8}, empty = {CKA_ID, NULL, 3},
                 sensitive = {CKA_VALUE, label, 8}, unknown = {CKA_VENDOR_DEFINED + 1, NULL, 0},
                 short_one = {CKA_LABEL, small, 3};
    CK_ATTRIBUTE mixed[] = {sensitive, good, unknown, short_one};
    memset(label, 0xee, sizeof label);
    EXPECT(CKR_OK, f->C_GetAttributeValue(session, 1, &length, 1));
    EXPECT(7, length.ulValueLen);
    EXPECT(CKR_OK, f->C_GetAttributeValue(session, 1, &empty, 1));
    EXPECT(0, empty.ulValueLen);
    EXPECT(CKR_OK, f->C_GetAttributeValue(session, 1, &good, 1));
    EXPECT(0, memcmp(label, "a label\xee", 8));
    EXPECT(CKR_ATTRIBUTE_SENSITIVE, f->C_GetAttributeValue(session, 1, mixed, 4));
    EXPECT(CK_UNAVAILABLE_INFORMATION, mixed[0].ulValueLen);
    EXPECT(7, mixed[1].ulValueLen);
    EXPECT(CK_UNAVAILABLE_INFORMATION, mixed[2].ulValueLen);
    EXPECT(CK_UNAVAILABLE_INFORMATION, mixed[3].ulValueLen);
    EXPECT(CKR_ATTRIBUTE_TYPE_INVALID, f->C_GetAttributeValue(session, 1, &unknown, 1));
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_GetAttributeValue(session, 1, &short_one, 1));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_GetAttributeValue(session, 1, NULL, 1));
}

static void errors(void)
{
    CK_BYTE out[4];
    EXPECT(CKR_OPERATION_NOT_INITIALIZED, f->C_DigestUpdate(session, (CK_BYTE *)"cryptoki", 8));
    EXPECT(CKR_DEVICE_REMOVED, f->C_DigestUpdate(session, (CK_BYTE *)"driver", 6));
    EXPECT(CKR_HOST_MEMORY, f->C_DigestUpdate(session, (CK_BYTE *)"memory", 6));
    EXPECT(CKR_GENERAL_ERROR, f->C_DigestUpdate(session, (CK_BYTE *)"bug", 3));
    EXPECT(CKR_FUNCTION_CANCELED, f->C_DigestUpdate(session, (CK_BYTE *)"interrupt", 9));
    EXPECT(CKR_OK, f->C_GenerateRandom(session, out, sizeof out));
    EXPECT(CKR_FUNCTION_FAILED, f->C_GenerateRandom(0, out, sizeof out));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_GenerateRandom(session, NULL, 1));
}

static void cancels(void)
{
    EXPECT(CKR_OK, f->C_SessionCancel(session, CKF_SIGN | CKF_FIND_OBJECTS));
    print_crossed("cancelled", 1);
}

/* Arguments that are no good end what is active (PKCS #11 3.2, 5.8.2); the stand-in tells what has been ended. */
static void refusals(void)
{
    CK_BYTE data[4] = "data", out[8];
    CK_ULONG length = 8;
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Encrypt(session, NULL, 4, out, &length));
    print_crossed("C_Encrypt", 1);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_DecryptUpdate(session, data, 4, out, NULL));
    print_crossed("C_DecryptUpdate", 1);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_DigestFinal(session, out, NULL));
    print_crossed("C_DigestFinal", 1);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_SignUpdate(session, NULL, 4));
    print_crossed("C_SignUpdate", 1);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_Verify(session, data, 4, NULL, 4));
    print_crossed("C_Verify", 1);
    EXPECT(CKR_ARGUMENTS_BAD, f->C_DecryptVerifyUpdate(session, data, 4, out, NULL));
    print_crossed("C_DecryptVerifyUpdate", 1);
}

int main(int argc, char **argv)
{
    (void)argc;
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    mechanisms();
    wrong_mechanisms();
    lengths();
    nothing_to_be_had();
    lists();
    information();
    sessions();
    templates();
    attributes();
    errors();
    cancels();
    refusals();
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
