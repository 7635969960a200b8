"""Calls of every kind, with secrets that `test_trace.py` looks for: traced.py PIN SO_PIN."""

import ctypes
import sys

from cryptoki import Mechanism, Template, Ulong, flat, from_environment
from samples import SAMPLES, ulong

from ghostcard import pkcs11 as ck

PIN, SO_PIN, NEW_PIN = sys.argv[1].encode(), sys.argv[2].encode(), b"new secret PIN"
KEY = b"a key's value !!a key's value !!"
TEXT = b"the plaintext that nobody may see"
TRUE, FALSE = b"\1", b"\0"

p11 = from_environment()
session = Ulong(p11.session)


def mechanism(type: int, parameter: bytes = b"") -> "ctypes._Pointer[Mechanism]":
    kept = ctypes.create_string_buffer(parameter, len(parameter) or 1)
    made = Mechanism(type, ctypes.cast(kept, ctypes.c_void_p), len(parameter))
    made.kept = kept
    return ctypes.pointer(made)


def transform(name: str, data: bytes) -> bytes:
    size = Ulong(0)
    p11.expect(name, session, data, Ulong(len(data)), None, ctypes.byref(size))
    room = ctypes.create_string_buffer(size.value)
    p11.expect(name, session, data, Ulong(len(data)), room, ctypes.byref(size))
    return room.raw[: size.value]


def ciphers(key: int) -> None:
    cbc = mechanism(ck.CKM_AES_CBC_PAD, bytes(range(16)))
    p11.expect("C_EncryptInit", session, cbc, Ulong(key))
    sealed = transform("C_Encrypt", TEXT)
    p11.expect("C_DecryptInit", session, cbc, Ulong(key))
    assert transform("C_Decrypt", sealed) == TEXT
    short = ctypes.create_string_buffer(1)
    p11.expect("C_EncryptInit", session, cbc, Ulong(key))
    size = Ulong(1)
    too_small = ck.CKR_BUFFER_TOO_SMALL
    arguments = (session, TEXT, Ulong(len(TEXT)), short, ctypes.byref(size))
    p11.expect("C_Encrypt", *arguments, rv=too_small)


def digests() -> None:
    p11.expect("C_DigestInit", session, mechanism(ck.CKM_SHA256))
    p11.expect("C_DigestUpdate", session, TEXT, Ulong(len(TEXT)))
    size, room = Ulong(32), ctypes.create_string_buffer(32)
    p11.expect("C_DigestFinal", session, room, ctypes.byref(size))


def keys() -> None:
    public: Template = [(ck.CKA_EC_PARAMS, bytes.fromhex("06082a8648ce3d030107"))]
    private: Template = [(ck.CKA_LABEL, b"signer"), (ck.CKA_SENSITIVE, TRUE)]
    handles = (Ulong * 2)()
    p11.expect(
        *("C_GenerateKeyPair", session, mechanism(ck.CKM_EC_KEY_PAIR_GEN), *flat(public)),
        *(*flat(private), ctypes.byref(handles, 0), ctypes.byref(handles, ctypes.sizeof(Ulong))),
    )
    p11.expect("C_SignInit", session, mechanism(ck.CKM_ECDSA_SHA256), Ulong(handles[1]))
    signature = transform("C_Sign", TEXT)
    p11.expect("C_VerifyInit", session, mechanism(ck.CKM_ECDSA_SHA256), Ulong(handles[0]))
    arguments = (TEXT, Ulong(len(TEXT)), signature, Ulong(len(signature)))
    p11.expect("C_Verify", session, *arguments)
    p11.expect("C_SignInit", session, mechanism(ck.CKM_SHA256), Ulong(handles[1]), rv=0x70)


def objects() -> int:
    secret = [
        (ck.CKA_CLASS, ulong(ck.CKO_SECRET_KEY)),
        (ck.CKA_KEY_TYPE, ulong(ck.CKK_AES)),
        (ck.CKA_LABEL, b"my key"),
        (ck.CKA_ID, b"\1\xff"),
        (ck.CKA_VALUE, KEY),
        (ck.CKA_SENSITIVE, FALSE),
        (ck.CKA_WRAP_TEMPLATE, [(ck.CKA_VALUE, KEY), (ck.CKA_EXTRACTABLE, TRUE)]),
    ]
    rv, key = p11.create(secret)
    assert rv == ck.CKR_OK
    assert p11.get(key, ck.CKA_VALUE) == (ck.CKR_OK, KEY)
    for kind, template in SAMPLES.items():
        if kind[0] == ck.CKO_PRIVATE_KEY:
            named = {ck.CKA_CLASS: ulong(kind[0]), ck.CKA_KEY_TYPE: ulong(kind[1])}
            rv, _ = p11.create(list((named | template).items()))
            assert rv == ck.CKR_OK
    data = [(ck.CKA_CLASS, ulong(ck.CKO_DATA)), (ck.CKA_VALUE, TEXT), (ck.CKA_APPLICATION, TEXT)]
    assert p11.create(data)[0] == ck.CKR_OK
    p11.expect("C_FindObjectsInit", session, *flat([(ck.CKA_VALUE, TEXT)]))
    found, count = (Ulong * 2)(), Ulong()
    p11.expect("C_FindObjects", session, found, Ulong(2), ctypes.byref(count))
    p11.expect("C_FindObjectsFinal", session)
    return key


p11.login(ck.CKU_USER, PIN)
p11.expect("C_Login", session, Ulong(ck.CKU_USER), PIN, Ulong(len(PIN)), rv=0x100)
key = objects()
ciphers(key)
digests()
keys()
p11.expect("C_GenerateRandom", session, ctypes.create_string_buffer(8), Ulong(8))
p11.expect("C_SeedRandom", session, KEY, Ulong(len(KEY)))
p11.expect("C_SetPIN", session, PIN, Ulong(len(PIN)), NEW_PIN, Ulong(len(NEW_PIN)))
p11.expect("C_Logout", session)
p11.login(ck.CKU_SO, SO_PIN)
p11.expect("C_InitPIN", session, PIN, Ulong(len(PIN)))
p11.expect("C_Finalize", None)
for numbers in SAMPLES.values():  # the secrets of private keys that went in
    for type, value in numbers.items():
        if len(value) > 8 and type in (
            *(ck.CKA_VALUE, ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1, ck.CKA_PRIME_2),
            *(ck.CKA_EXPONENT_1, ck.CKA_EXPONENT_2, ck.CKA_COEFFICIENT),
        ):
            print(value.hex())
for value in (PIN, SO_PIN, NEW_PIN, KEY, TEXT):
    print(value.hex())
