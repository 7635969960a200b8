/* General purpose, slot and token management functions (PKCS #11 3.2, 5.4 and 5.5). */
#include <pthread.h>

#include "library.h"

CK_RV C_GetInfo(CK_INFO *info)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = info ? outcome(cross_get_info(info)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (count) rv = settle(cross_get_slot_list(token_present, slots, capacity(slots, count)), slots, count);
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = info ? outcome(cross_get_slot_info(slot, info)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = info ? outcome(cross_get_token_info(slot, info)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (count) rv = settle(cross_get_mechanism_list(slot, list, capacity(list, count)), list, count);
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = info ? outcome(cross_get_mechanism_info(slot, mechanism, info)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

/* A NULL PIN asks for a PIN pad, which the Python side knows that no token has. */
CK_RV C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG length, CK_UTF8CHAR *label)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (label && length <= INPUT_MAX) rv = outcome(cross_init_token(slot, (char *)pin, length, (char *)label));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = length <= INPUT_MAX ? outcome(cross_init_pin(session, (char *)pin, length)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *old, CK_ULONG old_length, CK_UTF8CHAR *new,
               CK_ULONG new_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (old_length <= INPUT_MAX && new_length <= INPUT_MAX)
        rv = outcome(cross_set_pin(session, (char *)old, old_length, (char *)new, new_length));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

/* A while at a time; between two, where nothing of the interpreter is under way, the thread may be cancelled. */
static CK_RV wait_for_slot_event(CK_FLAGS flags, CK_SLOT_ID *slot)
{
    CK_RV rv;
    int before;
    do {
        pthread_testcancel();
        before = outside_enter();
        rv = take(cross_wait_for_slot_event(flags), slot);
        outside_leave(before);
    } while (rv == CKR_PENDING);
    return rv;
}

/* A thread that may wait for ever waits outside the gate: it holds up neither a fork nor C_Finalize. */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    CK_RV rv = library_enter();
    int may_wait = !(flags & CKF_DONT_BLOCK);
    if (rv) return rv;
    if (!slot || reserved) {
        library_leave();
        return CKR_ARGUMENTS_BAD;
    }
    if (!may_wait) {
        rv = take(cross_wait_for_slot_event(flags), slot);
        library_leave();
        return rv;
    }
    library_leave();
    return wait_for_slot_event(flags, slot);
}
