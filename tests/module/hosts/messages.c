/* messages LIBRARY: parameters of messages and of keys that are wrapped like one; the stand-in tells what crossed. */
#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static const CK_SESSION_HANDLE session = 5;
static CK_BYTE text[300] = "text", out[64];
static CK_ULONG length;

static void print_crossed(const char *title)
{
    CK_BYTE bytes[4096];
    CK_ULONG size = sizeof bytes;
    EXPECT(CKR_OK, f->C_GetOperationState(session, bytes, &size));
    printf("%s %.*s\n", title, (int)size, bytes);
}

/* The stand-in answers with what it was given, an IV of its own and a tag of its own. */
static void encrypted(const char *title, void *parameter, CK_ULONG size, CK_BYTE *iv, CK_BYTE *tag)
{
    length = sizeof out;
    EXPECT(CKR_OK, f->C_EncryptMessage(session, parameter, size, text, 4, text, 4, out, &length));
    EXPECT(4, length);
    EXPECT(0, memcmp(out, "Text", 4));
    EXPECT(0, memcmp(iv, "IIII", 4));
    if (tag) EXPECT(0, memcmp(tag, "TTTT", 4));
    print_crossed(title);
    memset(iv, 'i', 12);
    EXPECT(CKR_OK, f->C_EncryptMessageBegin(session, parameter, size, NULL, 0));
    EXPECT(0, memcmp(iv, "IIII", 4));
    if (tag) memset(tag, 't', 16);
    length = sizeof out;
    EXPECT(CKR_OK, f->C_EncryptMessageNext(session, parameter, size, text, 4, out, &length, CKF_END_OF_MESSAGE));
    EXPECT(4, length);
    if (tag) EXPECT(0, memcmp(tag, "TTTT", 4));
    EXPECT(CKR_ARGUMENTS_BAD, f->C_EncryptMessageNext(session, parameter, size, text, 4, out, &length, 2));
    EXPECT(CKR_OK, f->C_DecryptMessage(session, parameter, size, text, 4, text, 4, NULL, &length));
    EXPECT(4, length);
    EXPECT(CKR_OK, f->C_DecryptMessage(session, parameter, size, text, 4, NULL, 0, NULL, &length));
    EXPECT(1, length);
    print_crossed("decrypt");
}

static CK_RV refused(void *parameter, CK_ULONG size)
{
    length = sizeof out;
    return f->C_EncryptMessage(session, parameter, size, NULL, 0, text, 4, out, &length);
}

static void messages(void)
{
    CK_BYTE iv[12] = "iiiiiiiiiiii", tag[16] = "tttttttttttttttt";
    CK_GCM_MESSAGE_PARAMS gcm = {iv, 12, 32, CKG_GENERATE_COUNTER, tag, 128}, bad;
    CK_CCM_MESSAGE_PARAMS ccm = {4, iv, 12, 0, CKG_NO_GENERATE, tag, 8};
    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS chacha = {iv, 12, tag};
    encrypted("gcm", &gcm, sizeof gcm, iv, tag);
    memcpy(iv, "iiiiiiiiiiii", 12), memcpy(tag, "tttttttttttttttt", 16);
    encrypted("ccm", &ccm, sizeof ccm, iv, tag);
    memcpy(iv, "iiiiiiiiiiii", 12), memcpy(tag, "tttttttttttttttt", 16);
    encrypted("chacha", &chacha, sizeof chacha, iv, tag);
    bad = gcm, bad.pIv = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&bad, sizeof bad));
    bad = gcm, bad.pTag = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&bad, sizeof bad));
    bad = gcm, bad.ulIvLen = 257;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&bad, sizeof bad));
    bad = gcm, bad.ulIvFixedBits = 97;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&bad, sizeof bad));
    bad = gcm, bad.ulTagBits = 136;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&bad, sizeof bad));
    bad = gcm, bad.ulTagBits = 127;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&bad, sizeof bad));
    ccm.ulMACLen = ~0UL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&ccm, sizeof ccm));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(&gcm, sizeof gcm - 1));
    EXPECT(CKR_ARGUMENTS_BAD, refused(NULL, sizeof gcm));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, refused(NULL, 0));
}

