"""The rows of AES, DES, triple DES, ChaCha20 and Poly1305."""

from functools import lru_cache

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import number
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.rule import (
    ID_BYTES,
    NONE,
    ONE_NUMBER,
    Length,
    Measure,
    Mechanism,
    always,
    cut,
    expect,
    fixed,
    number_at,
    same,
)

AES_BLOCK = 16
DES_BLOCK = 8
TAG = 16  # bytes of a tag of ChaCha20-Poly1305
TAG_BITS = frozenset((32, 64, 96, 104, 112, 120, 128))
"""Of a tag of AES-GCM: NIST SP 800-38D, 5.2.1.2."""

_GCM_IV = range(8, 129)  # bytes of an IV of AES-GCM that the cards take
_CCM_NONCE = range(7, 14)  # NIST SP 800-38C, A.1
_CCM_MAC = frozenset((4, 6, 8, 10, 12, 14, 16))
_POLY_NONCE = 12
_CHACHA_COUNTER = (4, 8)

AES = frozenset((ck.CKK_AES,))
AES_XTS = frozenset((ck.CKK_AES_XTS,))
DES = frozenset((ck.CKK_DES,))
DES2 = frozenset((ck.CKK_DES2,))
DES3 = frozenset((ck.CKK_DES3,))
ANY_DES3 = DES2 | DES3
ANY_DES = DES | ANY_DES3
CHACHA20 = frozenset((ck.CKK_CHACHA20,))
POLY1305 = frozenset((ck.CKK_POLY1305,))


def _blocks(block: int) -> Measure:
    """Whole blocks as they fill, and nothing at the end."""
    length = Length(lambda size: size, lambda size: size - size % block, lambda _: 0)
    return lambda key, mechanism, encrypts: length


def _padded(block: int) -> Measure:
    """Padding to whole blocks; the last block seen may be the one with the padding."""

    def whole(size: int) -> int:
        return size - size % block

    def upto_next(size: int) -> int:
        return whole(size) + block

    def without_last(size: int) -> int:
        return whole(max(0, size - 1))

    encrypting = Length(upto_next, whole, upto_next)
    decrypting = Length(lambda size: size, without_last, lambda size: size, is_exact=False)
    return lambda key, mechanism, encrypts: encrypting if encrypts else decrypting


