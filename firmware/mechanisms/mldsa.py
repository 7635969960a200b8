"""ML-DSA and HashML-DSA (PKCS #11 3.2, 6.67; FIPS 204).

Material of a private key: the 32-byte seed, then the public key. Messages are taken in parts as the
message representative mu (FIPS 204, algorithm 7, line 6), which is all that the signature needs.
Signatures are hedged; the library has no deterministic ones.
"""

import hashlib
from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.parameter_sets import ML_DSA, ParameterSet
from ghostcard.firmware.mechanisms import prehash
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
from ghostcard.firmware.mechanisms.parameter_set import set_of, wanted
from ghostcard.firmware.mechanisms.prehash import BY_DIGEST, PREHASHES, Prehash
from ghostcard.firmware.mechanisms.public import raw_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

MAX_CONTEXT = 255
HEDGES = (ck.CKH_HEDGE_PREFERRED, ck.CKH_HEDGE_REQUIRED)


def private_handle(key: Key) -> "MLDSA44PrivateKey":
    """The private key for use; made once. The classes of the three sets are alike."""
    if key.handle is None:
        key.handle = _class(set_of(key), "PrivateKey").from_seed_bytes(key.material[:32])
    return cast("MLDSA44PrivateKey", key.handle)


def public_handle(key: Key) -> "MLDSA44PublicKey":
    """The public key for use, of either half."""
    if key.object_class == ck.CKO_PRIVATE_KEY:
        return private_handle(key).public_key()
    if key.handle is None:
        made = cast("type[MLDSA44PublicKey]", _class(set_of(key), "PublicKey"))
        key.handle = made.from_public_bytes(key.material)
    return cast("MLDSA44PublicKey", key.handle)


def _class(chosen: ParameterSet, half: str) -> "type[MLDSA44PrivateKey]":
    from cryptography.hazmat.primitives.asymmetric import mldsa

    name = f"{chosen.name.upper()}{half}"
    return cast("type[MLDSA44PrivateKey]", getattr(mldsa, name))


def seeded_key(chosen: ParameterSet, seed: bytes) -> Key:
    """The private key that FIPS 204, 5.1, makes of a seed."""
    handle = _class(chosen, "PrivateKey").from_seed_bytes(seed)
    material = seed + handle.public_key().public_bytes_raw()
    key = Key(ck.CKO_PRIVATE_KEY, ck.CKK_ML_DSA, 8 * chosen.public, material)
    key.handle = handle
    return key


def public_of(key: Key) -> bytes:
    """The public key, of either half."""
    return key.material[-set_of(key).public :]


def null_key(chosen: ParameterSet) -> Key:
    """A private key without a value."""
    material = bytes(chosen.seed + chosen.public)
    return Key(
        ck.CKO_PRIVATE_KEY, ck.CKK_ML_DSA, 8 * chosen.public, material, is_null=True
    )  # fmt: skip


class MlDsaKeyPairGen(Mechanism):
    """CKM_ML_DSA_KEY_PAIR_GEN; CKA_PARAMETER_SET of the public template says which."""

    __slots__ = ()
    counts_bytes = True

    def pair_operation(self, public: Attributes) -> str:
        return f"{wanted(public, ML_DSA).name}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        chosen = wanted(public, ML_DSA)
        key = seeded_key(chosen, draw(chosen.seed))
        return KeyPair(key, raw_spki(chosen, public_of(key)))

    def null_pair(self, public: Attributes) -> KeyPair:
        chosen = wanted(public, ML_DSA)
        return KeyPair(null_key(chosen), raw_spki(chosen, bytes(chosen.public)))


class MlDsa(Mechanism):
    """CKM_ML_DSA, and with a hash CKM_HASH_ML_DSA_*."""

    __slots__ = ("prehash",)
    counts_bytes = True

    def __init__(self, number: int, which: Prehash | None) -> None:
        flags = ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY
        super().__init__(number, ML_DSA[0].public, ML_DSA[-1].public, flags, ck.CKK_ML_DSA)
        self.prehash = which

    def operation(self, key: Key, use: str) -> str:
        return f"{set_of(key).name}-{use}"

    def feed_operation(self, key: Key, use: str) -> str:
        """The parts are hashed: by SHAKE256 if nothing else."""
        return "sha3-256" if self.prehash is None else self.prehash.operation

    def context(self, params: bytes) -> bytes:
        """The context of the parameters, empty without any."""
        if not params:
            return b""
        hedge, context = parameters(self.number, params, wire.SignContext)
        check_context(hedge, context)
        return context

    def signature_bytes(self, key: Key, params: bytes) -> int:
        self.context(params)
        return set_of(key).output

    def sink(self, key: Key, params: bytes) -> Sink:
        context = self.context(params)
        if self.prehash is None:
            return _MuSink(key, context)
        which, public = self.prehash, public_of(key)
        return prehash.sink(which, lambda digest: _mu(public, which, context, digest))

    def closer(self, key: Key, params: bytes) -> Signer:
        self.context(params)
        return private_handle(key).sign_mu

    def checker(self, key: Key, params: bytes) -> Verifier:
        from cryptography.exceptions import InvalidSignature

        verify, size = public_handle(key).verify_mu, self.signature_bytes(key, params)

        def check(mu: bytes, signature: bytes) -> None:
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            try:
                verify(signature, mu)
            except InvalidSignature:
                raise Refused(ck.CKR_SIGNATURE_INVALID) from None

        return check

    def _represented(self, key: Key, params: bytes, data: bytes) -> bytes:
        found = self.sink(key, params)
        found.update(data)
        return found.digest()

    def signer(self, key: Key, params: bytes) -> Signer:
        close = self.closer(key, params)
        return lambda data: close(self._represented(key, params, data))

    def verifier(self, key: Key, params: bytes) -> Verifier:
        check = self.checker(key, params)
        return lambda data, signature: check(self._represented(key, params, data), signature)


