"""A program that uses its token in several threads until it is told to stop.

Arguments: how many threads, and a file whose appearance ends it. Every result is compared with what
it was the first time; any CK_RV but CKR_OK ends the program. It says "ready" and at the end how
often each thread went round.
"""

import ctypes
import os
import sys
import threading
import time
from pathlib import Path

from cryptoki import Cryptoki, Mechanism, Ulong, flat, from_environment

from ghostcard import pkcs11 as ck

PIN = b"12345678"
TEXT = bytes(range(64))
P256 = bytes.fromhex("06082a8648ce3d030107")


def ulong(value: int) -> bytes:
    return value.to_bytes(8, sys.byteorder)


def usable(on_token: bool, **more: bytes) -> list[tuple[int, bytes]]:
    """The template of an AES key."""
    template = [(ck.CKA_TOKEN, bytes((on_token,))), (ck.CKA_PRIVATE, b"\1")]
    template += [(ck.CKA_VALUE_LEN, ulong(32)), (ck.CKA_ENCRYPT, b"\1"), (ck.CKA_DECRYPT, b"\1")]
    return template + [(getattr(ck, f"CKA_{name}"), value) for name, value in more.items()]


class Thread:
    """One session and what is done in it."""

    def __init__(self, library: Cryptoki, number: int) -> None:
        self.library = library
        self.session = library.handle("C_OpenSession", Ulong(0), Ulong(6), None, None)
        self.label = f"{os.getpid()} {number}".encode()
        self.rounds = 0
        self.kept = self.generate(usable(True, LABEL=self.label))
        self.own = self.generate(usable(False))
        self.private, self.public = self.pair()
        self.readable = self.secret()
        self.expected: list[bytes] = []

    def expect(self, name: str, *arguments: object) -> None:
        self.library.expect(name, Ulong(self.session), *arguments)

    def generate(self, template: list[tuple[int, bytes]]) -> int:
        made, mechanism = Ulong(), Mechanism(ck.CKM_AES_KEY_GEN, None, 0)
        self.expect("C_GenerateKey", ctypes.byref(mechanism), *flat(template), ctypes.byref(made))
        return made.value

    def pair(self) -> tuple[int, int]:
        public, private = Ulong(), Ulong()
        mechanism = Mechanism(ck.CKM_EC_KEY_PAIR_GEN, None, 0)
        templates = (
            *flat([(ck.CKA_EC_PARAMS, P256), (ck.CKA_VERIFY, b"\1")]),
            *flat([(ck.CKA_TOKEN, b"\1"), (ck.CKA_PRIVATE, b"\1"), (ck.CKA_SIGN, b"\1")]),
        )
        handles = (ctypes.byref(public), ctypes.byref(private))
        self.expect("C_GenerateKeyPair", ctypes.byref(mechanism), *templates, *handles)
        return private.value, public.value

    def secret(self) -> int:
        made = Ulong()
        template = [
            (ck.CKA_CLASS, ulong(ck.CKO_SECRET_KEY)), (ck.CKA_VALUE, TEXT),
            (ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET)),
            (ck.CKA_SENSITIVE, b"\0"), (ck.CKA_EXTRACTABLE, b"\1"),
        ]  # fmt: skip
        self.expect("C_CreateObject", *flat(template), ctypes.byref(made))
        return made.value

    def begin(self, name: str, mechanism: int, key: int) -> None:
        asked = Mechanism(mechanism, None, 0)
        self.expect(name, ctypes.byref(asked), Ulong(key))

    def result(self, name: str, data: bytes) -> bytes:
        buffer, size = ctypes.create_string_buffer(256), Ulong(256)
        self.expect(name, data, Ulong(len(data)), buffer, ctypes.byref(size))
        return buffer.raw[: size.value]

    def sealed(self, key: int) -> bytes:
        self.begin("C_EncryptInit", ck.CKM_AES_ECB, key)
        return self.result("C_Encrypt", TEXT)

    def sealed_in_parts(self, key: int) -> bytes:
        self.begin("C_EncryptInit", ck.CKM_AES_ECB, key)
        parts = [self.result("C_EncryptUpdate", TEXT[at : at + 16]) for at in range(0, 64, 16)]
        size = Ulong(256)
        last = ctypes.create_string_buffer(256)
        self.expect("C_EncryptFinal", last, ctypes.byref(size))
        return b"".join(parts) + last.raw[: size.value]

    def found(self) -> list[int]:
        self.expect("C_FindObjectsInit", *flat([(ck.CKA_LABEL, self.label)]))
        handles, count = (Ulong * 8)(), Ulong()
        self.expect("C_FindObjects", handles, Ulong(8), ctypes.byref(count))
        self.expect("C_FindObjectsFinal")
        return list(handles[: count.value])

    def go_round(self) -> None:
        assert self.found() == [self.kept]
        results = [self.sealed(self.kept), self.sealed(self.own), self.sealed_in_parts(self.kept)]
        results.append(self.value())
        self.expected = self.expected or results
        assert results == self.expected, "another result than before"
        self.begin("C_SignInit", ck.CKM_ECDSA, self.private)
        signature = self.result("C_Sign", TEXT[:32])
        self.begin("C_VerifyInit", ck.CKM_ECDSA, self.public)
        self.expect("C_Verify", TEXT, Ulong(32), signature, Ulong(len(signature)))
        made = self.generate(usable(True))
        self.sealed(made)
        self.expect("C_DestroyObject", Ulong(made))
        self.rounds += 1

    def value(self) -> bytes:
        rv, value = Session(self.library, self.session).get(self.readable, ck.CKA_VALUE)
        assert rv == ck.CKR_OK, hex(rv)
        return value


class Session(Cryptoki):
    """The same library in another session."""

    def __init__(self, library: Cryptoki, session: int) -> None:
        self.library, self.session = library.library, session


def run(thread: Thread, stop: Path, failures: list[str]) -> None:
    try:
        while not stop.exists() and not failures:
            thread.go_round()
            time.sleep(0.005)
    except (AssertionError, SystemExit) as error:
        failures.append(str(error))


def main(count: int, stop: Path) -> None:
    library = from_environment()
    library.login(ck.CKU_USER, PIN)
    threads = [Thread(library, number) for number in range(count)]
    for thread in threads:
        thread.go_round()
    print("ready", flush=True)
    failures: list[str] = []
    running = [threading.Thread(target=run, args=(each, stop, failures)) for each in threads]
    for each in running:
        each.start()
    for each in running:
        each.join()
    if failures:
        raise SystemExit("; ".join(failures))
    print(*(thread.rounds for thread in threads), flush=True)


main(int(sys.argv[1]), Path(sys.argv[2]))
