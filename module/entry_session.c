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

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = outcome(cross_logout(session));
    library_leave();
    return rv;
}

static long cancel_digest(CK_ULONG session, char *mechanism, long length, CK_ULONG key)
{
    (void)key;
    return cross_digest_init(session, mechanism, length);
}

static long cancel_search(CK_ULONG session, char *mechanism, long length, CK_ULONG key)
{
    long answer = cross_find_objects_final(session);
    (void)mechanism, (void)length, (void)key;
    return answer == -(long)CKR_OPERATION_NOT_INITIALIZED ? 0 : answer;
}

static const struct {
    CK_FLAGS flag;
    cross_init_t *cancel; /* to initialise an operation without a mechanism cancels it */
} CANCELS[] = {
    {CKF_ENCRYPT, cross_encrypt_init},  {CKF_DECRYPT, cross_decrypt_init},
    {CKF_SIGN, cross_sign_init},        {CKF_SIGN_RECOVER, cross_sign_recover_init},
    {CKF_VERIFY, cross_verify_init},    {CKF_VERIFY_RECOVER, cross_verify_recover_init},
    {CKF_DIGEST, cancel_digest},        {CKF_FIND_OBJECTS, cancel_search},
};

static CK_RV cancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    CK_SESSION_INFO unused;
    CK_RV rv = outcome(cross_get_session_info(session, &unused)); /* is there such a session? */
    for (size_t i = 0; i < sizeof CANCELS / sizeof *CANCELS && !rv; i++)
        if (flags & CANCELS[i].flag) rv = outcome(CANCELS[i].cancel(session, input(NULL), -1, CK_INVALID_HANDLE));
    return rv;
}

/* What is not active, or not built (messages), needs no cancelling. */
CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = cancel(session, flags);
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
