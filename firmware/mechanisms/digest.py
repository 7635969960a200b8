"""SHA-1, SHA-2, SHA-3 and BLAKE2b (PKCS #11 3.2, 6.20 onwards)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, Sink, opener
from ghostcard.firmware.mechanisms.mechanism import Hasher, Mechanism
from ghostcard.firmware.mechanisms.table import Table

# SHA-1, SHA-2: "abc", FIPS 180-2 appendices A.1 to C.1 and its change notice 1 (SHA-224);
# SHA-512/t: "abc", NIST's SHA512_224.pdf and SHA512_256.pdf examples;
# SHA-3: "abc", as published with the competition's winner; BLAKE2b: "abc", RFC 7693, appendix A
# (512 bits), and b2sum of the GNU coreutils, an implementation of its own (the other sizes).
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
    "sha3_224": "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
    "sha3_256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "sha3_384": "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c25"
    "96da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
    "sha3_512": "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
    "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    "blake2b_160": "384264f676f39536840523f284921cdc68b6846b",
    "blake2b_256": "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
    "blake2b_384": "6f56a82c8e7ef526dfe182eb5212f7db9df1317e57815dbd"
    "a46083fc30f54ee6c66ba83be64b302d7cba6ce15bb556f4",
    "blake2b_512": "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
}


class Digest(Mechanism):
    """A hash over data; it has no key."""

    __slots__ = ("hash",)

    def __init__(self, which: Hash) -> None:
        super().__init__(which.digest, 0, 0, ck.CKF_HW | ck.CKF_DIGEST)
        self.hash = which

    def keyless_operation(self) -> str:
        return self.hash.operation

    def hasher(self) -> Hasher:
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
