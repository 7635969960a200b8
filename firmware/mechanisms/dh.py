"""Diffie-Hellman over finite fields: PKCS #3 and X9.42 (PKCS #11 3.2, 6.4; RFC 2631).

The arithmetic is ours (`power.py`): the cryptographic library is about to give it up. Domains of
PKCS #3 are not searched for: they are the published safe-prime groups (SP 800-56A, 5.5.1.1).
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.operations import DH_BITS
from ghostcard.firmware.mechanisms import dh_groups, ffc, kdf
from ghostcard.firmware.mechanisms.dsa import DsaParameterGen
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import (
    Attributes,
    Draw,
    KeyPair,
    Mechanism,
    parameters,
)
from ghostcard.firmware.mechanisms.power import power
from ghostcard.firmware.mechanisms.public import ffc_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

SECRET_BITS = 512
"""Of a private value where the template does not say: twice the strength of the largest group."""

_KDFS = {ck.CKD_NULL: ck.CKD_NULL, ck.CKD_SHA1_KDF_CONCATENATE: ck.CKD_SHA1_KDF}
"""CKD_* of X9.42 -> that of the same construction."""


def priced_bits(bits: int) -> int:
    """The size under which the profile prices a key: the next larger one listed there."""
    return next(priced for priced in DH_BITS if bits <= priced)


class DhParameterGen(ffc.ParameterGen):
    """CKM_DH_PKCS_PARAMETER_GEN."""

    __slots__ = ()

    def __init__(self) -> None:
        sizes = dh_groups.OFFSETS
        super().__init__(ck.CKM_DH_PKCS_PARAMETER_GEN, min(sizes), max(sizes), ck.CKK_DH)

    def parameter_operation(self, wanted: Attributes) -> str:
        self._bits(wanted)
        return "dh-paramgen"

    def generate_parameters(self, wanted: Attributes) -> ffc.Domain:
        return ffc.Domain(dh_groups.prime(self._bits(wanted)), dh_groups.BASE)

    def null_parameters(self, wanted: Attributes) -> ffc.Domain:
        return ffc.Domain((1 << self._bits(wanted)) - 1, dh_groups.BASE)

    def _bits(self, wanted: Attributes) -> int:
        bits = ffc.wanted_bits(wanted)
        if bits not in dh_groups.OFFSETS:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        return bits


class DhKeyPairGen(Mechanism):
    """CKM_DH_PKCS_KEY_PAIR_GEN and CKM_X9_42_DH_KEY_PAIR_GEN: a key of the template's domain.

    The number of bits of the private value (CKA_VALUE_BITS) may be asked for.
    """

    __slots__ = ()

    def __init__(self, number: int, key_type: int) -> None:
        bits = ffc.BITS[key_type]
        flags = ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR
        super().__init__(number, bits[0], bits[-1], flags, key_type)

    def pair_operation(self, public: Attributes) -> str:
        domain = self._wanted(public)
        self._bound(domain, public)
        return f"dh{priced_bits(domain.p.bit_length())}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        domain = self._wanted(public)
        secret = ffc.draw_below(self._bound(domain, public), draw)
        private = ffc.private_key(self.key_types[0], domain, secret)
        return KeyPair(private, ffc_spki(self.key_types[0], domain, ffc.y_of(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        domain = self._wanted(public)
        key_type = self.key_types[0]
        return KeyPair(ffc.null_key(key_type, domain), ffc_spki(key_type, domain, 2))

    def _wanted(self, public: Attributes) -> ffc.Domain:
        return ffc.wanted_domain(self.key_types[0], public)

    def _bound(self, domain: ffc.Domain, public: Attributes) -> int:
        """What the private value must be below."""
        bits = public.get(ck.CKA_VALUE_BITS)
        most = domain.q or domain.p - 1
        if not isinstance(bits, int):
            return min(most, 1 << SECRET_BITS)
        if not 160 <= bits <= most.bit_length():
            raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
        return min(most, 1 << bits)


def shared_secret(key: Key, public: int) -> bytes:
    """The number both sides agree on, at the width of the prime; refused for a bad public value."""
    p, _, q = ffc.domain_of(key)
    is_in_group = 1 < public < p - 1 and (not q or pow(public, q, p) == 1)
    shared = power(public, ffc.x_of(key), p, q or p - 1) if is_in_group else 1
    if shared == 1:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return shared.to_bytes((key.bits + 7) // 8, "big")


class DhDerive(Mechanism):
    """CKM_DH_PKCS_DERIVE: the parameter is the other side's public value."""

    __slots__ = ()

    def __init__(self, number: int, key_type: int) -> None:
        bits = ffc.BITS[key_type]
        super().__init__(number, bits[0], bits[-1], ck.CKF_HW | ck.CKF_DERIVE, key_type)

    def operation(self, key: Key, use: str) -> str:
        return f"dh{priced_bits(key.bits)}-derive"

    def _parsed(self, params: bytes) -> tuple[int, bytes, bytes]:
        """KDF, other information, public value."""
        return ck.CKD_NULL, b"", params

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        function, shared, public = self._parsed(params)
        if len(public) > (key.bits + 7) // 8:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return kdf.derived_bytes(function, shared, (key.bits + 7) // 8, key_bytes)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        function, shared, public = self._parsed(params)
        secret = shared_secret(key, int.from_bytes(public, "big"))
        return kdf.derive(function, secret, shared, size)