static CK_RV wrap(CK_MECHANISM_TYPE type, void *parameter, CK_ULONG size, CK_BYTE *aad, CK_ULONG aad_length)
{
    CK_MECHANISM mechanism = {type, parameter, size};
    length = sizeof out;
    return f->C_WrapKeyAuthenticated(session, &mechanism, 1, 2, aad, aad_length, out, &length);
}

static void wrapped(const char *title, CK_MECHANISM_TYPE type, void *parameter, CK_ULONG size, CK_BYTE *iv)
{
    CK_MECHANISM mechanism = {type, parameter, size};
    CK_OBJECT_HANDLE key = 0;
    EXPECT(CKR_OK, wrap(type, parameter, size, text, 4));
    EXPECT(7, length);
    EXPECT(0, memcmp(out, "wrapped", 7));
    EXPECT(0, memcmp(iv, "IIII", 4));
    print_crossed(title);
    memset(iv, 'i', 12);
    EXPECT(CKR_OK, f->C_UnwrapKeyAuthenticated(session, &mechanism, 1, text, 4, NULL, 0, NULL, 0, &key));
    EXPECT(77, key);
    print_crossed("unwrap");
}

static void keys(void)
{
    CK_BYTE iv[12] = "iiiiiiiiiiii";
    CK_GCM_PARAMS gcm = {iv, 12, 96, text, 4, 128};
    CK_GCM_WRAP_PARAMS gcm_wrap = {iv, 12, 32, CKG_GENERATE, NULL, 0, 128};
    CK_CCM_PARAMS ccm = {9, iv, 12, text, 4, 8};
    CK_CCM_WRAP_PARAMS ccm_wrap = {9, iv, 12, 32, CKG_GENERATE_RANDOM, NULL, 0, 8};
    CK_SALSA20_CHACHA20_POLY1305_PARAMS chacha = {iv, 12, text, 4};
    wrapped("wrap-gcm", CKM_AES_GCM, &gcm, sizeof gcm, iv);
    wrapped("wrap-gcm-generate", CKM_AES_GCM, &gcm_wrap, sizeof gcm_wrap, iv);
    wrapped("wrap-ccm", CKM_AES_CCM, &ccm, sizeof ccm, iv);
    wrapped("wrap-ccm-generate", CKM_AES_CCM, &ccm_wrap, sizeof ccm_wrap, iv);
    wrapped("wrap-chacha", CKM_CHACHA20_POLY1305, &chacha, sizeof chacha, iv);
    EXPECT(CKR_MECHANISM_INVALID, wrap(CKM_AES_CBC, iv, 12, NULL, 0));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, wrap(CKM_AES_GCM, &gcm, 47, NULL, 0));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, wrap(CKM_AES_GCM, NULL, sizeof gcm, NULL, 0));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, wrap(CKM_AES_GCM, &gcm, sizeof gcm, (CK_BYTE *)"else", 4));
    EXPECT(CKR_MECHANISM_PARAM_INVALID, wrap(CKM_AES_GCM, &gcm, sizeof gcm, text, 3));
    EXPECT(CKR_ARGUMENTS_BAD, wrap(CKM_AES_GCM, &gcm, sizeof gcm, NULL, 1));
    gcm.ulAADLen = ~0UL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, wrap(CKM_AES_GCM, &gcm, sizeof gcm, NULL, 0));
    ccm.ulMACLen = 17;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, wrap(CKM_AES_CCM, &ccm, sizeof ccm, NULL, 0));
}

int main(int argc, char **argv)
{
    (void)argc;
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    messages();
    keys();
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
