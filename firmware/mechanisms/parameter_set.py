"""The parameter set of a post-quantum key, and of one that is to be made.

ML-KEM and ML-DSA keys tell it by their size. SLH-DSA has several sets of each size, so that the
first byte of the material is the set's number (CKP_*).
"""

from collections.abc import Iterable

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.parameter_sets import PARAMETER_SETS, ParameterSet
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes
from ghostcard.firmware.mechanisms.refusal import Refused

_BY_SIZE = {(each.key_type, 8 * each.public): each for each in PARAMETER_SETS}
_BY_NUMBER = {(each.key_type, each.number): each for each in PARAMETER_SETS}


def set_of(key: Key) -> ParameterSet:
    """The parameter set of a key of these types."""
    if key.key_type == ck.CKK_SLH_DSA:
        return _BY_NUMBER[key.key_type, key.material[0]]
    return _BY_SIZE[key.key_type, key.bits]


def wanted(public: Attributes, sets: Iterable[ParameterSet]) -> ParameterSet:
    """The one of `sets` that CKA_PARAMETER_SET of a public template names."""
    number = public.get(ck.CKA_PARAMETER_SET)
    if number is None:
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    for each in sets:
        if each.number == number:
            return each
    raise Refused(ck.CKR_PARAMETER_SET_NOT_SUPPORTED)
