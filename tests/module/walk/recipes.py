"""What makes each function succeed: calls before it, and the values of its arguments.

A value that is a name stands for a thing of the `World`: a key, or bytes made at the start.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as ck

Template = tuple[tuple[int, bytes], ...]
DATA = b"sixteen bytes xx"
PIN, SO_PIN = b"1234", b"87654321"
TRUE, FALSE = b"\1", b"\0"


class Recipe(NamedTuple):
    """The values of a function's arguments, by kind and in order; ``rv`` is what it answers. The
    last call before it may be left ``pending``, in an asynchronous session.
    """

    before: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    mechanism: tuple[int, bytes | str] | None = None
    data: tuple[bytes | str, ...] = ()
    templates: tuple[Template, ...] = ()
    numbers: tuple[int, ...] = ()
    slot: int = 0
    rv: int = ck.CKR_OK
    text: bytes = b"PKCS 11\0"
    filled: bytes = b"\3\2"  # C_GetInterface reads a version there
    pending: bool = False


def ulong(value: int) -> bytes:
    """A CK_ULONG as it lies in memory."""
    return value.to_bytes(8, "little")


CBC_PAD = (ck.CKM_AES_CBC_PAD, bytes(16))
HMAC = (ck.CKM_SHA256_HMAC, b"")
SHA256 = (ck.CKM_SHA256, b"")
RSA_PKCS = (ck.CKM_RSA_PKCS, b"")
GCM_KEY = (ck.CKM_AES_GCM, "gcm key")
KWP = (ck.CKM_AES_KEY_WRAP_KWP, b"")
SIGN = b"C_Sign\0"
LABEL: Template = ((ck.CKA_LABEL, b"label"),)
SECRET: Template = (
    (ck.CKA_CLASS, ulong(ck.CKO_SECRET_KEY)),
    (ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET)),
)
P256: Template = ((ck.CKA_EC_PARAMS, bytes.fromhex("06082a8648ce3d030107")),)
OBJECT: Template = ((ck.CKA_CLASS, ulong(ck.CKO_DATA)), *LABEL)

RECIPES: dict[str, Recipe] = {
    "C_GetInfo": Recipe(),
    "C_GetFunctionList": Recipe(),
    "C_GetInterfaceList": Recipe(),
    "C_GetInterface": Recipe(numbers=(0,)),
    "C_GetSlotList": Recipe(numbers=(1,)),
    "C_GetSlotInfo": Recipe(),
    "C_GetTokenInfo": Recipe(),
    "C_GetMechanismList": Recipe(),
    "C_GetMechanismInfo": Recipe(numbers=(ck.CKM_AES_GCM,)),
    "C_InitToken": Recipe(data=(SO_PIN,), slot=1),
    "C_InitPIN": Recipe(("C_Login",), data=(PIN,), slot=1),
    "C_SetPIN": Recipe(data=(PIN, PIN)),
    "C_OpenSession": Recipe(numbers=(ck.CKF_SERIAL_SESSION,)),
    "C_CloseSession": Recipe(),
    "C_CloseAllSessions": Recipe(slot=1),
    "C_GetSessionInfo": Recipe(),
    "C_GetSessionValidationFlags": Recipe(numbers=(ck.CKS_LAST_VALIDATION_OK,)),
    "C_GetOperationState": Recipe(("C_DigestInit", "C_DigestUpdate")),
    "C_SetOperationState": Recipe(objects=("none", "none"), data=("state",)),
    "C_SessionCancel": Recipe(numbers=(ck.CKF_SIGN,)),
    "C_Login": Recipe(numbers=(ck.CKU_SO,), data=(SO_PIN,), slot=1),
    "C_LoginUser": Recipe(numbers=(ck.CKU_SO,), data=(SO_PIN, b"so"), slot=1),
    "C_Logout": Recipe(("C_Login",), slot=1),
    "C_CreateObject": Recipe(templates=(OBJECT,)),
    "C_CopyObject": Recipe(objects=("data",), templates=(LABEL,)),
    "C_DestroyObject": Recipe(objects=("fresh",)),
    "C_GetObjectSize": Recipe(objects=("data",)),
    "C_GetAttributeValue": Recipe(objects=("data",), templates=(LABEL,)),
    "C_SetAttributeValue": Recipe(objects=("data",), templates=(LABEL,)),
    "C_FindObjectsInit": Recipe(templates=(LABEL,)),
    "C_FindObjects": Recipe(("C_FindObjectsInit",)),
    "C_FindObjectsFinal": Recipe(("C_FindObjectsInit",)),
    "C_EncryptInit": Recipe(objects=("aes",), mechanism=CBC_PAD),
    "C_Encrypt": Recipe(("C_EncryptInit",), data=(DATA,)),
    "C_EncryptUpdate": Recipe(("C_EncryptInit",), data=(DATA,)),
    "C_EncryptFinal": Recipe(("C_EncryptInit", "C_EncryptUpdate")),
    "C_DecryptInit": Recipe(objects=("aes",), mechanism=CBC_PAD),
    "C_Decrypt": Recipe(("C_DecryptInit",), data=("encrypted",)),
    "C_DecryptUpdate": Recipe(("C_DecryptInit",), data=("encrypted",)),
    "C_DecryptFinal": Recipe(("C_DecryptInit", "C_DecryptUpdate")),
    "C_DigestInit": Recipe(mechanism=SHA256),
    "C_Digest": Recipe(("C_DigestInit",), data=(DATA,)),
    "C_DigestUpdate": Recipe(("C_DigestInit",), data=(DATA,)),
    "C_DigestKey": Recipe(("C_DigestInit",), objects=("secret",)),
    "C_DigestFinal": Recipe(("C_DigestInit", "C_DigestUpdate")),
    "C_SignInit": Recipe(objects=("secret",), mechanism=HMAC),
    "C_Sign": Recipe(("C_SignInit",), data=(DATA,)),
    "C_SignUpdate": Recipe(("C_SignInit",), data=(DATA,)),
    "C_SignFinal": Recipe(("C_SignInit", "C_SignUpdate")),
    "C_SignRecoverInit": Recipe(objects=("rsa private",), mechanism=RSA_PKCS),
    "C_SignRecover": Recipe(("C_SignRecoverInit",), data=(DATA,)),
    "C_VerifyInit": Recipe(objects=("secret",), mechanism=HMAC),
    "C_Verify": Recipe(("C_VerifyInit",), data=(DATA, "code")),
    "C_VerifyUpdate": Recipe(("C_VerifyInit",), data=(DATA,)),
    "C_VerifyFinal": Recipe(("C_VerifyInit", "C_VerifyUpdate"), data=("code",)),
    "C_VerifyRecoverInit": Recipe(objects=("rsa public",), mechanism=RSA_PKCS),
    "C_VerifyRecover": Recipe(("C_VerifyRecoverInit",), data=("recoverable",)),
    "C_DigestEncryptUpdate": Recipe(("C_DigestInit", "C_EncryptInit"), data=(DATA,)),
    "C_DecryptDigestUpdate": Recipe(("C_DigestInit", "C_DecryptInit"), data=("encrypted",)),
    "C_SignEncryptUpdate": Recipe(("C_SignInit", "C_EncryptInit"), data=(DATA,)),
    "C_DecryptVerifyUpdate": Recipe(("C_VerifyInit", "C_DecryptInit"), data=("encrypted",)),
    "C_GenerateKey": Recipe(
        mechanism=(ck.CKM_AES_KEY_GEN, b""), templates=(((ck.CKA_VALUE_LEN, ulong(16)),),)
    ),
    "C_GenerateKeyPair": Recipe(mechanism=(ck.CKM_EC_KEY_PAIR_GEN, b""), templates=(P256, LABEL)),
    "C_WrapKey": Recipe(objects=("aes", "secret"), mechanism=KWP),
    "C_UnwrapKey": Recipe(objects=("aes",), mechanism=KWP, data=("wrapped",), templates=(SECRET,)),
    "C_WrapKeyAuthenticated": Recipe(objects=("aes", "secret"), mechanism=GCM_KEY, data=(DATA,)),
    "C_UnwrapKeyAuthenticated": Recipe(
        objects=("aes",), mechanism=GCM_KEY, data=("sealed key", DATA), templates=(SECRET,)
    ),
    "C_DeriveKey": Recipe(
        objects=("ec private",), mechanism=(ck.CKM_ECDH1_DERIVE, "ecdh"), templates=(SECRET,)
    ),
    "C_EncapsulateKey": Recipe(
        objects=("kem public",), mechanism=(ck.CKM_ML_KEM, b""), templates=(SECRET,)
    ),
    "C_DecapsulateKey": Recipe(
        objects=("kem private",),
        mechanism=(ck.CKM_ML_KEM, b""),
        templates=(SECRET,),
        data=("ciphertext",),
    ),
    "C_SeedRandom": Recipe(data=(DATA,)),
    "C_GenerateRandom": Recipe(data=(DATA,)),
    "C_GetFunctionStatus": Recipe(rv=ck.CKR_FUNCTION_NOT_PARALLEL),
    "C_CancelFunction": Recipe(rv=ck.CKR_FUNCTION_NOT_PARALLEL),
    "C_WaitForSlotEvent": Recipe(numbers=(ck.CKF_DONT_BLOCK,), rv=ck.CKR_NO_EVENT),
    "C_MessageEncryptInit": Recipe(objects=("aes",), mechanism=(ck.CKM_AES_GCM, b"")),
    "C_EncryptMessage": Recipe(("C_MessageEncryptInit",), data=(b"aad", DATA)),
    "C_EncryptMessageBegin": Recipe(("C_MessageEncryptInit",), data=(b"aad",)),
    "C_EncryptMessageNext": Recipe(
        ("C_MessageEncryptInit", "C_EncryptMessageBegin"),
        data=(DATA,),
        numbers=(ck.CKF_END_OF_MESSAGE,),
    ),
    "C_MessageEncryptFinal": Recipe(("C_MessageEncryptInit",)),
    "C_MessageDecryptInit": Recipe(objects=("aes",), mechanism=(ck.CKM_AES_GCM, b"")),
    "C_DecryptMessage": Recipe(("C_MessageDecryptInit",), data=(b"aad", "sealed")),
    "C_DecryptMessageBegin": Recipe(("C_MessageDecryptInit",), data=(b"aad",)),
    "C_DecryptMessageNext": Recipe(
        ("C_MessageDecryptInit", "C_DecryptMessageBegin"),
        data=("sealed",),
        numbers=(ck.CKF_END_OF_MESSAGE,),
    ),
    "C_MessageDecryptFinal": Recipe(("C_MessageDecryptInit",)),
    "C_MessageSignInit": Recipe(objects=("secret",), mechanism=HMAC),
    "C_SignMessage": Recipe(("C_MessageSignInit",), data=(DATA,)),
    "C_SignMessageBegin": Recipe(("C_MessageSignInit",)),
    "C_SignMessageNext": Recipe(("C_MessageSignInit", "C_SignMessageBegin"), data=(DATA,)),
    "C_MessageSignFinal": Recipe(("C_MessageSignInit",)),
    "C_MessageVerifyInit": Recipe(objects=("secret",), mechanism=HMAC),
    "C_VerifyMessage": Recipe(("C_MessageVerifyInit",), data=(DATA, "code")),
    "C_VerifyMessageBegin": Recipe(("C_MessageVerifyInit",)),
    "C_VerifyMessageNext": Recipe(
        ("C_MessageVerifyInit", "C_VerifyMessageBegin"), data=(DATA, "code")
    ),
    "C_MessageVerifyFinal": Recipe(("C_MessageVerifyInit",)),
    "C_VerifySignatureInit": Recipe(objects=("secret",), mechanism=HMAC, data=("code",)),
    "C_VerifySignature": Recipe(("C_VerifySignatureInit",), data=(DATA,)),
    "C_VerifySignatureUpdate": Recipe(("C_VerifySignatureInit",), data=(DATA,)),
    "C_VerifySignatureFinal": Recipe(("C_VerifySignatureInit", "C_VerifySignatureUpdate")),
    "C_AsyncComplete": Recipe(("C_SignInit", "C_Sign"), text=SIGN, filled=b"", pending=True),
    "C_AsyncGetID": Recipe(("C_SignInit", "C_Sign"), text=SIGN, pending=True),
    "C_AsyncJoin": Recipe(
        ("C_SignInit", "C_Sign", "C_AsyncGetID"), text=SIGN, numbers=(0,), pending=True
    ),
}
"""All but C_Initialize and C_Finalize, between which the walk takes place."""
