/* Ghostcard's own interface: what PKCS #11 3.2 leaves out of asynchronous sessions.
 *
 * C_AsyncComplete can only be asked again and again. This interface waits: for the first of many calls to be over, or by
 * a descriptor for poll() and epoll. It is had like any other:
 *
 *     CK_INTERFACE *interface;
 *     if (C_GetInterface((CK_UTF8CHAR_PTR)GHOSTCARD_INTERFACE, NULL, &interface, 0) == CKR_OK)
 *         ghostcard = interface->pFunctionList;
 *
 * Include your pkcs11.h first: the CK_ types are those of the standard. docs/asynchronous.md says more. */
#ifndef GHOSTCARD_H
#define GHOSTCARD_H

#define GHOSTCARD_INTERFACE "Vendor ghostcard"
#define GHOSTCARD_NO_LIMIT (~0UL) /* in the place of a time: as long as it takes */

typedef struct GHOSTCARD_FUNCTION_LIST GHOSTCARD_FUNCTION_LIST;

struct GHOSTCARD_FUNCTION_LIST {
    CK_VERSION version; /* 1.0; a later 1.x has more functions at the end */

    /* Waits until a call is over that is pending in one of `count` asynchronous sessions, and tells which session:
     * where the call is that was over first. With a count of 0 in all such sessions of the process. C_AsyncComplete has
     * its result then, without more time passing.
     *
     * `simulated_ns`: how long in simulated time, `milliseconds`: how long on the host's clock; 0: not at all.
     *
     * CKR_PENDING: nothing was over in that time. CKR_OPERATION_NOT_INITIALIZED: nothing is pending.
     * CKR_FUNCTION_CANCELED: all that was pending has been cancelled by another thread.
     * CKR_SESSION_ASYNC_NOT_SUPPORTED: one of them is a synchronous session. CKR_SESSION_HANDLE_INVALID,
     * CKR_DEVICE_REMOVED, CKR_ARGUMENTS_BAD, CKR_CRYPTOKI_NOT_INITIALIZED. */
    CK_RV (*GC_WaitForAny)(CK_SESSION_HANDLE *sessions, CK_ULONG count, CK_ULONG simulated_ns, CK_ULONG milliseconds,
                           CK_SESSION_HANDLE *ready);

    /* A descriptor (an eventfd) that becomes readable when a call of the session is over; of any asynchronous session
     * of the process, also one opened later, for CK_INVALID_HANDLE. Reading 8 bytes from it makes it wait for the next.
     * Simulated time passes while all threads of the program sleep, in poll() for instance.
     *
     * The descriptor is the library's: it is closed by C_CloseSession, or C_Finalize, and not by the program. The same
     * one is given each time. CKR_ as above. */
    CK_RV (*GC_GetEventFd)(CK_SESSION_HANDLE session, int *descriptor);
};

#endif
