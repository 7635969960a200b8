"""SHA-1 and SHA-2 (PKCS #11 3.2, 6.20 to 6.26)."""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, Sink, opener
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.table import Table

# SHA-1, SHA-2: "abc", FIPS 180-2 appendices A.1 to C.1 and its change notice 1 (SHA-224);
# SHA-512/t: "abc", NIST's SHA512_224.pdf and SHA512_256.pdf examples.
_ABC = {
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha224": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
    "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "sha512_224": "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
    "sha512_256": "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
}


class Digest(Mechanism):
    """A hash over data; it has no key."""

    __slots__ = ("hash",)

    def __init__(self, which: Hash) -> None:
        super().__init__(which.digest, 0, 0, ck.CKF_HW | ck.CKF_DIGEST)
        self.hash = which

    def keyless_operation(self) -> str:
        return self.hash.operation

    def hasher(self) -> Callable[[bytes], bytes]:
        start = opener(self.hash)
        return lambda data: start(data).digest()

    def hash_sink(self) -> Sink:
        return opener(self.hash)()

    def digest_bytes(self) -> int:
        return self.hash.size


def known_answers() -> bool:
    """Each hash of "abc"."""
    return all(opener(each)(b"abc").hexdigest() == _ABC[each.name] for each in HASHES)


def register(table: Table) -> None:
    """Add the digest mechanisms."""
    table.register("digest", known_answers, map(Digest, HASHES))
