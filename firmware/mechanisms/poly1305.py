"""Poly1305: keys, which serve for one message each, and the MAC (PKCS #11 3.2; RFC 8439)."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key, Signer
from ghostcard.firmware.mechanisms.mac import Mac
from ghostcard.firmware.mechanisms.secret import SecretKeyGen, secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.poly1305 import Poly1305

TAG = 16
KEY_BYTES = 32


class Poly(Mac):
    """CKM_POLY1305."""

    __slots__ = ()
    counts_bytes = True

    def __init__(self) -> None:
        super().__init__(ck.CKM_POLY1305, KEY_BYTES, KEY_BYTES, TAG, TAG, ck.CKK_POLY1305)

    def operation(self, key: Key, use: str) -> str:
        return "poly1305"

    def keyed(self, key: Key, params: bytes) -> Signer:
        from cryptography.hazmat.primitives.poly1305 import Poly1305

        value = key.material
        return lambda data: Poly1305.generate_tag(value, data)

    def sink(self, key: Key, params: bytes) -> Sink:
        from cryptography.hazmat.primitives.poly1305 import Poly1305

        return PolySink(Poly1305(key.material))


class PolySink:
    """Poly1305 in parts."""

    __slots__ = ("digest", "update")

    def __init__(self, context: "Poly1305") -> None:
        self.update = context.update
        self.digest = context.finalize


# RFC 8439, 2.5.2.
_KEY = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
_DATA = b"Cryptographic Forum Research Group"
_TAG = bytes.fromhex("a8061dc1305136c6c22b8baf0c0127a9")


def known_answers() -> bool:
    """The case above, in one call and in parts."""
    mechanism, key = Poly(), secret_key(ck.CKK_POLY1305, _KEY)
    sink = mechanism.sink(key, b"")
    sink.update(_DATA)
    return mechanism.signer(key, b"")(_DATA) == _TAG == sink.digest()


def register(table: Table) -> None:
    """Add CKM_POLY1305 and its keys."""
    keygen = SecretKeyGen(ck.CKM_POLY1305_KEY_GEN, ck.CKK_POLY1305)
    table.register("poly1305", known_answers, [keygen, Poly()])
