"""ML-KEM: key pairs, encapsulation, decapsulation (PKCS #11 3.2, 6.68; FIPS 203).

Material of a public key: the encapsulation key. Of a private key: the 64-byte seed and the
encapsulation key, or the decapsulation key in full, which has the encapsulation key inside it; the
length tells which. Seeds are `cryptography`'s form, which knows no ML-KEM-512; full keys, and
ML-KEM-512 altogether, are pqcrypto's.
"""

import hashlib
from types import ModuleType
from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.parameter_sets import ML_KEM, SHARED_SECRET, ParameterSet
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import (
    Attributes,
    Draw,
    KeyPair,
    Mechanism,
    no_parameters,
)
from ghostcard.firmware.mechanisms.parameter_set import set_of, wanted
from ghostcard.firmware.mechanisms.public import raw_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mlkem import (
        MLKEM768PrivateKey,
        MLKEM768PublicKey,
    )


def public_of(key: Key) -> bytes:
    """The encapsulation key of a private key."""
    chosen = set_of(key)
    if len(key.material) == chosen.private:  # behind the secret vector, 384 bytes a dimension
        start = chosen.public - 32
        return key.material[start : start + chosen.public]
    return key.material[chosen.seed :]


def seeded_key(chosen: ParameterSet, seed: bytes) -> Key:
    """The private key that FIPS 203, 7.1, makes of d || z."""
    handle = _class(chosen, "PrivateKey").from_seed_bytes(seed)
    material = seed + handle.public_key().public_bytes_raw()
    key = Key(ck.CKO_PRIVATE_KEY, ck.CKK_ML_KEM, 8 * chosen.public, material)
    key.handle = handle
    return key


def full_key(chosen: ParameterSet, decapsulation_key: bytes) -> Key:
    """A private key in full; refused unless it has its hash inside and works (FIPS 203, 7.3)."""
    key = Key(ck.CKO_PRIVATE_KEY, ck.CKK_ML_KEM, 8 * chosen.public, decapsulation_key)
    if len(decapsulation_key) != chosen.private:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    public = public_of(key)
    if hashlib.sha3_256(public).digest() != decapsulation_key[-64:-32]:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    library = _library(chosen)
    try:
        ciphertext, secret = library.encaps(public)
        works = library.decaps(decapsulation_key, ciphertext) == secret
    except ValueError:
        works = False
    if not works:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return key


def _library(chosen: ParameterSet) -> ModuleType:
    """The module of pqcrypto for a parameter set."""
    from importlib import import_module

    import_module("pqcrypto.kem")
    return import_module(f"pqcrypto.kem.ml_kem_{chosen.name.removeprefix('mlkem')}")


def _class(chosen: ParameterSet, half: str) -> "type[MLKEM768PrivateKey]":
    """The class of `cryptography` for a parameter set; those of one half are alike."""
    from cryptography.hazmat.primitives.asymmetric import mlkem

    return cast(
        "type[MLKEM768PrivateKey]", getattr(mlkem, f"{chosen.name.upper()}{half}")
    )  # fmt: skip


class MlKemKeyPairGen(Mechanism):
    """CKM_ML_KEM_KEY_PAIR_GEN; CKA_PARAMETER_SET of the public template says which."""

    __slots__ = ()
    counts_bytes = True

    def pair_operation(self, public: Attributes) -> str:
        return f"{wanted(public, ML_KEM).name}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        chosen = wanted(public, ML_KEM)
        if chosen.seed:
            key = seeded_key(chosen, draw(chosen.seed))
        else:
            _, full = _library(chosen).keygen()
            key = Key(ck.CKO_PRIVATE_KEY, ck.CKK_ML_KEM, 8 * chosen.public, full)
        return KeyPair(key, raw_spki(chosen, public_of(key)))

    def null_pair(self, public: Attributes) -> KeyPair:
        chosen = wanted(public, ML_KEM)
        return KeyPair(null_key(chosen), raw_spki(chosen, bytes(chosen.public)))


def null_key(chosen: ParameterSet) -> Key:
    """A private key without a value, in the form that generation makes."""
    size = chosen.seed + chosen.public if chosen.seed else chosen.private
    return Key(
        ck.CKO_PRIVATE_KEY, ck.CKK_ML_KEM, 8 * chosen.public, bytes(size), is_null=True
    )  # fmt: skip


