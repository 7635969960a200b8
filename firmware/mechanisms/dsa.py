"""DSA: domain parameters, keys, signatures (PKCS #11 3.2, 6.2; FIPS 186-4, 4).

Signatures are r and s, each at the width of the order.
"""

from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import ffc
from ghostcard.firmware.mechanisms.ecdsa import from_der
from ghostcard.firmware.mechanisms.hashes import SHA256, SIGNATURE_HASHES, Hash, algorithm
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import (
    Attributes,
    Draw,
    KeyPair,
    Mechanism,
    Signing,
    no_parameters,
)
from ghostcard.firmware.mechanisms.public import ffc_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.dsa import (
        DSAParameterNumbers,
        DSAPrivateKey,
        DSAPublicKey,
        DSAPublicNumbers,
    )

BITS = ffc.BITS[ck.CKK_DSA]
GENERATED_ORDER = {1024: 160, 2048: 256, 3072: 256}
"""Sizes of p that are generated -> size of q: what the cryptographic library makes, and tests."""

_HASHED = {
    ck.CKM_SHA_1: ck.CKM_DSA_SHA1,
    ck.CKM_SHA224: ck.CKM_DSA_SHA224,
    ck.CKM_SHA256: ck.CKM_DSA_SHA256,
    ck.CKM_SHA384: ck.CKM_DSA_SHA384,
    ck.CKM_SHA512: ck.CKM_DSA_SHA512,
    ck.CKM_SHA3_224: ck.CKM_DSA_SHA3_224,
    ck.CKM_SHA3_256: ck.CKM_DSA_SHA3_256,
    ck.CKM_SHA3_384: ck.CKM_DSA_SHA3_384,
    ck.CKM_SHA3_512: ck.CKM_DSA_SHA3_512,
}
_HASH_OF = {each.size: each for each in SIGNATURE_HASHES[:5]}  # any of a size will do


def _parameters(key: Key) -> "DSAParameterNumbers":
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAParameterNumbers

    domain = ffc.domain_of(key)
    return DSAParameterNumbers(domain.p, domain.q, domain.g)


def _public_numbers(key: Key) -> "DSAPublicNumbers":
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAPublicNumbers

    return DSAPublicNumbers(ffc.y_of(key), _parameters(key))


def private_handle(key: Key) -> "DSAPrivateKey":
    """The private key for use; made once. Refused if the numbers are no key of DSA."""
    if key.handle is None:
        from cryptography.hazmat.primitives.asymmetric.dsa import DSAPrivateNumbers

        try:
            key.handle = DSAPrivateNumbers(ffc.x_of(key), _public_numbers(key)).private_key()
        except ValueError:
            raise Refused(ck.CKR_DOMAIN_PARAMS_INVALID) from None
    return cast("DSAPrivateKey", key.handle)


def public_handle(key: Key) -> "DSAPublicKey":
    """The public key for use; made once. Refused if the numbers are no key of DSA."""
    if key.handle is None:
        try:
            key.handle = _public_numbers(key).public_key()
        except ValueError:
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None
    return cast("DSAPublicKey", key.handle)


def order_bytes(key: Key) -> int:
    """Bytes of the order, of r and of s."""
    return (key.variant + 7) // 8


class DsaParameterGen(ffc.ParameterGen):
    """CKM_DSA_PARAMETER_GEN, and CKM_X9_42_DH_PARAMETER_GEN: it makes the same kind of domain."""

    __slots__ = ()

    def __init__(self, number: int, key_type: int) -> None:
        super().__init__(number, min(GENERATED_ORDER), max(GENERATED_ORDER), key_type)

    def parameter_operation(self, wanted: Attributes) -> str:
        return f"dsa{self._sizes(wanted)[0]}-paramgen"

    def generate_parameters(self, wanted: Attributes) -> ffc.Domain:
        from cryptography.hazmat.primitives.asymmetric.dsa import generate_parameters

        bits, _ = self._sizes(wanted)
        numbers = generate_parameters(bits).parameter_numbers()
        return ffc.Domain(numbers.p, numbers.g, numbers.q)

    def null_parameters(self, wanted: Attributes) -> ffc.Domain:
        return ffc.null_domain(*self._sizes(wanted))

    def _sizes(self, wanted: Attributes) -> tuple[int, int]:
        bits = ffc.wanted_bits(wanted)
        order = GENERATED_ORDER.get(bits)
        if order is None:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        if wanted.get(ck.CKA_SUBPRIME_BITS, order) != order:
            raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
        return bits, order


