/* passwords LIBRARY: one-time passwords, whose structures point into the caller's buffers. */
#include "host.h"

static CK_FUNCTION_LIST_3_2 *f;
static CK_SESSION_HANDLE session;
static CK_MECHANISM hotp = {CKM_HOTP, NULL, 0};

static CK_OBJECT_HANDLE import(void)
{
    CK_OBJECT_CLASS class = CKO_OTP_KEY;
    CK_KEY_TYPE type = CKK_HOTP;
    CK_BBOOL no = CK_FALSE;
    CK_OBJECT_HANDLE key;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_VALUE, "12345678901234567890", 20},
        {CKA_PRIVATE, &no, 1},
    };
    EXPECT(CKR_OK, f->C_CreateObject(session, template, 4, &key));
    return key;
}

static CK_OTP_PARAM *param_of(void *buffer, CK_OTP_PARAM_TYPE type)
{
    CK_OTP_SIGNATURE_INFO *info = buffer;
    for (CK_ULONG i = 0; i < info->ulCount; i++)
        if (info->pParams[i].type == type) return info->pParams + i;
    return NULL;
}

static void sign(CK_OBJECT_HANDLE key, CK_BYTE *buffer, CK_ULONG size)
{
    CK_ULONG length = 0;
    EXPECT(CKR_OK, f->C_SignInit(session, &hotp, key));
    EXPECT(CKR_OK, f->C_Sign(session, NULL, 0, NULL, &length));
    EXPECT(1, length <= size);
    length--;
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_Sign(session, NULL, 0, buffer, &length));
    EXPECT(CKR_OK, f->C_Sign(session, NULL, 0, buffer, &length));
}

static void show(void *buffer)
{
    CK_OTP_PARAM *value = param_of(buffer, CK_OTP_VALUE), *counter = param_of(buffer, CK_OTP_COUNTER);
    printf("%.*s %d\n", (int)value->ulValueLen, (char *)value->pValue, ((CK_BYTE *)counter->pValue)[7]);
}

static CK_RV verify(CK_OBJECT_HANDLE key, void *signature, CK_ULONG length)
{
    EXPECT(CKR_OK, f->C_VerifyInit(session, &hotp, key));
    return f->C_Verify(session, NULL, 0, signature, length);
}

int main(int argc, char **argv)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16, digits = 8;
    static _Alignas(8) CK_BYTE first[256], second[256];
    CK_BYTE seven[8] = {0, 0, 0, 0, 0, 0, 0, 7};
    CK_OTP_PARAM wishes[] = {{CK_OTP_COUNTER, seven, 8}, {CK_OTP_OUTPUT_LENGTH, &digits, sizeof digits}};
    CK_OTP_PARAMS wish = {wishes, 2};
    CK_OTP_PARAM alone = {CK_OTP_VALUE, "969429", 6}; /* RFC 4226, appendix D: counter 3 */
    CK_OTP_SIGNATURE_INFO info = {&alone, 1};
    CK_OBJECT_HANDLE token, server;
    (void)argc;
    alarm(50);
    f = functions(argv[1]);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_GetSlotList(CK_TRUE, slots, &count));
    EXPECT(CKR_OK, f->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    token = import();
    server = import();
    sign(token, first, sizeof first);
    show(first);
    sign(token, second, sizeof second);
    show(second);
    EXPECT(CKR_OK, verify(server, second, sizeof second));
    EXPECT(CKR_SIGNATURE_INVALID, verify(server, second, sizeof second)); /* once is enough */
    EXPECT(CKR_SIGNATURE_INVALID, verify(server, first, sizeof first));   /* and what was before is past */
    EXPECT(CKR_OK, verify(server, &info, sizeof info));
    EXPECT(CKR_SIGNATURE_INVALID, verify(server, &info, sizeof info));
    info.pParams = NULL;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, verify(server, &info, sizeof info));
    hotp.pParameter = &wish;
    hotp.ulParameterLen = sizeof wish;
    sign(token, first, sizeof first);
    show(first);
    EXPECT(CKR_OK, verify(server, first, sizeof first));
    EXPECT(CKR_OK, verify(server, first, sizeof first)); /* the application says which */
    wish.ulCount = 1000;
    EXPECT(CKR_MECHANISM_PARAM_INVALID, f->C_SignInit(session, &hotp, token));
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
