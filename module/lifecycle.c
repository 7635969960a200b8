/* C_Initialize, C_Finalize, and the end of the process (PKCS #11 3.2, 5.4). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "library.h"

#define EXIT_PATIENCE 3 /* seconds that the end of the process waits for threads inside the library */

_Atomic int initialized;
static _Atomic int is_ending;
static int finalized_by_exit; /* the host may still call C_Finalize, and did nothing wrong */

/* Enters the gate and answers whether the caller may go on to Python. */
CK_RV library_enter(void)
{
    CK_RV rv;
    pthread_testcancel(); /* inside it cannot be, and a program may do nothing but call us */
    clock_enter();
    think_enter();
    gate_enter();
    if (initialized <= 0 || fork_was_silent()) rv = CKR_CRYPTOKI_NOT_INITIALIZED;
    else rv = thread_know() ? CKR_HOST_MEMORY : CKR_OK;
    if (rv) library_leave();
    return rv;
}

void library_leave(void)
{
    gate_leave();
    think_leave();
    clock_leave();
}

int outside_enter(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); /* see gate.c */
    clock_enter();
    return before;
}

void outside_leave(int before)
{
    clock_leave();
    pthread_setcancelstate(before, NULL);
}

CK_RV refuse_unsupported(void)
{
    return initialized > 0 && !fork_was_silent() ? CKR_FUNCTION_NOT_SUPPORTED : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* Callbacks come all or none. We lock with the operating system's means in every case: a host that gives callbacks
 * and forbids those (no CKF_OS_LOCKING_OK) gets a library that is safe for its threads all the same. */
static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *arguments)
{
    int callbacks;
    if (!arguments) return CKR_OK;
    callbacks = !!arguments->CreateMutex + !!arguments->DestroyMutex + !!arguments->LockMutex + !!arguments->UnlockMutex;
    return arguments->pReserved || (callbacks && callbacks != 4) ? CKR_ARGUMENTS_BAD : CKR_OK;
}

/* In a Python host the interpreter ends before the process; entries/__init__.py sees to that. */
static void exit_with_process(void)
{
    static int is_registered;
    if (is_registered || !interpreter_is_ours()) return;
    is_registered = !atexit(library_exit);
}

static CK_RV initialize(void)
{
    CK_RV rv;
    if (initialized < 0) return CKR_GENERAL_ERROR;
    if (initialized) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (thread_know()) return CKR_HOST_MEMORY;
    rv = outcome(cross_initialize());
    if (rv) return rv;
    initialized = 1;
    /* last: handlers run in reverse, and those of the libraries that Python loaded must run after ours */
    exit_with_process();
    return CKR_OK;
}

static CK_RV begin(void)
{
    CK_RV rv;
    if (interpreter_start()) return CKR_GENERAL_ERROR;
    if (fork_was_silent() && fork_recover()) {
        complain("this process was forked while the library was in use, past its handlers");
        return CKR_GENERAL_ERROR;
    }
    gate_close();
    rv = initialize();
    gate_open();
    return rv;
}

CK_RV C_Initialize(void *arguments)
{
    CK_RV rv = check_arguments(arguments);
    if (rv) return rv;
    clock_enter();
    rv = begin();
    clock_leave();
    return rv;
}

static CK_RV finalize(void)
{
    CK_RV rv;
    if (initialized < 0 && finalized_by_exit) {
        finalized_by_exit = 0;
        return CKR_OK;
    }
    if (initialized <= 0) return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (thread_know()) return CKR_HOST_MEMORY;
    rv = outcome(cross_finalize());
    initialized = 0;
    return rv;
}

CK_RV C_Finalize(void *reserved)
{
    CK_RV rv;
    if (reserved) return CKR_ARGUMENTS_BAD;
    if (fork_was_silent()) return CKR_CRYPTOKI_NOT_INITIALIZED;
    clock_enter();
    gate_close();
    rv = finalize();
    gate_open();
    clock_leave();
    return rv;
}

int library_is_ending(void)
{
    return is_ending;
}

void library_exit(void)
{
    if (fork_was_silent()) return;
    is_ending = 1;
    clock_enter();
    if (gate_close_within(EXIT_PATIENCE)) complain("the process ends while a call has not returned");
    if (initialized > 0 && !thread_know()) finalized_by_exit = cross_finalize() >= 0;
    initialized = -1;
    gate_open();
    clock_leave();
}

void library_forked(void)
{
    is_ending = 0;
    if (initialized > 0) initialized = 0;
}
