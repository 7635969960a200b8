/* The vendor's interface (ghostcard.h). */
#include "library.h"

#include "ghostcard.h"

#define SESSIONS_MAX (1UL << 20)

/* A thread that may wait for ever waits outside the gate: it holds up neither a fork nor C_Finalize. */
static CK_RV wait_for_any(CK_SESSION_HANDLE *sessions, CK_ULONG count, CK_ULONG simulated_ns, CK_ULONG milliseconds,
                          CK_SESSION_HANDLE *ready)
{
    CK_RV rv = library_enter();
    int before;
    if (rv) return rv;
    library_leave();
    if (!ready || (count && !sessions) || count > SESSIONS_MAX) return CKR_ARGUMENTS_BAD;
    before = outside_enter();
    rv = take(cross_wait_for_any(sessions, (long)count, simulated_ns, milliseconds), ready);
    outside_leave(before);
    return rv;
}

static CK_RV get_event_fd(CK_SESSION_HANDLE session, int *descriptor)
{
    CK_ULONG found;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = descriptor ? take(cross_get_event_fd(session), &found) : CKR_ARGUMENTS_BAD;
    if (!rv) *descriptor = (int)found;
    library_leave();
    return rv;
}

GHOSTCARD_FUNCTION_LIST vendor_list = {{1, 0}, wait_for_any, get_event_fd};
