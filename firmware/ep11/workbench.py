"""Makes the function that does a mechanism with a key, once, and leaves it with the key.

All checks that depend on key and mechanism alone are done here: self test, use, type, size, rights,
parameters where they are the same for every message. On the `null` function track the function made
gives zeros of the right size, and nothing cryptographic is loaded or computed.
"""

from collections.abc import Callable
from typing import TypeVar

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.ep11 import policy, rights
from ghostcard.firmware.mechanisms.key import Key, Placer, Signer, Transform, Verifier
from ghostcard.firmware.mechanisms.mechanism import Hasher, Mechanism, placed
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

MAX_PREPARED = 64  # functions of one kind kept with one key; then all of them are forgotten
N = TypeVar("N")
T = TypeVar("T")
_CIPHER_USES = {
    "encrypt": (ck.CKF_ENCRYPT, rights.ENCRYPT),
    "decrypt": (ck.CKF_DECRYPT, rights.DECRYPT),
}


class Workbench:
    """Prepared functions with their operation names; safe to use from several threads."""

    def __init__(self, table: Table, is_null: bool) -> None:
        self._table = table
        self.is_null = is_null

    def find(self, mechanism: bytes) -> Mechanism:
        """The mechanism those bytes name; its self test runs if it stands before real work."""
        number = wire.identifier(mechanism)
        return self._table.describe(number) if self.is_null else self._table.find(number)

    def usable(self, mechanism: bytes, key: Key, flag: int, right: int) -> Mechanism:
        """The mechanism, after the checks of its use with that key."""
        found = self.find(mechanism)
        rights.check_use(found, key, flag, right)
        policy.check_use(key, right, found.number)
        return found

    def signer(self, key: Key, mechanism: bytes) -> tuple[Signer, str]:
        """Signs whole messages; kept under all bytes of the mechanism."""
        found = self.usable(mechanism, key, ck.CKF_SIGN, rights.SIGN)
        params = mechanism[4:]
        if self.is_null:
            size = found.signature_bytes(key, params)
            made: Signer = lambda data: null_result(key, size)  # noqa: E731
        else:
            made = found.signer(key, params)
        return _kept(key.signers, mechanism, (made, found.operation(key, "sign")))

    def verifier(self, key: Key, mechanism: bytes) -> tuple[Verifier, str]:
        """Checks signatures of whole messages."""
        found = self.usable(mechanism, key, ck.CKF_VERIFY, rights.VERIFY)
        params = mechanism[4:]
        if self.is_null:
            made = null_verifier(key, found.signature_bytes(key, params))
        else:
            made = found.verifier(key, params)
        return _kept(key.verifiers, mechanism, (made, found.operation(key, "verify")))

    def encrypter(self, key: Key, mechanism: bytes) -> tuple[Transform, str]:
        """Encrypts whole messages; kept under the mechanism's number, as parameters change."""
        found = self.usable(mechanism, key, ck.CKF_ENCRYPT, rights.ENCRYPT)
        if self.is_null:
            made: Transform = lambda params, data: null_result(  # noqa: E731
                key, found.encrypted_bytes(key, params, len(data))
            )
        else:
            made = found.encrypter(key)
        return _kept(key.encrypters, mechanism[:4], (made, found.operation(key, "encrypt")))

    def decrypter(self, key: Key, mechanism: bytes) -> tuple[Transform, str]:
        """Decrypts whole messages."""
        found = self.usable(mechanism, key, ck.CKF_DECRYPT, rights.DECRYPT)
        if self.is_null:
            made: Transform = lambda params, data: null_result(  # noqa: E731
                key, found.decrypted_bytes(key, params, len(data))
            )
        else:
            made = found.decrypter(key)
        return _kept(key.decrypters, mechanism[:4], (made, found.operation(key, "decrypt")))

    def placer(self, key: Key, mechanism: bytes, use: str) -> Placer:
        """Encrypts or decrypts (`use`) whole messages into the caller's memory."""
        encrypts = use == "encrypt"
        transform, _ = (self.encrypter if encrypts else self.decrypter)(key, mechanism)
        found = self.find(mechanism)
        if self.is_null:
            made = null_placer(key, found.encrypted_bytes if encrypts else found.decrypted_bytes)
        else:
            place = found.encrypting_placer(key) if encrypts else found.decrypting_placer(key)
            made = place or placed(transform)
        return _kept(key.placers, (use, mechanism[:4]), made)

    def cipher(self, key: Key, mechanism: bytes, use: str) -> tuple[Mechanism, str]:
        """The mechanism of a multi-part encryption or decryption (`use`), and its operation."""
        found = self.usable(mechanism, key, *_CIPHER_USES[use])
        return _kept(key.ciphers, (use, mechanism[:4]), (found, found.operation(key, use)))

    def hasher(self, mechanism: bytes) -> tuple[Hasher, str]:
        """Hashes whole messages."""
        found = self.find(mechanism)
        if not found.flags & ck.CKF_DIGEST or len(mechanism) != 4:
            invalid = ck.CKR_MECHANISM_PARAM_INVALID
            raise Refused(invalid if found.flags & ck.CKF_DIGEST else ck.CKR_MECHANISM_INVALID)
        if self.is_null:
            zeros = bytes(found.digest_bytes())
            return (lambda data: zeros), found.keyless_operation()
        return found.hasher(), found.keyless_operation()


def null_result(key: Key, size: int) -> bytes:
    """Zeros for a result; but where others have a part in the use of a key, they have it here."""
    if key.power is not None:
        key.power(bytes((key.bits + 7) // 8))
    return bytes(size)


def null_placer(key: Key, size: Callable[[Key, bytes, int], int]) -> Placer:
    """Writes zeros of that size."""

    def place(params: bytes, data: memoryview, out: memoryview) -> int:
        result = null_result(key, size(key, params, len(data)))
        out[: len(result)] = result
        return len(result)

    return place


def null_verifier(key: Key, size: int) -> Verifier:
    """Takes every signature of the right size for genuine."""

    def verify(data: bytes, signature: bytes) -> None:
        if len(signature) != size:
            raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
        null_result(key, 0)

    return verify


def _kept(shelf: dict[N, T], name: N, made: T) -> T:
    if len(shelf) >= MAX_PREPARED:
        shelf.clear()
    shelf[name] = made
    return made