class MlKem(Mechanism):
    """CKM_ML_KEM."""

    __slots__ = ()
    counts_bytes = True

    def operation(self, key: Key, use: str) -> str:
        return f"{set_of(key).name}-{use}"

    def encapsulated_bytes(self, key: Key, params: bytes) -> tuple[int, int]:
        no_parameters(params)
        return SHARED_SECRET, set_of(key).output

    def encapsulate(self, key: Key, params: bytes, draw: Draw) -> tuple[bytes, bytes]:
        """Both libraries draw for themselves: neither takes randomness from outside."""
        no_parameters(params)
        chosen = set_of(key)
        try:
            if not chosen.seed:
                ciphertext, secret = _library(chosen).encaps(key.material)
                return secret, ciphertext
            return _public_handle(key).encapsulate()
        except ValueError:  # a coefficient beyond the modulus (FIPS 203, 7.2)
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None

    def decapsulate(self, key: Key, params: bytes, ciphertext: bytes) -> bytes:
        """The shared secret; of a forged ciphertext one that nobody else has (FIPS 203, 7.3)."""
        if len(ciphertext) != self.encapsulated_bytes(key, params)[1]:
            raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
        chosen = set_of(key)
        if len(key.material) == chosen.private:
            secret: bytes = _library(chosen).decaps(key.material, ciphertext)
            return secret
        return _private_handle(key).decapsulate(ciphertext)


def _private_handle(key: Key) -> "MLKEM768PrivateKey":
    if key.handle is None:
        chosen = set_of(key)
        seed = key.material[: chosen.seed]
        key.handle = _class(chosen, "PrivateKey").from_seed_bytes(seed)
    return cast("MLKEM768PrivateKey", key.handle)


def _public_handle(key: Key) -> "MLKEM768PublicKey":
    if key.handle is None:
        made = cast("type[MLKEM768PublicKey]", _class(set_of(key), "PublicKey"))
        key.handle = made.from_public_bytes(key.material)
    return cast("MLKEM768PublicKey", key.handle)


# The first case of NIST's ML-KEM key generation vectors as cryptography_vectors has them
# (kat_MLKEM_768.rsp): seed d || z, and the SHA-256 of its encapsulation key.
_SEED = bytes.fromhex(
    "6dbbc4375136df3b07f7c70e639e223e177e7fd53b161b3f4d57791794f12624"
    "f696484048ec21f96cf50a56d0759c448f3779752f0383d37449690694cf7a68"
)
_PUBLIC_SHA256 = bytes.fromhex("4bec4730f26273c6319ef7387dd4758315240a9394cd89264b148b9113060b61")


def known_answers() -> bool:
    """The seed makes the public key above, and both libraries agree with themselves."""
    mechanism = _mechanism()
    key = seeded_key(ML_KEM[1], _SEED)
    pairs = [KeyPair(key, b""), *(_new(chosen) for chosen in (ML_KEM[0], ML_KEM[2]))]
    for private, _ in pairs:
        public = Key(ck.CKO_PUBLIC_KEY, ck.CKK_ML_KEM, private.bits, public_of(private))
        secret, ciphertext = mechanism.encapsulate(public, b"", bytes)
        if mechanism.decapsulate(private, b"", ciphertext) != secret:
            return False
    return hashlib.sha256(public_of(key)).digest() == _PUBLIC_SHA256


def _new(chosen: ParameterSet) -> KeyPair:
    keygen = MlKemKeyPairGen(ck.CKM_ML_KEM_KEY_PAIR_GEN, 0, 0, 0, ck.CKK_ML_KEM)
    return keygen.generate_pair({ck.CKA_PARAMETER_SET: chosen.number}, bytes)


def _mechanism() -> MlKem:
    flags = ck.CKF_HW | ck.CKF_ENCAPSULATE | ck.CKF_DECAPSULATE
    return MlKem(ck.CKM_ML_KEM, ML_KEM[0].public, ML_KEM[-1].public, flags, ck.CKK_ML_KEM)


def register(table: Table) -> None:
    """Add ML-KEM and its key pair generation."""
    flags = ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR
    keygen = MlKemKeyPairGen(
        ck.CKM_ML_KEM_KEY_PAIR_GEN, ML_KEM[0].public, ML_KEM[-1].public, flags, ck.CKK_ML_KEM
    )
    table.register("mlkem", known_answers, [keygen, _mechanism()])
