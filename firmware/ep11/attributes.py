"""GetAttributeValue and SetAttributeValue: the booleans of a blob, and what it says of the key."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi import blob as blobs
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.parameter_sets import KEY_TYPES as POST_QUANTUM
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.answer import Answer, Params, Verb
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.parameter_set import set_of
from ghostcard.firmware.mechanisms.refusal import Refused

_SECRETS = frozenset(
    (
        ck.CKA_VALUE,
        ck.CKA_SEED,
        ck.CKA_PRIVATE_EXPONENT,
        ck.CKA_PRIME_1,
        ck.CKA_PRIME_2,
        ck.CKA_EXPONENT_1,
        ck.CKA_EXPONENT_2,
        ck.CKA_COEFFICIENT,
    )
)


class AttributeVerbs:
    """Both verbs; a blob does not change, so setting attributes makes a new one."""

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {
            verbs.GET_ATTRIBUTE_VALUE: self.read,
            verbs.SET_ATTRIBUTE_VALUE: self.change,
        }

    def read(self, domain: Domain, params: Params) -> Answer:
        blob, attributes = params
        key = domain.key(blob)
        asked = wire.unpack(attributes)
        if asked.mask & ~rights.KNOWN:
            raise Refused(ck.CKR_ATTRIBUTE_TYPE_INVALID)
        names = [name for name, _ in (*asked.numbers, *asked.strings)]
        numbers = tuple((name, _number(key, name)) for name in names)
        found = wire.Attributes(asked.mask, key.booleans & asked.mask, numbers)
        return (wire.pack(found),), QUERY, 0

    def change(self, domain: Domain, params: Params) -> Answer:
        blob, attributes = params
        key = domain.key(blob)
        asked = wire.unpack(attributes)
        if asked.numbers or asked.strings or blobs.is_public(blob):
            raise Refused(ck.CKR_ATTRIBUTE_READ_ONLY)
        booleans = rights.changed(key.booleans, asked)
        new = Key(
            key.object_class, key.key_type, key.bits, key.material, booleans, key.is_null,
            key.variant,
        )  # fmt: skip
        return (domain.seal(new),), QUERY, 0


def _number(key: Key, name: int) -> int:
    if name in _SECRETS:
        raise Refused(ck.CKR_ATTRIBUTE_SENSITIVE)
    known = {ck.CKA_CLASS: key.object_class, ck.CKA_KEY_TYPE: key.key_type}
    if key.object_class == ck.CKO_SECRET_KEY:
        known[ck.CKA_VALUE_LEN] = key.bits // 8
    elif key.key_type == ck.CKK_RSA:
        known[ck.CKA_MODULUS_BITS] = key.bits
    elif key.key_type in POST_QUANTUM:
        known[ck.CKA_PARAMETER_SET] = set_of(key).number
    if name not in known:
        raise Refused(ck.CKR_ATTRIBUTE_TYPE_INVALID)
    return known[name]