class X942Derive(DhDerive):
    """CKM_X9_42_DH_DERIVE, without a KDF or with the concatenating one of X9.42 with SHA-1."""

    __slots__ = ()

    def _parsed(self, params: bytes) -> tuple[int, bytes, bytes]:
        parsed = parameters(self.number, params, wire.X942Dh)
        if parsed.kdf not in _KDFS:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return _KDFS[parsed.kdf], parsed.other, parsed.public


# Botan, dh.vec (as carried by pyca/cryptography, DH/vec.txt), its second case: 512 bits, base 2.
_PRIME = bytes.fromhex(
    "8732ec631f04f7ae57f66ad4a481ab4462ae26400348ac764d679311c41c5ef65bf618a6e0742a27"
    "d59a18868fc7a131dff158c83ada310efa493cb86cc2966b"
)
_SECRET = bytes.fromhex(
    "0aaa1d96792ce097cd533208550433ecdaecf557f1db669a5a0ade4284b5272c12d46fea0e9a549b"
    "28130cbbb76c36c9122bbd0aa3d3d1c055731da91f28a99e"
)
_PEER = bytes.fromhex(
    "675f1a653994e03b986ba4fa13a2b51c4493b310ebfa5ede77d493cd243fedcfffbe9731d3e50a45"
    "86eb405fbafe446e71eb7df638c1ed43ee3de69a7363bb61"
)
_SHARED = bytes.fromhex(
    "65f79bcc47862e02dde775b8fc7b1d0cba094b753e502d49a4468687681f178c"
    "ee98016210e136e80255fc8fdecc4d38d91ebc82c94b17652bdc7569ac383f39"
)


def known_answers() -> bool:
    """The shared secret comes out as above."""
    prime, secret, peer = (int.from_bytes(each, "big") for each in (_PRIME, _SECRET, _PEER))
    private = ffc.private_key(ck.CKK_DH, ffc.Domain(prime, 2), secret)
    return shared_secret(private, peer) == _SHARED


def register(table: Table) -> None:
    """Add generation of domains and key pairs, and derivation, of both kinds."""
    table.register(
        "dh",
        known_answers,
        [
            DhParameterGen(),
            DhKeyPairGen(ck.CKM_DH_PKCS_KEY_PAIR_GEN, ck.CKK_DH),
            DhDerive(ck.CKM_DH_PKCS_DERIVE, ck.CKK_DH),
            DsaParameterGen(ck.CKM_X9_42_DH_PARAMETER_GEN, ck.CKK_X9_42_DH),
            DhKeyPairGen(ck.CKM_X9_42_DH_KEY_PAIR_GEN, ck.CKK_X9_42_DH),
            X942Derive(ck.CKM_X9_42_DH_DERIVE, ck.CKK_X9_42_DH),
        ],
    )
