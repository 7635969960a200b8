/* A PKCS #11 program that does to the token objects of slot 0 what it is told, and says what that took in host time.
 *
 *   objects MODULE
 *
 * Reads a command a line and answers each with a line: how many objects it was about, and nanoseconds.
 *   login PIN             logs the user in
 *   find LABEL            looks for the objects with that label
 *   add LABEL PRIVATE     makes a data object; PRIVATE is 0 or 1
 *   delete LABEL          destroys all objects with that label
 *   resident              memory of this process in KiB, and 0 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cryptoki.h"

#define AT_ONCE 64

static CK_FUNCTION_LIST *library;
static CK_ULONG session;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "objects: %s: %s\n", what, why);
    exit(1);
}

#define CALL(name, ...) check(#name, library->name(__VA_ARGS__))
static void check(const char *what, CK_RV rv) {
    char why[32];
    if (rv == 0) return;
    snprintf(why, sizeof why, "0x%lx", rv);
    fail(what, why);
}

static void start(const char *path) {
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) fail("dlopen", dlerror());
    *(void **)&get_list = dlsym(handle, "C_GetFunctionList");
    if (!get_list) fail(path, "has no C_GetFunctionList");
    check("C_GetFunctionList", get_list(&library));
    CALL(C_Initialize, NULL);
    CALL(C_OpenSession, 0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
}

static CK_ULONG login(const char *pin) {
    CALL(C_Login, session, CKU_USER, pin, strlen(pin));
    return 0;
}

static CK_ULONG find(char *label, CK_ULONG *objects) {
    CK_ATTRIBUTE template = {CKA_LABEL, label, strlen(label)};
    CK_ULONG count;
    CALL(C_FindObjectsInit, session, &template, 1);
    CALL(C_FindObjects, session, objects, AT_ONCE, &count);
    CALL(C_FindObjectsFinal, session);
    return count;
}

static CK_ULONG add(char *label, CK_BYTE is_private) {
    CK_BYTE yes = 1;
    CK_ULONG class = CKO_DATA, object;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, 1},
                               {CKA_PRIVATE, &is_private, 1}, {CKA_LABEL, label, strlen(label)}};
    CALL(C_CreateObject, session, template, 4, &object);
    return 1;
}

static CK_ULONG delete(char *label) {
    CK_ULONG objects[AT_ONCE], count = find(label, objects), i;
    for (i = 0; i < count; i++) CALL(C_DestroyObject, session, objects[i]);
    return count;
}

static CK_ULONG resident_kib(void) {
    char line[128];
    CK_ULONG kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) fail("/proc/self/status", "cannot be read");
    while (!kib && fgets(line, sizeof line, status)) sscanf(line, "VmRSS: %lu", &kib);
    fclose(status);
    return kib;
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int count, char **arguments) {
    char line[256], verb[16], label[128];
    unsigned is_private = 0;
    CK_ULONG objects[AT_ONCE], number;
    if (count != 2) fail("usage", "objects MODULE");
    start(arguments[1]);
    while (fgets(line, sizeof line, stdin)) {
        uint64_t began = now_ns();
        if (sscanf(line, "%15s %127s %u", verb, label, &is_private) < 1) fail("command", line);
        if (!strcmp(verb, "find")) number = find(label, objects);
        else if (!strcmp(verb, "login")) number = login(label);
        else if (!strcmp(verb, "add")) number = add(label, (CK_BYTE)is_private);
        else if (!strcmp(verb, "delete")) number = delete(label);
        else if (!strcmp(verb, "resident")) number = resident_kib();
        else fail("command", line);
        printf("%lu %llu\n", number, (unsigned long long)(now_ns() - began));
        fflush(stdout);
    }
    CALL(C_Finalize, NULL);
    return 0;
}
