"""What derivations from secret keys have in common: their keys, and how long a result is."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS, SIZES

MAX_BYTES = MAX_BITS // 8
BASE_TYPES = frozenset(SIZES) - {ck.CKK_HOTP}

_BY_DIGEST = {each.digest: each for each in HASHES}
_BY_HMAC = {each.hmac: each for each in HASHES}


def of_digest(number: int) -> Hash:
    """Any hash a mechanism parameter names by its digest mechanism; else refused."""
    found = _BY_DIGEST.get(number)
    if found is None:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return found


def of_hmac(number: int) -> Hash | None:
    """Any hash that a mechanism parameter names by its HMAC."""
    return _BY_HMAC.get(number)


class SecretDerivation(Mechanism):
    """A derivation of which any secret key may be the base."""

    __slots__ = ()

    def __init__(self, number: int, *key_types: int) -> None:
        flags = ck.CKF_HW | ck.CKF_DERIVE
        super().__init__(number, 8, MAX_BITS, flags, *(key_types or BASE_TYPES))

    def operation(self, key: Key, use: str) -> str:
        return "derive"


def within(wanted: int | None, whole: int, most: int) -> int:
    """The size of a result: `whole` if nobody wants another; refused above `most`."""
    size = whole if wanted is None else wanted
    if not 0 < size <= min(most, MAX_BYTES):
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return size
