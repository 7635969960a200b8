"""What the functions of PKCS #11 have a card do."""

from __future__ import annotations

from ghostcard.benchmarks.capture import operations as ops

SINGLE = {  # what ends an operation that an Init has begun, with all its data
    "C_Sign": ops.SIGN,
    "C_SignRecover": ops.SIGN,
    "C_Verify": ops.VERIFY,
    "C_VerifyRecover": ops.VERIFY,
    "C_VerifySignature": ops.VERIFY,
    "C_Encrypt": ops.ENCRYPT,
    "C_Decrypt": ops.DECRYPT,
    "C_Digest": ops.DIGEST,
    "C_SignMessage": ops.SIGN,
    "C_VerifyMessage": ops.VERIFY,
    "C_EncryptMessage": ops.ENCRYPT,
    "C_DecryptMessage": ops.DECRYPT,
}
UPDATES = {
    "C_SignUpdate": (ops.SIGN,),
    "C_VerifyUpdate": (ops.VERIFY,),
    "C_VerifySignatureUpdate": (ops.VERIFY,),
    "C_EncryptUpdate": (ops.ENCRYPT,),
    "C_DecryptUpdate": (ops.DECRYPT,),
    "C_DigestUpdate": (ops.DIGEST,),
    "C_SignMessageNext": (ops.SIGN,),
    "C_VerifyMessageNext": (ops.VERIFY,),
    "C_EncryptMessageNext": (ops.ENCRYPT,),
    "C_DecryptMessageNext": (ops.DECRYPT,),
    "C_DigestEncryptUpdate": (ops.DIGEST, ops.ENCRYPT),
    "C_DecryptDigestUpdate": (ops.DECRYPT, ops.DIGEST),
    "C_SignEncryptUpdate": (ops.SIGN, ops.ENCRYPT),
    "C_DecryptVerifyUpdate": (ops.DECRYPT, ops.VERIFY),
}
FINALS = {
    "C_SignFinal": ops.SIGN,
    "C_VerifyFinal": ops.VERIFY,
    "C_VerifySignatureFinal": ops.VERIFY,
    "C_EncryptFinal": ops.ENCRYPT,
    "C_DecryptFinal": ops.DECRYPT,
    "C_DigestFinal": ops.DIGEST,
}
INITS = {
    "C_SignInit": ops.SIGN,
    "C_SignRecoverInit": ops.SIGN,
    "C_MessageSignInit": ops.SIGN,
    "C_VerifyInit": ops.VERIFY,
    "C_VerifyRecoverInit": ops.VERIFY,
    "C_VerifySignatureInit": ops.VERIFY,
    "C_MessageVerifyInit": ops.VERIFY,
    "C_EncryptInit": ops.ENCRYPT,
    "C_MessageEncryptInit": ops.ENCRYPT,
    "C_DecryptInit": ops.DECRYPT,
    "C_MessageDecryptInit": ops.DECRYPT,
    "C_DigestInit": ops.DIGEST,
}
BEGINS = {
    "C_SignMessageBegin": ops.SIGN,
    "C_VerifyMessageBegin": ops.VERIFY,
    "C_EncryptMessageBegin": ops.ENCRYPT,
    "C_DecryptMessageBegin": ops.DECRYPT,
}
KEYS = {  # with a mechanism and all else in one call
    "C_GenerateKey": ops.GENERATE,
    "C_GenerateKeyPair": ops.GENERATE,
    "C_DeriveKey": ops.DERIVE,
    "C_WrapKey": ops.WRAP,
    "C_WrapKeyAuthenticated": ops.WRAP,
    "C_UnwrapKey": ops.UNWRAP,
    "C_UnwrapKeyAuthenticated": ops.UNWRAP,
    "C_EncapsulateKey": ops.ENCAPSULATE,
    "C_DecapsulateKey": ops.DECAPSULATE,
}
NOT_MAPPED = frozenset(("C_CreateObject", "C_DigestKey", "C_SetOperationState", "C_AsyncComplete"))
"""A card has to do with them, and there is no operation for them here."""


OTHER = {
    "C_GenerateRandom": ops.RANDOM,
    "C_SeedRandom": ops.QUERY,
    "C_GetMechanismInfo": ops.QUERY,
    "C_GetMechanismList": ops.QUERY,
}
ONCE = frozenset(("C_GetMechanismInfo", "C_GetMechanismList"))
"""What our library asks the cards once in a process, for each mechanism."""
NEXTS = frozenset(name for name in UPDATES if name.endswith("Next"))


def verbs(function: str) -> tuple[str, ...]:
    """What it does; nothing for one that a card has nothing to do with, or that only begins."""
    for table in (SINGLE, FINALS, BEGINS, KEYS):
        if function in table:
            return (table[function],)
    return UPDATES.get(function, ())