class DsaKeyPairGen(Mechanism):
    """CKM_DSA_KEY_PAIR_GEN: a key of the domain that the public template has."""

    __slots__ = ()

    def __init__(self) -> None:
        flags = ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR
        super().__init__(ck.CKM_DSA_KEY_PAIR_GEN, BITS[0], BITS[-1], flags, ck.CKK_DSA)

    def pair_operation(self, public: Attributes) -> str:
        return f"dsa{_wanted(public).p.bit_length()}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        domain = _wanted(public)
        private = ffc.private_key(ck.CKK_DSA, domain, ffc.draw_below(domain.q, draw))
        return KeyPair(private, ffc_spki(ck.CKK_DSA, domain, ffc.y_of(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        domain = _wanted(public)
        return KeyPair(ffc.null_key(ck.CKK_DSA, domain), ffc_spki(ck.CKK_DSA, domain, 2))


def _wanted(public: Attributes) -> ffc.Domain:
    return ffc.wanted_domain(ck.CKK_DSA, public)


class Dsa(Signing):
    """DSA_SHAx; without a hash CKM_DSA, whose data is a hash already, not longer than the order."""

    __slots__ = ()

    def __init__(self, number: int, which: Hash | None) -> None:
        super().__init__(number, BITS[0], BITS[-1], which, ck.CKK_DSA)

    def operation(self, key: Key, use: str) -> str:
        return f"dsa{key.bits}-{use}"

    def signature_bytes(self, key: Key, params: bytes) -> int:
        no_parameters(params)
        return 2 * order_bytes(key)

    def closer(self, key: Key, params: bytes) -> Signer:
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        no_parameters(params)
        sign, width = private_handle(key).sign, order_bytes(key)
        how = Prehashed(algorithm(_HASH_OF[width]))
        return lambda digest: from_der(sign(_fitted(digest, width), how), width)

    def checker(self, key: Key, params: bytes) -> Verifier:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.utils import (
            Prehashed,
            encode_dss_signature,
        )

        no_parameters(params)
        verify, width = public_handle(key).verify, order_bytes(key)
        how = Prehashed(algorithm(_HASH_OF[width]))

        def check(digest: bytes, signature: bytes) -> None:
            if len(signature) != 2 * width:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            r, s = (int.from_bytes(half, "big") for half in (signature[:width], signature[width:]))
            try:
                verify(encode_dss_signature(r, s), _fitted(digest, width), how)
            except InvalidSignature:
                raise Refused(ck.CKR_SIGNATURE_INVALID) from None

        return check


def _fitted(digest: bytes, width: int) -> bytes:
    """The leading bytes, as many as the order has, or with zeros before it: the same number."""
    if not digest:
        raise Refused(ck.CKR_DATA_LEN_RANGE)
    return digest[:width].rjust(width, b"\0")


# CAVS 11.2, "dsa2_values", L = 1024, N = 160, SHA-256: the first case.
_P = bytes.fromhex(
    "cba13e533637c37c0e80d9fcd052c1e41a88ac325c4ebe13b7170088d54eef4881f3d35eae47c210"
    "385a8485d2423a64da3ffda63a26f92cf5a304f39260384a9b7759d8ac1adc81d3f8bfc5e6cb10ef"
    "b4e0f75867f4e848d1a338586dd0648feeb163647ffe7176174370540ee8a8f588da8cc143d939f7"
    "0b114a7f981b8483"
)
_G = bytes.fromhex(
    "45bcaa443d4cd1602d27aaf84126edc73bd773de6ece15e97e7fef46f13072b7adcaf7b0053cf470"
    "6944df8c4568f26c997ee7753000fbe477a37766a4e970ff40008eb900b9de4b5f9ae06e06db6106"
    "e78711f3a67feca74dd5bddcdf675ae4014ee9489a42917fbee3bb9f2a24df67512c1c35c97bfbf2"
    "308eaacd28368c5c"
)
_Q = bytes.fromhex("95031b8aa71f29d525b773ef8b7c6701ad8a5d99")
_X = bytes.fromhex("2eac4f4196fedb3e651b3b00040184cfd6da2ab4")
_MESSAGE = bytes.fromhex(
    "812172f09cbae62517804885754125fc6066e9a902f9db2041eeddd7e8da67e4a2e65d0029c45eca"
    "cea6002f9540eb1004c883a8f900fd84a98b5c449ac49c56f3a91d8bed3f08f427935fbe437ce46f"
    "75cd666a0707265c61a096698dc2f36b28c65ec7b6e475c8b67ddfb444b2ee6a984e9d6d15233e25"
    "e44bd8d7924d129d"
)
_SIGNATURE = bytes.fromhex(
    "76683a085d6742eadf95a61af75f881276cfd26a3b9da7f9926eaaad0bebd4845c67fcdb64d12453"
)


def known_answers() -> bool:
    """The signature above verifies, a fresh one does, and a changed one is refused."""
    p, g, q, x = (int.from_bytes(each, "big") for each in (_P, _G, _Q, _X))
    domain = ffc.Domain(p, g, q)
    private = ffc.private_key(ck.CKK_DSA, domain, x)
    public = ffc.public_key(ck.CKK_DSA, domain, ffc.y_of(private))
    mechanism = Dsa(ck.CKM_DSA_SHA256, SHA256)
    verify = mechanism.verifier(public, b"")
    try:
        verify(_MESSAGE, _SIGNATURE)
        verify(_MESSAGE, mechanism.signer(private, b"")(_MESSAGE))
    except Refused:
        return False
    try:
        verify(_MESSAGE, _SIGNATURE[:-1] + b"\0")
    except Refused:
        return True
    return False


def register(table: Table) -> None:
    """Add domain parameter and key pair generation, CKM_DSA and DSA_SHAx."""
    hashed = [
        Dsa(_HASHED[each.digest], each) for each in SIGNATURE_HASHES if each.digest in _HASHED
    ]
    parameters = DsaParameterGen(ck.CKM_DSA_PARAMETER_GEN, ck.CKK_DSA)
    table.register(
        "dsa", known_answers, [parameters, DsaKeyPairGen(), Dsa(ck.CKM_DSA, None), *hashed]
    )
