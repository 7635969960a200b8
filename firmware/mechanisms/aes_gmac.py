"""GMAC: AES-GCM of no plaintext; the additional data is signed (PKCS #11 3.2, "AES-GMAC").

The parameters are those of GCM: the IV and the bits of the tag. Additional data stands in the
message, so parameters that have some are refused.
"""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.aes_gcm import IV_BYTES, TAG, TAG_BITS
from ghostcard.firmware.mechanisms.block_mac import BlockMac
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext


class Gmac(BlockMac):
    """CKM_AES_GMAC."""

    __slots__ = ()

    def _asked(self, params: bytes) -> wire.Gcm:
        asked = parameters(self.number, params, wire.Gcm)
        if asked.tag_bits not in TAG_BITS or len(asked.iv) not in IV_BYTES or asked.aad:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return asked

    def signature_bytes(self, key: Key, params: bytes) -> int:
        return self._asked(params).tag_bits // 8

    def sink(self, key: Key, params: bytes) -> Sink:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        mode = GCM(self._asked(params).iv)
        return GmacSink(Cipher(self.cipher.algorithm(key.material), mode).encryptor())


class GmacSink:
    """GMAC in parts."""

    __slots__ = ("_context", "update")

    def __init__(self, context: "AEADEncryptionContext") -> None:
        self._context = context
        self.update = context.authenticate_additional_data

    def digest(self) -> bytes:
        self._context.finalize()
        return self._context.tag


# NIST CAVP, gcmEncryptExtIV128.rsp: no plaintext, IV 96 bits, additional data 128 bits, count 0.
_KEY = bytes.fromhex("77be63708971c4e240d1cb79e8d77feb")
_IV = bytes.fromhex("e0e00f19fed7ba0136a797f3")
_DATA = bytes.fromhex("7a43ec1d9c0a5a78a0b16533a6213cab")
_TAG = bytes.fromhex("209fcc8d3675ed938e9c7166709dd946")


def known_answers() -> bool:
    """The case above."""
    params = pack(ck.CKM_AES_GMAC, wire.Gcm(8 * TAG, _IV))[4:]
    key = secret_key(ck.CKK_AES, _KEY)
    return Gmac(ck.CKM_AES_GMAC, "gcm").signer(key, params)(_DATA) == _TAG


def register(table: Table) -> None:
    """Add CKM_AES_GMAC."""
    table.register("aes-gmac", known_answers, [Gmac(ck.CKM_AES_GMAC, "gcm")])
