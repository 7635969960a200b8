/* The function lists: those of the real library, with our functions wherever it has one. */
#define _GNU_SOURCE
#include "front.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../generated/lists.h"

enum { INTERFACES = 32 };
static const char STANDARD[] = "PKCS 11";

CK_FUNCTION_LIST_3_2 real;
static int is_there;
static CK_RV (*real_get_list)(CK_FUNCTION_LIST **);
static CK_RV (*real_get_interfaces)(CK_INTERFACE *, CK_ULONG *);
static CK_RV (*real_get_interface)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
static CK_INTERFACE theirs[INTERFACES], ours[INTERFACES];
static CK_FUNCTION_LIST_3_2 lists[INTERFACES];
static CK_FUNCTION_LIST_3_2 basic;
static CK_ULONG interfaces; /* that are listed, */
static CK_ULONG known; /* and those that were asked for besides */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t size_of(const CK_VERSION *version)
{
    if (version->major < 3) return sizeof(CK_FUNCTION_LIST);
    return version->major == 3 && version->minor < 2 ? sizeof(CK_FUNCTION_LIST_3_0) : sizeof(CK_FUNCTION_LIST_3_2);
}

/* A list of ours for one of theirs: its version, and a function wherever it has one. All lists begin alike. */
static void make_list(CK_FUNCTION_LIST_3_2 *list, const void *original)
{
    size_t size = size_of(original), first = offsetof(CK_FUNCTION_LIST_3_2, C_Initialize);
    void (*const *from)(void) = (void (*const *)(void))((const char *)original + first);
    void (**to)(void) = (void (**)(void))((char *)list + first);
    memcpy(list, &list_3_2, size);
    memcpy(&list->version, original, sizeof(CK_VERSION));
    for (size_t i = 0; i < (size - first) / sizeof *to; i++)
        if (!from[i]) to[i] = NULL;
}

static int is_standard(const CK_INTERFACE *interface)
{
    return interface->pInterfaceName && !strcmp((const char *)interface->pInterfaceName, STANDARD);
}

static void make_ours(CK_ULONG i)
{
    ours[i] = theirs[i];
    if (is_standard(&theirs[i])) {
        make_list(&lists[i], theirs[i].pFunctionList);
        ours[i].pFunctionList = &lists[i];
    }
}

static void make_interfaces(CK_FUNCTION_LIST *plain)
{
    CK_ULONG count = INTERFACES;
    if (!real_get_interfaces || real_get_interfaces(theirs, &count) != CKR_OK || count > INTERFACES) {
        count = plain != NULL;
        theirs[0] = (CK_INTERFACE){(CK_UTF8CHAR *)STANDARD, plain, 0};
    }
    interfaces = known = count;
    for (CK_ULONG i = 0; i < count; i++) make_ours(i);
}

/* The fullest list that there is: every function is in it. */
static void take_functions(CK_FUNCTION_LIST *plain)
{
    const void *best = plain;
    for (CK_ULONG i = 0; i < interfaces; i++)
        if (is_standard(&theirs[i]) && (!best || size_of(theirs[i].pFunctionList) > size_of(best)))
            best = theirs[i].pFunctionList;
    if (best) memcpy(&real, best, size_of(best));
}

static void load(void)
{
    const char *path = secure_getenv("GHOSTCARD_CAPTURE_MODULE"); /* not in a program that may do more than its user */
    CK_FUNCTION_LIST *plain = NULL;
    void *library = path && *path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        fprintf(stderr, "ghostcard-capture: %s\n",
                path && *path ? dlerror() : "GHOSTCARD_CAPTURE_MODULE is to name the real library");
        return;
    }
    *(void **)&real_get_list = dlsym(library, "C_GetFunctionList");
    *(void **)&real_get_interfaces = dlsym(library, "C_GetInterfaceList");
    *(void **)&real_get_interface = dlsym(library, "C_GetInterface");
    if (real_get_list == C_GetFunctionList) {
        fprintf(stderr, "ghostcard-capture: GHOSTCARD_CAPTURE_MODULE names this library itself\n");
        return;
    }
    if (real_get_list && real_get_list(&plain) != CKR_OK) plain = NULL;
    make_interfaces(plain);
    take_functions(plain);
    if (plain) make_list(&basic, plain);
    is_there = real.C_Initialize != NULL;
    if (!is_there) fprintf(stderr, "ghostcard-capture: %s: is no PKCS #11 library\n", path);
}

int front_ready(void)
{
    pthread_once(&once, load);
    return is_there;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!front_ready() || !basic.C_Initialize) return CKR_GENERAL_ERROR;
    if (!list) return CKR_ARGUMENTS_BAD;
    *list = (CK_FUNCTION_LIST *)&basic;
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    if (!front_ready()) return CKR_GENERAL_ERROR;
    if (!count) return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = interfaces;
    if (!list) return CKR_OK;
    if (room < interfaces) return CKR_BUFFER_TOO_SMALL;
    memcpy(list, ours, interfaces * sizeof *list);
    return CKR_OK;
}

static int fits(const CK_INTERFACE *interface, const char *name, const CK_VERSION *version, CK_FLAGS flags)
{
    const CK_VERSION *has = interface->pFunctionList;
    if (name && (!interface->pInterfaceName || strcmp(name, (const char *)interface->pInterfaceName))) return 0;
    if (version && (version->major != has->major || version->minor != has->minor)) return 0;
    return (interface->flags & flags) == flags;
}

/* Ours for one of theirs; NULL if there is no room for one that they do not list. */
static CK_INTERFACE *ours_for(const CK_INTERFACE *chosen)
{
    CK_ULONG i = 0;
    pthread_mutex_lock(&lock);
    while (i < known && theirs[i].pFunctionList != chosen->pFunctionList) i++;
    if (i == known && known < INTERFACES) {
        theirs[i] = *chosen;
        make_ours(known++);
    }
    pthread_mutex_unlock(&lock);
    return i < known ? &ours[i] : NULL;
}

/* The real library chooses, if it can; of what it gives we give ours. */
CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    CK_INTERFACE *chosen = NULL;
    if (!front_ready()) return CKR_GENERAL_ERROR;
    if (!interface) return CKR_ARGUMENTS_BAD;
    if (real_get_interface) {
        CK_RV rv = real_get_interface(name, version, &chosen, flags);
        if (rv != CKR_OK) return rv;
    }
    for (CK_ULONG i = 0; !chosen && i < interfaces; i++)
        if (fits(&theirs[i], (const char *)name, version, flags)) chosen = &theirs[i];
    CK_INTERFACE *found = chosen ? ours_for(chosen) : NULL;
    if (!found) return CKR_FUNCTION_FAILED;
    *interface = found;
    return CKR_OK;
}
