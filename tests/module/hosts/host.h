/* What the test hosts share: the library opened as programs open it, and checks that end the program. */
#pragma once
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cryptoki.h"

#define EXPECT(wanted, call)                                                                          \
    do {                                                                                              \
        unsigned long want_ = (wanted), got_ = (unsigned long)(call);                                 \
        if (got_ == want_) break;                                                                     \
        fprintf(stderr, "%s:%d: %s: 0x%lx, not 0x%lx\n", __FILE__, __LINE__, #call, got_, want_);     \
        fflush(stderr);                                                                               \
        _exit(99);                                                                                    \
    } while (0)

static inline void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(98);
    }
    return found;
}

static inline void *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(97);
    }
    return library;
}

/* The list of 3.2, from a library that starts. */
static inline CK_FUNCTION_LIST_3_2 *functions(const char *path)
{
    CK_INTERFACE *interface;
    CK_VERSION version = {3, 2};
    CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
    *(void **)&get = symbol(open_library(path), "C_GetInterface");
    EXPECT(CKR_OK, get((CK_UTF8CHAR *)"PKCS 11", &version, &interface, 0));
    return interface->pFunctionList;
}

/* A signature by the stand-in: "S" and then the data. */
static inline void sign_once(CK_FUNCTION_LIST_3_2 *f, CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE data[32] = "0123456789abcdef0123456789abcde", signature[64];
    CK_ULONG length = sizeof signature;
    EXPECT(CKR_OK, f->C_SignInit(session, &mechanism, 7));
    EXPECT(CKR_OK, f->C_Sign(session, data, sizeof data, signature, &length));
    EXPECT(33, length);
    EXPECT('S', signature[0]);
    EXPECT(0, memcmp(signature + 1, data, sizeof data));
}
