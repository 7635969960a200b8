"""Where a function answers otherwise than the rules by role say, and why (PKCS #11 3.2)."""

from ghostcard import pkcs11 as ck

_EMPTY = ("empty", "null empty")

_RULES: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    # any name and version will do; a flag nobody has is not found
    (ck.CKR_OK, "C_GetInterface", ("null in 0", "null in 1")),
    (ck.CKR_FUNCTION_FAILED, "C_GetInterface", ("huge in 3",)),
    (ck.CKR_OK, "C_GetSlotList", ("huge in 0",)),  # CK_TRUE, as C has it
    (ck.CKR_MECHANISM_INVALID, "C_GetMechanismInfo", ("huge in 1",)),
    # a NULL PIN asks for a PIN pad, which no token has
    (ck.CKR_PIN_INCORRECT, "C_InitToken", ("empty in 1",)),
    (ck.CKR_ARGUMENTS_BAD, "C_InitToken", ("null empty in 1",)),
    (ck.CKR_PIN_LEN_RANGE, "C_InitPIN", ("empty in 1",)),
    (ck.CKR_ARGUMENTS_BAD, "C_InitPIN", ("null empty in 1",)),
    (ck.CKR_PIN_INCORRECT, "C_SetPIN", ("empty in 1",)),
    (ck.CKR_PIN_LEN_RANGE, "C_SetPIN", ("empty in 2",)),
    (ck.CKR_ARGUMENTS_BAD, "C_SetPIN", ("null empty in 1", "null empty in 2")),
    (ck.CKR_PIN_INCORRECT, "C_Login", ("empty in 2",)),
    (ck.CKR_ARGUMENTS_BAD, "C_Login", ("null empty in 2",)),
    (ck.CKR_PIN_INCORRECT, "C_LoginUser", ("empty in 2",)),
    (ck.CKR_ARGUMENTS_BAD, "C_LoginUser", ("null empty in 2",)),
    (ck.CKR_USER_TYPE_INVALID, "C_Login", ("huge in 1",)),
    (ck.CKR_USER_TYPE_INVALID, "C_LoginUser", ("huge in 1",)),
    (ck.CKR_OK, "C_OpenSession", ("huge in 1",)),  # an asynchronous session, and unknown flags
    # the identifier of nothing; the call's signature must fit into the new buffer
    (ck.CKR_SAVED_STATE_INVALID, "C_AsyncJoin", ("huge in 2",)),
    (ck.CKR_OK, "C_AsyncJoin", ("huge in 3",)),
    (ck.CKR_BUFFER_TOO_SMALL, "C_AsyncJoin", ("empty in 3", "null empty in 3")),
    (ck.CKR_OK, "C_OpenSession", ("set in 2", "set in 3")),  # pApplication, Notify
    (ck.CKR_OK, "C_SessionCancel", ("huge in 1",)),  # everything
    (ck.CKR_NO_EVENT, "C_WaitForSlotEvent", ("huge in 0",)),
    (ck.CKR_SAVED_STATE_INVALID, "C_SetOperationState", ("empty in 1",)),
    (ck.CKR_ARGUMENTS_BAD, "C_SetOperationState", ("null empty in 1",)),
    (ck.CKR_OK, "C_SetOperationState", ("none in 2", "none in 3")),  # a digest has no key
    (
        ck.CKR_KEY_NOT_NEEDED,
        "C_SetOperationState",
        tuple(f"{what} in {place}" for what in ("unknown", "huge") for place in (2, 3)),
    ),
    # a length is asked for; the label fits
    (ck.CKR_OK, "C_GetAttributeValue", ("null value in 2", "huge value in 2")),
    (ck.CKR_OK, "C_FindObjectsInit", ("unknown type in 1",)),  # and finds nothing
    # ciphertext of nothing; the length told before is an upper bound
    (ck.CKR_ENCRYPTED_DATA_LEN_RANGE, "C_Decrypt", ("empty in 1", "null empty in 1")),
    (ck.CKR_OK, "C_Decrypt", ("short in 2",)),
    (ck.CKR_BUFFER_TOO_SMALL, "C_Decrypt", ("empty in 2",)),
    (ck.CKR_OK, "C_DecryptFinal", ("short in 1", "empty in 1")),
    (ck.CKR_ENCRYPTED_DATA_LEN_RANGE, "C_DecapsulateKey", ("empty in 4", "null empty in 4")),
    (ck.CKR_WRAPPED_KEY_LEN_RANGE, "C_UnwrapKey", ("empty in 3", "null empty in 3")),
    (ck.CKR_WRAPPED_KEY_LEN_RANGE, "C_UnwrapKeyAuthenticated", ("empty in 3", "null empty in 3")),
    # other additional data than the key was wrapped with
    (ck.CKR_WRAPPED_KEY_INVALID, "C_UnwrapKeyAuthenticated", ("empty in 5", "null empty in 5")),
    *(
        (
            ck.CKR_AEAD_DECRYPT_FAILED,
            function,
            tuple(f"{empty} in {place}" for empty in _EMPTY for place in places),
        )
        for function, places in (("C_DecryptMessage", (2, 3)), ("C_DecryptMessageNext", (2,)))
    ),
    # other data than was signed, or no signature
    *(
        (ck.CKR_SIGNATURE_INVALID, function, tuple(f"{empty} in {place}" for empty in _EMPTY))
        for function, place in (
            ("C_Verify", 1),
            ("C_VerifySignature", 1),
            ("C_VerifyMessage", 2),
            ("C_VerifyMessageNext", 2),
        )
    ),
    *(
        (ck.CKR_SIGNATURE_LEN_RANGE, function, tuple(f"{empty} in {place}" for empty in empties))
        for function, place, empties in (
            ("C_Verify", 2, _EMPTY),
            ("C_VerifyFinal", 1, _EMPTY),
            ("C_VerifyRecover", 1, _EMPTY),
            ("C_VerifySignatureInit", 3, _EMPTY),
            ("C_VerifyMessage", 3, _EMPTY),
            ("C_VerifyMessageNext", 3, ("empty",)),
        )
    ),
    (ck.CKR_OK, "C_VerifyMessageNext", ("null empty in 3",)),  # more parts are to come
    (ck.CKR_OK, "C_SignMessageNext", ("null length in 3",)),  # likewise
    # each message has a parameter of its own; that of the mechanism is ignored
    (ck.CKR_OK, "C_MessageEncryptInit", ("odd parameter in 1",)),
    (ck.CKR_OK, "C_MessageDecryptInit", ("odd parameter in 1",)),
    # no mechanism has a parameter for a message that is signed
    *(
        (ck.CKR_ARGUMENTS_BAD, f"C_{name}Message{part}", ("huge in 1",))
        for name in ("Sign", "Verify")
        for part in ("", "Begin", "Next")
    ),
)
_TABLE = {(function, name): rv for rv, function, names in _RULES for name in names}


def peculiar(function: str, mistake: str) -> int | None:
    """What the function answers to such a mistake; None: as the rules say."""
    return _TABLE.get((function, mistake))
