/* Python thread states for the threads of a host that knows nothing of Python.
 *
 * PyGILState_Ensure would make one for each call and delete it after. Here a thread's state is made at its first call
 * and deleted when the thread ends, both inside the gate, so that a fork never meets one half made. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>

#include "library.h"

static pthread_key_t ended;
static int is_started;

int thread_holds_gil(void)
{
    PyThreadState *state;
    if (place.why || !Py_IsInitialized()) return 0; /* another Python's is none of our business */
    state = PyGILState_GetThisThreadState();
    return state && state == _PyThreadState_UncheckedGet();
}

/* CPython 3.11 dies when the last thread state of its list is deleted: that one is left. */
static int is_last(PyThreadState *state)
{
    return PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(state)) == state && !PyThreadState_Next(state);
}

static void forget(void *known)
{
    PyThreadState *state = known;
    clock_enter();
    gate_enter();
    if (initialized >= 0 && Py_IsInitialized() && state == PyGILState_GetThisThreadState()) {
        PyEval_RestoreThread(state);
        PyThreadState_Clear(state);
        if (is_last(state)) PyEval_SaveThread();
        else PyThreadState_DeleteCurrent();
    }
    gate_leave();
    clock_leave();
}

void thread_start(void)
{
    is_started = !pthread_key_create(&ended, forget);
}

int thread_know(void)
{
    PyThreadState *state;
    if (PyGILState_GetThisThreadState()) return 0;
    state = PyThreadState_New(PyInterpreterState_Main());
    if (!state) return -1;
    if (is_started) pthread_setspecific(ended, state);
    return 0;
}
