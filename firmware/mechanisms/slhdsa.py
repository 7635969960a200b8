"""SLH-DSA and HashSLH-DSA (PKCS #11 3.2, 6.69; FIPS 205), by pqcrypto.

Material of both halves: the number of the parameter set, one byte, then the key as FIPS 205, 9.1,
has it; the private key ends with the public key. Signatures are hedged. The library hashes whole
messages itself, so that the parts of a message are kept until the end, and a hash that the caller
made cannot be signed (CKM_HASH_SLH_DSA is left out).
"""

from types import ModuleType

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.parameter_sets import SLH_DSA, ParameterSet
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import (
    Attributes,
    Draw,
    Gather,
    KeyPair,
    Mechanism,
    parameters,
)
from ghostcard.firmware.mechanisms.mldsa import check_context
from ghostcard.firmware.mechanisms.parameter_set import set_of, wanted
from ghostcard.firmware.mechanisms.prehash import PREHASHES, Prehash
from ghostcard.firmware.mechanisms.public import raw_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table


def private_key(chosen: ParameterSet, value: bytes) -> Key:
    """A private key of FIPS 205's form.

    Whether its root belongs to its seeds is not looked at, as that takes as long as a signature.
    """
    if len(value) != chosen.private:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return _key(ck.CKO_PRIVATE_KEY, chosen, value)


def _key(object_class: int, chosen: ParameterSet, value: bytes, is_null: bool = False) -> Key:
    material = bytes((chosen.number,)) + value
    bits = 8 * chosen.public
    return Key(object_class, ck.CKK_SLH_DSA, bits, material, is_null=is_null)


def public_of(key: Key) -> bytes:
    """The public key, of either half."""
    return key.material[-set_of(key).public :]


def null_key(chosen: ParameterSet) -> Key:
    """A private key without a value."""
    return _key(ck.CKO_PRIVATE_KEY, chosen, bytes(chosen.private), is_null=True)


def _library(chosen: ParameterSet) -> ModuleType:
    """The module of pqcrypto for a parameter set."""
    from importlib import import_module

    import_module("pqcrypto.sign")
    _, hash, kind = chosen.name.split("-")
    return import_module(f"pqcrypto.sign.slh_dsa_{hash}_{kind}")


class SlhDsaKeyPairGen(Mechanism):
    """CKM_SLH_DSA_KEY_PAIR_GEN; CKA_PARAMETER_SET of the public template says which."""

    __slots__ = ()
    counts_bytes = True

    def pair_operation(self, public: Attributes) -> str:
        return f"{wanted(public, SLH_DSA).name}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        """The library draws for itself."""
        chosen = wanted(public, SLH_DSA)
        value, secret = _library(chosen).keygen()
        key = _key(ck.CKO_PRIVATE_KEY, chosen, secret)
        return KeyPair(key, raw_spki(chosen, value))

    def null_pair(self, public: Attributes) -> KeyPair:
        chosen = wanted(public, SLH_DSA)
        return KeyPair(null_key(chosen), raw_spki(chosen, bytes(chosen.public)))


class SlhDsa(Mechanism):
    """CKM_SLH_DSA, and with a hash CKM_HASH_SLH_DSA_*."""

    __slots__ = ("prehash",)
    counts_bytes = True

    def __init__(self, number: int, which: Prehash | None) -> None:
        flags = ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY
        super().__init__(number, SLH_DSA[0].public, SLH_DSA[-1].public, flags, ck.CKK_SLH_DSA)
        self.prehash = which

    def operation(self, key: Key, use: str) -> str:
        return f"{set_of(key).name}-{use}"

    def feed_operation(self, key: Key, use: str) -> str:
        return QUERY

    def _context(self, params: bytes) -> bytes:
        if not params:
            return b""
        hedge, context = parameters(self.number, params, wire.SignContext)
        check_context(hedge, context)
        return context

    def _hash(self) -> object:
        """The hash as pqcrypto names it."""
        if self.prehash is None:
            return None
        from pqcrypto import HashAlgorithm

        name = self.prehash.name.replace("shake_", "shake").capitalize()
        return getattr(HashAlgorithm, name)

    def signature_bytes(self, key: Key, params: bytes) -> int:
        self._context(params)
        return set_of(key).output

    def sink(self, key: Key, params: bytes) -> Sink:
        return Gather()

    def closer(self, key: Key, params: bytes) -> Signer:
        context, which, value = self._context(params), self._hash(), key.material[1:]
        sign = _library(set_of(key)).sign

        def close(data: bytes) -> bytes:
            signature: bytes = sign(value, data, context, which)
            return signature

        return close

    def checker(self, key: Key, params: bytes) -> Verifier:
        from pqcrypto import InvalidSignatureError

        context, which, value = self._context(params), self._hash(), key.material[1:]
        verify, size = _library(set_of(key)).verify, set_of(key).output

        def check(data: bytes, signature: bytes) -> None:
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            try:
                verify(value, data, signature, context, which)
            except InvalidSignatureError:
                raise Refused(ck.CKR_SIGNATURE_INVALID) from None

        return check

    def signer(self, key: Key, params: bytes) -> Signer:
        return self.closer(key, params)

    def verifier(self, key: Key, params: bytes) -> Verifier:
        return self.checker(key, params)


# NIST ACVP, SLH-DSA keyGen (FIPS 205), the first case of SHA2-128f and of SHAKE-128f: private keys,
# which end with the roots that their seeds make.
_SHA2_128F = bytes.fromhex(
    "e2bdaa37c8cffe5e8d5676c23267890c31441758f573285881cdc82ab911dd84"
    "72dc8d26df6ef708f4c41af9fd04b65a8927927229891d47a60d67ecef3d2c17"
)
_SHAKE_128F = bytes.fromhex(
    "bbc74306f75dc2daf7372b3c9841a4d6852c17b459f1692b8e9a1a0dace5ba26"
    "380c99304a0ddd32f344b95144e1fdef60bbc2340e08770fb41a80a76cb08e34"
)


def known_answers() -> bool:
    """What those keys sign holds under their public keys, which takes the right tree."""
    mechanism = SlhDsa(ck.CKM_SLH_DSA, None)
    for chosen, value in ((SLH_DSA[1], _SHA2_128F), (SLH_DSA[7], _SHAKE_128F)):
        key = private_key(chosen, value)
        public = _key(ck.CKO_PUBLIC_KEY, chosen, public_of(key))
        try:
            mechanism.verifier(public, b"")(b"text", mechanism.signer(key, b"")(b"text"))
        except Refused:
            return False
    return True


def register(table: Table) -> None:
    """Add SLH-DSA, HashSLH-DSA with every hash, and key pair generation."""
    flags = ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR
    keygen = SlhDsaKeyPairGen(
        ck.CKM_SLH_DSA_KEY_PAIR_GEN, SLH_DSA[0].public, SLH_DSA[-1].public, flags, ck.CKK_SLH_DSA
    )
    hashed = [SlhDsa(each.slh_dsa, each) for each in PREHASHES if each.slh_dsa is not None]
    table.register("slhdsa", known_answers, [keygen, SlhDsa(ck.CKM_SLH_DSA, None), *hashed])
