/* What the C files of the library tell each other. Each group names the file that has it. */
#pragma once
#include <stddef.h>

#include "generated/cryptoki.h"

#include "crossings.h"

/* complaint.c: one line on stderr, in one write. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

void complain_of(const char *what); /* for Python */

/* load.c: where the library lies, and whether this process may have it; ready when the library is loaded. */
typedef struct {
    const char *root; /* the folder that holds the package ghostcard */
    const char *site; /* where its dependencies are, when that is another folder; else NULL */
    const char *why;  /* not NULL: the library may not run in this process, and why */
} place_t;
extern place_t place;

/* interpreter.c: Python is there, the package imported, the crossings connected. Once per process; 0 if it worked. */
int interpreter_start(void);
int interpreter_is_up(void);
int interpreter_is_ours(void);
void interpreter_refuse(const char *why); /* called by startup.py, when that fails */

/* crossings (the file that cffi writes): 0 if cffi's part of the start worked. The caller holds the GIL. */
int crossings_start(void);

/* gate.c: who is inside the library. Fork, C_Initialize, C_Finalize and exit close the gate and wait until
 * nobody is. No function of these waits with the GIL held. */
void gate_enter(void);
void gate_leave(void); /* from entering until here the thread cannot be cancelled */
void gate_close(void);               /* waits until no other thread is inside */
int gate_close_within(long seconds); /* gives up waiting, but the gate is closed; 0: nobody is inside */
void gate_open(void);
void gate_open_in_child(void); /* the other threads are gone */
int gate_is_idle(void);        /* nobody is inside or wants that nobody is */

/* thread.c: the Python thread states of the host's threads. Made and deleted inside the gate. */
void thread_start(void); /* once, before the others */
int thread_know(void);   /* the calling thread has a thread state from now on; -1: out of memory */
int thread_holds_gil(void);

/* fork.c: 0 if the handlers are in place. */
int fork_start(void);
int fork_was_silent(void);     /* this process was forked and the handlers did not run */
void fork_mark(void);          /* from now on a silent fork is noticed */
int fork_recover(void);        /* then: do now what they had to do; -1: it is too late for that */
void fork_python_before(void); /* os.fork() of a Python host: before, and after in parent or child */
void fork_python_after(void);

/* think.c: the host's own CPU time between its calls, of each thread. */
void think_start(int wanted); /* measure it from now on, or not any more */
long think_take(void);        /* ns of the calling thread since the last time it was taken */
void think_enter(void);
void think_leave(void);

/* clock.c: the program's clock, where it is the cards'. */
void clock_find(void);             /* once, when the library is loaded */
void clock_enter(void);            /* inside, clocks are the host's */
void clock_leave(void);
int clock_begin(double think);     /* 1: it is ours, and shows the cards' time 0 */
long clock_take(void);             /* ns that have passed for the calling thread since it was told, or took them */
void clock_tell(long cards_ns);    /* its time */

/* pace.c */
void pace_pause(long until_ns); /* until shortly before a time of the monotonic clock; or until it, if that is soon */

/* lifecycle.c */
extern _Atomic int initialized;    /* 1: C_Initialize was called; -1: library_exit was. Changes behind a closed gate */
CK_RV library_enter(void);         /* CKR_OK: inside, library_leave() must follow */
void library_leave(void);
int outside_enter(void);           /* for a call that waits outside the gate: what `outside_leave` has to be told */
void outside_leave(int before);
void library_exit(void);           /* the process or its interpreter ends: finalize, and answer no more */
int library_is_ending(void);       /* it has begun: threads that wait for simulated time wait no longer */
void library_forked(void);         /* in the child */
CK_RV refuse_unsupported(void);    /* what a function that is not built answers */

/* buffer.c: the conventions for pointers and lengths (PKCS #11 3.2, 5.2). */
#define INPUT_MAX (1UL << 30) /* bytes; a longer input is a mistake of the caller */
int is_input(const void *data, CK_ULONG length);
char *input(void *data);                                  /* never NULL */
long capacity(const void *out, const CK_ULONG *length);   /* -1 for NULL */
CK_RV settle(long answer, const void *out, CK_ULONG *length);
CK_RV settle_bytes(long answer, const void *out, CK_ULONG *length);
CK_RV outcome(long answer); /* a crossing without output */
CK_RV take(long answer, CK_ULONG *handle);

/* mechanism.c: CK_MECHANISM as `id u32 parameters` of docs/design.md. */
typedef struct {
    char *bytes;
    long length; /* -1: the caller gave NULL */
    char small[256];
} mechanism_t;
CK_RV mechanism_flatten(const CK_MECHANISM *mechanism, mechanism_t *flat);
void mechanism_free(mechanism_t *flat);

/* template.c: CK_ATTRIBUTE[] as type u64, length u64 (native), value; one after the other. */
typedef struct {
    char *bytes;
    CK_ULONG length;
    char small[512];
} template_t;
CK_RV template_flatten(const CK_ATTRIBUTE *attributes, CK_ULONG count, template_t *flat);
void template_free(template_t *flat);