_STEALING = Length(
    lambda size: size, lambda size: max(size // AES_BLOCK - 1, 0) * AES_BLOCK, lambda size: size
)


def _stealing(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    """The last full block and the part behind it wait for the end."""
    return _STEALING


@lru_cache(maxsize=64)
def _with_tag(tag: int, encrypts: bool) -> Length:
    if encrypts:
        return Length(lambda size: size + tag, lambda size: size, lambda size: size + tag)
    # nothing of the plaintext is given out before the tag has been checked
    return Length(lambda size: max(0, size - tag), lambda _: 0, lambda size: max(0, size - tag))


def _gcm(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    return _gcm_by(mechanism[: ID_BYTES + 8], encrypts)  # the IV is another each time


@lru_cache(maxsize=64)
def _gcm_by(beginning: bytes, encrypts: bool) -> Length:
    bits, iv = number_at(beginning, 0), number_at(beginning, 1)
    expect(bits in TAG_BITS and iv in _GCM_IV)
    return _with_tag(bits // 8, encrypts)


def _gmac(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    bits, iv = number_at(mechanism, 0), number_at(mechanism, 1)
    expect(bits in TAG_BITS and iv in _GCM_IV and len(mechanism) == ID_BYTES + 8 + iv)
    return fixed(bits // 8)


def _ccm(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    data, mac, nonce = [number_at(mechanism, place) for place in range(3)]
    expect(mac in _CCM_MAC and nonce in _CCM_NONCE)
    expect(not data >> 8 * (15 - nonce))  # NIST SP 800-38C, A.1
    return _with_tag(mac, encrypts)


def _chacha20(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    expect(number_at(mechanism, 0) in _CHACHA_COUNTER)
    return same(key, mechanism, encrypts)


def _chacha20_poly1305(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    expect(number_at(mechanism, 0) == _POLY_NONCE)
    return _with_tag(TAG, encrypts)


def _counted(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    expect(0 < number_at(mechanism, 0) <= 8 * AES_BLOCK)
    return same(key, mechanism, encrypts)


_HALF = AES_BLOCK // 2


def _keywrap(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    """In one part only, as the standard has it."""
    if encrypts:
        return Length(lambda size: size + _HALF, lambda _: 0, lambda size: size + _HALF)
    return Length(lambda size: max(0, size - _HALF), lambda _: 0, lambda size: size)


def _filled_up(step: int) -> Measure:
    """Key wrap behind padding: ``step`` 1 if there is always some, 0 if there may be none."""

    def sealed(size: int) -> int:
        return (size + step + -(size + step) % _HALF) + _HALF

    encrypting = Length(sealed, lambda _: 0, sealed)
    decrypting = Length(
        lambda size: max(0, size - _HALF), lambda _: 0, lambda size: size, is_exact=False
    )
    return lambda key, mechanism, encrypts: encrypting if encrypts else decrypting


def _of_128_bits(size: int) -> Measure:
    """A code whose keys have one length (RFC 3566): CKR_KEY_SIZE_RANGE."""
    length = fixed(size)

    def measure(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
        assert key is not None
        if number(key.attributes[ck.CKA_VALUE_LEN]) != AES_BLOCK:
            raise CryptokiError(ck.CKR_KEY_SIZE_RANGE)
        return length

    return measure


def _beginning(initial: bytes, measure: Measure) -> Measure:
    """Key wrap with its usual initial value, be it spelt out or not: the cards have no other."""

    def wrapping(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
        expect(mechanism[ID_BYTES:] in (b"", initial))
        return measure(key, mechanism, encrypts)

    return wrapping


_INITIAL = b"\xa6" * _HALF  # RFC 3394, 2.2.3.1
_INITIAL_PADDED = b"\xa6\x59\x59\xa6"  # RFC 5649, 3

_AES_IV = range(AES_BLOCK, AES_BLOCK + 1)
_DES_IV = range(DES_BLOCK, DES_BLOCK + 1)
_CTR = range(20, 21)
_GCM = range(8, 1 << 16)
_CCM = range(12, 1 << 16)
_CHACHA20 = range(20, 21)
_CHACHA20_POLY1305 = range(4, 1 << 16)
_INITIAL_VALUE = range(0, 9)  # of key wrap, if it is spelt out

CIPHERS: dict[int, Mechanism] = {
    ck.CKM_AES_KEY_GEN: Mechanism(AES, NONE, same),
    ck.CKM_AES_ECB: Mechanism(AES, NONE, _blocks(AES_BLOCK)),
    ck.CKM_AES_CBC: Mechanism(AES, _AES_IV, _blocks(AES_BLOCK)),
    ck.CKM_AES_CBC_PAD: Mechanism(AES, _AES_IV, _padded(AES_BLOCK)),
    ck.CKM_AES_CTR: Mechanism(AES, _CTR, _counted),
    ck.CKM_AES_GCM: Mechanism(AES, _GCM, _gcm),
    ck.CKM_AES_CCM: Mechanism(AES, _CCM, _ccm),
    ck.CKM_AES_CTS: Mechanism(AES, _AES_IV, _stealing),
    ck.CKM_AES_OFB: Mechanism(AES, _AES_IV, same),
    ck.CKM_AES_CFB128: Mechanism(AES, _AES_IV, same),
    ck.CKM_AES_CFB8: Mechanism(AES, _AES_IV, same),
    ck.CKM_AES_XTS_KEY_GEN: Mechanism(AES_XTS, NONE, same),
    ck.CKM_AES_XTS: Mechanism(AES_XTS, _AES_IV, _stealing),
    ck.CKM_AES_KEY_WRAP: Mechanism(AES, _INITIAL_VALUE, _beginning(_INITIAL, _keywrap)),
    ck.CKM_AES_KEY_WRAP_KWP: Mechanism(
        AES, _INITIAL_VALUE, _beginning(_INITIAL_PADDED, _filled_up(0))
    ),
    ck.CKM_AES_KEY_WRAP_PAD: Mechanism(AES, _INITIAL_VALUE, _beginning(_INITIAL, _filled_up(1))),
    ck.CKM_AES_KEY_WRAP_PKCS7: Mechanism(AES, _INITIAL_VALUE, _beginning(_INITIAL, _filled_up(1))),
    ck.CKM_AES_CMAC: Mechanism(AES, NONE, always(AES_BLOCK)),
    ck.CKM_AES_CMAC_GENERAL: Mechanism(AES, ONE_NUMBER, cut(AES_BLOCK)),
    ck.CKM_AES_MAC: Mechanism(AES, NONE, always(AES_BLOCK // 2)),
    ck.CKM_AES_MAC_GENERAL: Mechanism(AES, ONE_NUMBER, cut(AES_BLOCK)),
    ck.CKM_AES_GMAC: Mechanism(AES, _GCM, _gmac),
    ck.CKM_AES_XCBC_MAC: Mechanism(AES, NONE, _of_128_bits(AES_BLOCK)),
    ck.CKM_AES_XCBC_MAC_96: Mechanism(AES, NONE, _of_128_bits(12)),
    ck.CKM_DES_KEY_GEN: Mechanism(DES, NONE, same),
    ck.CKM_DES_ECB: Mechanism(DES, NONE, _blocks(DES_BLOCK)),
    ck.CKM_DES_CBC: Mechanism(DES, _DES_IV, _blocks(DES_BLOCK)),
    ck.CKM_DES_CBC_PAD: Mechanism(DES, _DES_IV, _padded(DES_BLOCK)),
    ck.CKM_DES_MAC: Mechanism(DES, NONE, always(DES_BLOCK // 2)),
    ck.CKM_DES_MAC_GENERAL: Mechanism(DES, ONE_NUMBER, cut(DES_BLOCK)),
    ck.CKM_DES2_KEY_GEN: Mechanism(DES2, NONE, same),
    ck.CKM_DES3_KEY_GEN: Mechanism(DES3, NONE, same),
    ck.CKM_DES3_ECB: Mechanism(ANY_DES3, NONE, _blocks(DES_BLOCK)),
    ck.CKM_DES3_CBC: Mechanism(ANY_DES3, _DES_IV, _blocks(DES_BLOCK)),
    ck.CKM_DES3_CBC_PAD: Mechanism(ANY_DES3, _DES_IV, _padded(DES_BLOCK)),
    ck.CKM_DES_OFB64: Mechanism(ANY_DES, _DES_IV, same),
    ck.CKM_DES_CFB64: Mechanism(ANY_DES, _DES_IV, same),
    ck.CKM_DES_CFB8: Mechanism(ANY_DES, _DES_IV, same),
    ck.CKM_DES3_MAC: Mechanism(ANY_DES3, NONE, always(DES_BLOCK // 2)),
    ck.CKM_DES3_MAC_GENERAL: Mechanism(ANY_DES3, ONE_NUMBER, cut(DES_BLOCK)),
    ck.CKM_DES3_CMAC: Mechanism(ANY_DES3, NONE, always(DES_BLOCK)),
    ck.CKM_DES3_CMAC_GENERAL: Mechanism(ANY_DES3, ONE_NUMBER, cut(DES_BLOCK)),
    ck.CKM_CHACHA20_KEY_GEN: Mechanism(CHACHA20, NONE, same),
    ck.CKM_CHACHA20: Mechanism(CHACHA20, _CHACHA20, _chacha20),
    ck.CKM_CHACHA20_POLY1305: Mechanism(CHACHA20, _CHACHA20_POLY1305, _chacha20_poly1305),
    ck.CKM_POLY1305_KEY_GEN: Mechanism(POLY1305, NONE, same),
    ck.CKM_POLY1305: Mechanism(POLY1305, NONE, always(16)),
}
"""Mechanism -> its row."""
