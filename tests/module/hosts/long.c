/* long LIBRARY: long data that lies apart from its result, in its place, or across it; all give the same. */
#include "host.h"

enum { SIZE = 100000, ROOM = SIZE + 64 };

static CK_FUNCTION_LIST_3_2 *f;
static CK_SESSION_HANDLE session;
static CK_BYTE memory[3 * ROOM], plain[SIZE], wanted[ROOM];

/* The data is put at `from`, its result is to come at `to`. */
static CK_ULONG run(CK_RV init(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE),
                    CK_RV whole(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *), CK_MECHANISM *how,
                    CK_OBJECT_HANDLE key, const CK_BYTE *data, CK_ULONG size, CK_ULONG from, CK_ULONG to)
{
    CK_ULONG length = ROOM;
    memset(memory, 0xee, sizeof memory);
    memcpy(memory + from, data, size);
    EXPECT(CKR_OK, init(session, how, key));
    EXPECT(CKR_OK, whole(session, memory + from, size, memory + to, &length));
    for (CK_ULONG i = 0; i < sizeof memory; i++)
        if ((i < from || i >= from + size) && (i < to || i >= to + length)) EXPECT(0xee, memory[i]);
    return length;
}

static void try(CK_MECHANISM *how, CK_OBJECT_HANDLE key)
{
    static const CK_ULONG places[][2] = {{0, ROOM}, {ROOM, 0}, {0, 0}, {0, 16}, {16, 0}, {0, SIZE}, {0, SIZE - 1}, {ROOM, 0}};
    CK_ULONG length = run(f->C_EncryptInit, f->C_Encrypt, how, key, plain, SIZE, 0, ROOM);
    memcpy(wanted, memory + ROOM, length);
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        CK_ULONG from = places[i][0], to = places[i][1];
        EXPECT(length, run(f->C_EncryptInit, f->C_Encrypt, how, key, plain, SIZE, from, to));
        EXPECT(0, memcmp(memory + to, wanted, length));
        EXPECT(SIZE, run(f->C_DecryptInit, f->C_Decrypt, how, key, wanted, length, from, to));
        EXPECT(0, memcmp(memory + to, plain, SIZE));
    }
}

/* A result that does not fit waits; one that just fits is written; a tag that is wrong leaves nothing behind. */
static void try_room(CK_MECHANISM *how, CK_OBJECT_HANDLE key)
{
    CK_ULONG length = SIZE;
    memset(memory, 0xee, sizeof memory);
    EXPECT(CKR_OK, f->C_EncryptInit(session, how, key));
    EXPECT(CKR_BUFFER_TOO_SMALL, f->C_Encrypt(session, plain, SIZE, memory, &length));
    EXPECT(SIZE + 16, length);
    EXPECT(CKR_OK, f->C_Encrypt(session, plain, SIZE, NULL, &length));
    EXPECT(CKR_OK, f->C_Encrypt(session, plain, SIZE, memory, &length));
    EXPECT(0xee, memory[SIZE + 16]);
    memory[SIZE] ^= 1;
    memset(memory + ROOM, 0xee, ROOM);
    length = SIZE;
    EXPECT(CKR_OK, f->C_DecryptInit(session, how, key));
    EXPECT(CKR_ENCRYPTED_DATA_INVALID, f->C_Decrypt(session, memory, SIZE + 16, memory + ROOM, &length));
    for (int i = 0; i < SIZE; i++) EXPECT(0xee, memory[ROOM + i]);
}

int main(int argc, char **argv)
{
    CK_UTF8CHAR label[33] = "test                            ";
    CK_BYTE iv[16] = {0};
    CK_GCM_PARAMS parameters = {iv, 12, 96, NULL, 0, 128};
    CK_MECHANISM keygen = {CKM_AES_KEY_GEN, NULL, 0}, cbc = {CKM_AES_CBC, iv, 16};
    CK_MECHANISM gcm = {CKM_AES_GCM, &parameters, sizeof parameters};
    CK_ULONG bytes = 32, count = 16;
    CK_SLOT_ID slots[16];
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &bytes, sizeof bytes}};
    CK_OBJECT_HANDLE key;
    (void)argc;
    f = functions(argv[1]);
    for (int i = 0; i < SIZE; i++) plain[i] = (CK_BYTE)(i * 7 + i / 251);
    EXPECT(CKR_OK, f->C_Initialize(NULL));
    EXPECT(CKR_OK, f->C_GetSlotList(CK_FALSE, slots, &count));
    EXPECT(CKR_OK, f->C_InitToken(slots[0], (CK_UTF8CHAR *)"87654321", 8, label));
    EXPECT(CKR_OK, f->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    EXPECT(CKR_OK, f->C_Login(session, CKU_SO, (CK_UTF8CHAR *)"87654321", 8));
    EXPECT(CKR_OK, f->C_InitPIN(session, (CK_UTF8CHAR *)"1234", 4));
    EXPECT(CKR_OK, f->C_Logout(session));
    EXPECT(CKR_OK, f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)"1234", 4));
    EXPECT(CKR_OK, f->C_GenerateKey(session, &keygen, template, 1, &key));
    try(&cbc, key);
    try(&gcm, key);
    try_room(&gcm, key);
    EXPECT(CKR_OK, f->C_Finalize(NULL));
    return 0;
}
