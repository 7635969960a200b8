/* What is known of keys by their handles: type, size, curve. Each is asked for once. */
#define _GNU_SOURCE
#include "front.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, IDENTIFIER_BYTES = 256, MOST = 1 << 20 };

typedef struct entry {
    struct entry *next;
    CK_OBJECT_HANDLE handle;
    CK_SESSION_HANDLE session; /* with which it may end; 0: a token object */
    key_facts key;
} entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry *buckets[BUCKETS];
static unsigned count;

void keys_lock(void) { pthread_mutex_lock(&lock); }
void keys_unlock(void) { pthread_mutex_unlock(&lock); }

static entry **place(CK_OBJECT_HANDLE handle) { return &buckets[(handle ^ handle >> 10) % BUCKETS]; }

static entry *known(CK_OBJECT_HANDLE handle)
{
    entry *at = *place(handle);
    while (at && at->handle != handle) at = at->next;
    return at;
}

enum { THIS_KEY, SESSION_KEYS, ALL_KEYS };

static void forget(int which, CK_ULONG handle)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < BUCKETS; i++) {
        entry **at = &buckets[i];
        if (which == THIS_KEY && at != place(handle)) continue;
        while (*at) {
            entry *old = *at;
            int goes = which == ALL_KEYS || (which == THIS_KEY ? old->handle == handle : old->session == handle);
            if (!goes) {
                at = &old->next;
                continue;
            }
            *at = old->next;
            free(old);
            count--;
        }
    }
    pthread_mutex_unlock(&lock);
}

void keys_forget(CK_OBJECT_HANDLE key) { forget(THIS_KEY, key); }
void keys_forget_session(CK_SESSION_HANDLE session)
{
    if (session) forget(SESSION_KEYS, session);
}
void keys_forget_all(void) { forget(ALL_KEYS, 0); }

static int get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *attribute)
{
    return real.C_GetAttributeValue(session, key, attribute, 1) == CKR_OK
        && attribute->ulValueLen != CK_UNAVAILABLE_INFORMATION;
}

static uint32_t number_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    return get(session, key, &attribute) && attribute.ulValueLen == sizeof value ? (uint32_t)value : 0;
}

static uint32_t bits_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE attribute = {type, NULL, 0}; /* its length only */
    return get(session, key, &attribute) ? (uint32_t)(8 * attribute.ulValueLen) : 0;
}

static uint16_t curve_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    uint8_t value[IDENTIFIER_BYTES];
    CK_ATTRIBUTE attribute = {CKA_EC_PARAMS, value, sizeof value};
    return get(session, key, &attribute) ? journal_curve(value, attribute.ulValueLen) : 0;
}

static key_facts ask(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, int *on_token)
{
    CK_BBOOL token = 0;
    CK_ULONG type = 0;
    CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &token, sizeof token}, {CKA_KEY_TYPE, &type, sizeof type}};
    key_facts found = {.type = NOT_KNOWN};
    if (!real.C_GetAttributeValue || real.C_GetAttributeValue(session, key, attributes, 2) != CKR_OK) return found;
    *on_token = token;
    found.type = (uint32_t)type;
    switch (type) {
    case CKK_RSA:
        found.bits = bits_of(session, key, CKA_MODULUS);
        break;
    case CKK_DSA:
    case CKK_DH:
    case CKK_X9_42_DH:
        found.bits = bits_of(session, key, CKA_PRIME);
        break;
    case CKK_EC:
    case CKK_EC_EDWARDS:
    case CKK_EC_MONTGOMERY:
        found.curve = curve_of(session, key);
        break;
    case CKK_ML_KEM:
    case CKK_ML_DSA:
    case CKK_SLH_DSA:
        found.bits = number_of(session, key, CKA_PARAMETER_SET);
        break;
    default:
        found.bits = 8 * number_of(session, key, CKA_VALUE_LEN);
    }
    return found;
}

key_facts keys_find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    key_facts found;
    int on_token = 0;
    pthread_mutex_lock(&lock);
    entry *old = known(key);
    if (old) found = old->key;
    pthread_mutex_unlock(&lock);
    if (old) return found;
    found = ask(session, key, &on_token); /* without the lock: the real library may take its time */
    entry *made = found.type == NOT_KNOWN ? NULL : malloc(sizeof *made);
    pthread_mutex_lock(&lock);
    if (made && !known(key) && count < MOST) {
        *made = (entry){*place(key), key, on_token ? 0 : session, found};
        *place(key) = made;
        count++;
        made = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(made);
    return found;
}

static uint32_t value_of(const CK_ATTRIBUTE *attribute)
{
    CK_ULONG value = 0;
    if (attribute->pValue && attribute->ulValueLen == sizeof value) memcpy(&value, attribute->pValue, sizeof value);
    return (uint32_t)value;
}

/* Of a key that is to be made: what its template says. */
key_facts keys_described(const CK_ATTRIBUTE *attributes, CK_ULONG number)
{
    key_facts found = {.type = NOT_KNOWN};
    for (CK_ULONG i = 0; i < number; i++) {
        const CK_ATTRIBUTE *at = &attributes[i];
        switch (at->type) {
        case CKA_KEY_TYPE:
            found.type = value_of(at);
            break;
        case CKA_MODULUS_BITS:
        case CKA_PRIME_BITS:
        case CKA_PARAMETER_SET:
            found.bits = value_of(at);
            break;
        case CKA_VALUE_LEN:
            found.bits = 8 * value_of(at);
            break;
        case CKA_PRIME:
            found.bits = (uint32_t)(8 * at->ulValueLen);
            break;
        case CKA_EC_PARAMS:
            if (at->pValue) found.curve = journal_curve(at->pValue, at->ulValueLen);
            break;
        default:
            break;
        }
    }
    return found;
}
