/* Session management functions (PKCS #11 3.2, 5.6) and the two of parallel operation (5.20). */
#include "shape.h"

/* The notification callback is never called: no token surrenders. */
CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    CK_RV rv = library_enter();
    (void)application;
    (void)notify;
    if (rv) return rv;
    rv = session ? take(cross_open_session(slot, flags), session) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_close_session(session));
    library_leave();
    return rv;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_close_all_sessions(slot));
    library_leave();
    return rv;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = info ? outcome(cross_get_session_info(session, info)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (length)
        rv = settle(cross_get_operation_state(session, (char *)state, capacity(state, length)), state, length);
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG length, CK_OBJECT_HANDLE encryption_key,
                          CK_OBJECT_HANDLE authentication_key)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (is_input(state, length) && state)
        rv = outcome(cross_set_operation_state(session, input(state), length, encryption_key, authentication_key));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = length <= INPUT_MAX ? outcome(cross_login(session, user, (char *)pin, length)) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

/* Without a name it is C_Login. */
CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length, CK_UTF8CHAR *name,
                  CK_ULONG name_length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (length <= INPUT_MAX && is_input(name, name_length))
        rv = outcome(cross_login_user(session, user, (char *)pin, length, input(name), name_length));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_logout(session));
    library_leave();
    return rv;
}

/* What is not active needs no cancelling. */
CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_session_cancel(session, flags));
    library_leave();
    return rv;
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = flags ? take(cross_get_session_validation_flags(session, type), flags) : CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    (void)session;
    return refuse_unsupported() == CKR_FUNCTION_NOT_SUPPORTED ? CKR_FUNCTION_NOT_PARALLEL
                                                               : CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    return C_GetFunctionStatus(session);
}