class GivenHash(MlDsa):
    """CKM_HASH_ML_DSA: the caller has hashed, and says by what."""

    __slots__ = ()

    def __init__(self, number: int) -> None:
        super().__init__(number, None)

    def feed_operation(self, key: Key, use: str) -> str:
        return QUERY

    def _chosen(self, params: bytes) -> tuple[Prehash, bytes]:
        hedge, hash, context = parameters(self.number, params, wire.HashSignContext)
        check_context(hedge, context)
        if hash not in BY_DIGEST:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return BY_DIGEST[hash], context

    def context(self, params: bytes) -> bytes:
        return self._chosen(params)[1]

    def sink(self, key: Key, params: bytes) -> Sink:
        return Gather()

    def closer(self, key: Key, params: bytes) -> Signer:
        close = super().closer(key, params)
        return lambda digest: close(self._given(key, params, digest))

    def checker(self, key: Key, params: bytes) -> Verifier:
        check = super().checker(key, params)
        return lambda digest, signature: check(self._given(key, params, digest), signature)

    def _represented(self, key: Key, params: bytes, data: bytes) -> bytes:
        return data

    def _given(self, key: Key, params: bytes, digest: bytes) -> bytes:
        which, context = self._chosen(params)
        if len(digest) != which.size:
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        return _mu(public_of(key), which, context, digest)


def check_context(hedge: int, context: bytes) -> None:
    """Refuse longer contexts than FIPS 204, 5.2, allows, and what the library has not: signatures
    without hedging.
    """
    if hedge not in HEDGES or len(context) > MAX_CONTEXT:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)


class _MuSink:
    """Hashes the parts of a message to mu."""

    __slots__ = ("digest", "update")

    def __init__(self, key: Key, context: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSAMuHasher

        hasher = MLDSAMuHasher(public_handle(key), context)
        self.update = hasher.update
        self.digest = hasher.finalize


def _mu(public: bytes, which: Prehash, context: bytes, digest: bytes) -> bytes:
    """The representative of a hashed message (FIPS 204, algorithm 7, line 6)."""
    head = hashlib.shake_256(public).digest(64)
    return hashlib.shake_256(head + prehash.message(which, context, digest)).digest(64)


# The first case of kat_MLDSA_44_det_pure.rsp (cryptography_vectors): seed, the SHA-256 of its
# public key, message.
_SEED = bytes.fromhex("f696484048ec21f96cf50a56d0759c448f3779752f0383d37449690694cf7a68")
_PUBLIC_SHA256 = bytes.fromhex("18288249b90bcbd48d473d2a507cc3c1e95e040f639ac3333a8ed1891de14552")
_MESSAGE = bytes.fromhex("6dbbc4375136df3b07f7c70e639e223e")


def known_answers() -> bool:
    """The seed makes the public key above, a signature of either kind holds, another does not."""
    private = seeded_key(ML_DSA[0], _SEED)
    if hashlib.sha256(public_of(private)).digest() != _PUBLIC_SHA256:
        return False
    public = Key(ck.CKO_PUBLIC_KEY, ck.CKK_ML_DSA, private.bits, public_of(private))
    for mechanism in (MlDsa(ck.CKM_ML_DSA, None), MlDsa(ck.CKM_HASH_ML_DSA_SHA256, PREHASHES[1])):
        check = mechanism.verifier(public, b"")
        signature = mechanism.signer(private, b"")(_MESSAGE)
        check(_MESSAGE, signature)
        try:
            check(_MESSAGE + b"\0", signature)
        except Refused:
            continue
        return False
    return True


def register(table: Table) -> None:
    """Add ML-DSA, HashML-DSA with every hash, and key pair generation."""
    flags = ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR
    keygen = MlDsaKeyPairGen(
        ck.CKM_ML_DSA_KEY_PAIR_GEN, ML_DSA[0].public, ML_DSA[-1].public, flags, ck.CKK_ML_DSA
    )
    hashed = [MlDsa(each.ml_dsa, each) for each in PREHASHES if each.ml_dsa is not None]
    pure = MlDsa(ck.CKM_ML_DSA, None)
    given = GivenHash(ck.CKM_HASH_ML_DSA)
    table.register("mldsa", known_answers, [keygen, pure, given, *hashed])
