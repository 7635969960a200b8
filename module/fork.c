/* fork(): the interpreter is brought through it, and the child starts with a library that is not initialised.
 *
 * A host that knows nothing of Python runs the three handlers, which do what os.fork() does around fork(). In a Python
 * host os.fork() does that itself and then comes upon the same handlers: a hook of os.register_at_fork tells of that
 * case. The gate is closed before any of it, so in the child no work of another thread is left undone.
 *
 * A page that the kernel wipes in a child tells of forks that ran no handlers (clone(), _Fork()). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "library.h"

static __thread int by_python; /* this thread is in os.fork(), which does the interpreter's part */
static __thread int by_host;   /* this thread is in fork(), and we do it */
static __thread PyGILState_STATE gil;
static volatile char *mark; /* 1; 0 in a child that ran no handlers */

void fork_python_before(void)
{
    if (by_host) return;
    gate_close();
    by_python = 1;
}

/* In the parent; also when the fork failed. In the child the gate is open already. */
void fork_python_after(void)
{
    if (!by_python) return;
    by_python = 0;
    gate_open();
}

static void prepare(void)
{
    if (by_python) return;
    gate_close();
    if (!interpreter_is_up() || !Py_IsInitialized() || thread_know()) return;
    by_host = 1;
    gil = PyGILState_Ensure();
    PyOS_BeforeFork();
}

static void in_parent(void)
{
    if (by_python) return;
    if (by_host) {
        PyOS_AfterFork_Parent();
        PyGILState_Release(gil);
    }
    by_host = 0;
    gate_open();
}

static void in_child(void)
{
    gate_open_in_child();
    library_forked();
    fork_mark();
    if (by_host) {
        PyOS_AfterFork_Child();
        PyGILState_Release(gil);
    }
    by_host = 0;
}

void fork_mark(void)
{
    if (mark) *mark = 1;
}

int fork_was_silent(void)
{
    return mark && !*mark;
}

/* Possible where the thread that forked was alone with our interpreter: nothing was under way then. */
int fork_recover(void)
{
    if (!interpreter_is_ours() || !gate_is_idle() || thread_know()) return -1;
    by_host = 1;
    gil = PyGILState_Ensure();
    PyOS_BeforeFork(); /* what comes after it undoes what it does */
    in_child();
    return 0;
}

int fork_start(void)
{
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return -1;
    if (!madvise(page, bytes, MADV_WIPEONFORK)) mark = page; /* older kernels cannot: then nobody tells */
    fork_mark();
    return pthread_atfork(prepare, in_parent, in_child);
}
