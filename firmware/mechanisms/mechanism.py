"""What a mechanism is to the card: numbers for GetMechanismInfo, and functions it may offer.

`Mechanism` answers CKR_MECHANISM_INVALID to everything; a family overrides what it can do and says
so in its flags. Functions that do the work are *prepared*, once per key and mechanism, so that what
can be computed from these two is not computed again for each request.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn, Protocol, TypeVar

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.parameters import Parameters
from ghostcard.firmware.mechanisms.hashes import Hash, Sink, opener
from ghostcard.firmware.mechanisms.key import Key, Placer, Signer, Transform, Verifier
from ghostcard.firmware.mechanisms.refusal import Refused

P = TypeVar("P", bound=Parameters)
Hasher = Callable[[bytes | memoryview], bytes]
Draw = Callable[[int], bytes]  # the card's random source: that many bytes
Attributes = Mapping[int, int | bytes]

GATHER_LIMIT = 16 << 20  # bytes of a multi-part operation that must see its data as a whole


class KeyPair(NamedTuple):
    """A private key not yet wrapped, and its public key as DER SubjectPublicKeyInfo."""

    private: Key
    spki: bytes


class Derivation(NamedTuple):
    """What one derivation makes: values of keys, and data that is no secret of the card."""

    values: tuple[bytes, ...]
    data: bytes = b""


class CipherStream(Protocol):
    """A multi-part encryption or decryption: what comes out, as soon as it may."""

    def update(self, data: bytes, /) -> bytes: ...

    def finish(self) -> bytes: ...


class Holder:
    """A part of a multi-part operation that keeps what it is given: `held` bytes of card memory."""

    __slots__ = ("_data", "_limit")

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit

    @property
    def held(self) -> int:
        return len(self._data)

    def keep(self, data: bytes) -> None:
        """Refused above the limit, which bounds the memory one operation can take."""
        if len(self._data) + len(data) > self._limit:
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        self._data += data


class Gather(Holder):
    """A sink for signatures that must see their data as a whole."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(GATHER_LIMIT)

    def update(self, data: bytes, /) -> None:
        self.keep(data)

    def digest(self) -> bytes:
        return bytes(self._data)


def _invalid() -> NoReturn:
    raise Refused(ck.CKR_MECHANISM_INVALID)


class Mechanism:
    """One mechanism. Sizes are in bits, in bytes if `counts_bytes` (PKCS #11 3.2, 3.5)."""

    __slots__ = ("flags", "key_types", "maximum", "minimum", "number")
    counts_bytes = False
    keeps_secrecy = False
    """Of a derivation: whether its key can leave the card only if its bases can."""
    pads_in_front = False
    """Whether the zeros that fill up a value to be wrapped stand before it."""

    def __init__(
        self, number: int, minimum: int, maximum: int, flags: int, *key_types: int
    ) -> None:
        self.number = number
        self.minimum = minimum
        self.maximum = maximum
        self.flags = flags
        self.key_types = key_types

    def operation(self, key: Key, use: str) -> str:
        """The name under which the profile prices `use` (sign, verify, ...) of this key."""
        _invalid()

    def keyless_operation(self) -> str:
        """The name under which the profile prices what needs no key: a hash, a new secret key."""
        _invalid()

    def generate(self, key_bytes: int, draw: Draw) -> Key:
        """A new secret key of `key_bytes` bytes."""
        _invalid()

    def generate_from(self, params: bytes, key_bytes: int, draw: Draw) -> Key:
        """A new secret key by parameters, which few mechanisms have."""
        no_parameters(params)
        return self.generate(key_bytes, draw)

    def null_key(self, params: bytes, key_bytes: int) -> Key:
        """A key of zeros in its place, for the `null` function track."""
        return self.generate_from(params, key_bytes, bytes)  # bytes(n): n zeros

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        """A new key pair as the public template describes it."""
        _invalid()

    def null_pair(self, public: Attributes) -> KeyPair:
        """A key pair of the right sizes with no key in it, for the `null` function track."""
        _invalid()

    def pair_operation(self, public: Attributes) -> str:
        """The name under which the profile prices the generation of that pair."""
        _invalid()

    def signer(self, key: Key, params: bytes) -> Signer:
        """The function that signs whole messages."""
        _invalid()

    def verifier(self, key: Key, params: bytes) -> Verifier:
        """The function that checks signatures of whole messages."""
        _invalid()

    def sink(self, key: Key, params: bytes) -> Sink:
        """Takes the parts of a message; its digest goes to `closer` or `checker`."""
        _invalid()

    def closer(self, key: Key, params: bytes) -> Signer:
        """The function that signs what a sink has gathered."""
        _invalid()

    def checker(self, key: Key, params: bytes) -> Verifier:
        """The function that checks a signature of what a sink has gathered."""
        _invalid()

    def signature_bytes(self, key: Key, params: bytes) -> int:
        """Size of a signature."""
        _invalid()

    def encrypter(self, key: Key) -> Transform:
        """The function that encrypts whole messages; it takes the parameters of each."""
        _invalid()

    def decrypter(self, key: Key) -> Transform:
        """The function that decrypts whole messages."""
        _invalid()

    def encrypting_placer(self, key: Key) -> Placer | None:
        """As `encrypter`, from and to the caller's memory without a copy; None: it makes copies."""
        return None

    def decrypting_placer(self, key: Key) -> Placer | None:
        """As `decrypter`, likewise."""
        return None

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        """A multi-part encryption."""
        _invalid()

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        """A multi-part decryption."""
        _invalid()

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        """Size of the ciphertext of `size` bytes."""
        _invalid()

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        """Size of the plaintext of `size` bytes; the largest, if the data decides it."""
        _invalid()

    def released_bytes(self, use: str, size: int) -> int:
        """Bytes a multi-part encryption or decryption (`use`) has put out after `size` bytes in."""
        return size

    def feed_operation(self, key: Key, use: str) -> str:
        """The name under which the profile prices the parts of a multi-part operation."""
        return self.operation(key, use)

    def wrapper(self, key: Key) -> Transform:
        """The function that encrypts key values."""
        return self.encrypter(key)

    def unwrapper(self, key: Key) -> Transform:
        """The function that decrypts key values."""
        return self.decrypter(key)

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        """Size of a wrapped value of `size` bytes."""
        return self.encrypted_bytes(key, params, size)

    def hasher(self) -> Hasher:
        """The function that hashes whole messages; it keeps nothing of them."""
        _invalid()

    def hash_sink(self) -> Sink:
        """Hashes the parts of a message."""
        _invalid()

    def digest_bytes(self) -> int:
        """Size of a hash."""
        _invalid()

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        """The value of a derived secret key; None: as long as the mechanism makes it."""
        _invalid()

    def other_keys(self, params: bytes) -> tuple[bytes, ...]:
        """The blobs of further keys that the parameters of a derivation hold."""
        return ()

    def derive_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> bytes:
        """As `derive`, of a key and further keys."""
        return self.derive(key, params, key_bytes)

    def derived_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> int:
        """Size of that value."""
        return self.derived_bytes(key, params, key_bytes)

    def derive_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> Derivation:
        """The values of several keys of `sizes` bytes each (0: as many as the mechanism makes)."""
        _invalid()

    def derived_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> tuple[tuple[int, ...], int]:
        """Sizes of those values and of the data."""
        _invalid()

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        """Size of that value."""
        _invalid()

    def encapsulate(self, key: Key, params: bytes, draw: Draw) -> tuple[bytes, bytes]:
        """A new shared secret for the holder of the private key, and the ciphertext for him."""
        _invalid()

    def decapsulate(self, key: Key, params: bytes, ciphertext: bytes) -> bytes:
        """The shared secret of a ciphertext; refused (CKR_ENCRYPTED_DATA_LEN_RANGE) if it has
        another size.
        """
        _invalid()

    def encapsulated_bytes(self, key: Key, params: bytes) -> tuple[int, int]:
        """Sizes of shared secret and ciphertext."""
        _invalid()


class Signing(Mechanism):
    """A signature over data, or over the hash of data if the mechanism has one."""

    __slots__ = ("hash",)

    def __init__(
        self, number: int, minimum: int, maximum: int, which: Hash | None, *key_types: int
    ) -> None:
        flags = ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY
        super().__init__(number, minimum, maximum, flags, *key_types)
        self.hash = which

    def signer(self, key: Key, params: bytes) -> Signer:
        close = self.closer(key, params)
        if self.hash is None:
            return close
        start = opener(self.hash)
        return lambda data: close(start(data).digest())

    def verifier(self, key: Key, params: bytes) -> Verifier:
        check = self.checker(key, params)
        if self.hash is None:
            return check
        start = opener(self.hash)
        return lambda data, signature: check(start(data).digest(), signature)

    def feed_operation(self, key: Key, use: str) -> str:
        """The parts are hashed, or only kept."""
        return QUERY if self.hash is None else self.hash.operation

    def sink(self, key: Key, params: bytes) -> Sink:
        return Gather() if self.hash is None else opener(self.hash)()


def placed(transform: Transform) -> Placer:
    """A transformation that knows nothing of the caller's memory, by way of copies."""

    def place(params: bytes, data: memoryview, out: memoryview) -> int:
        result = transform(params, bytes(data))
        out[: len(result)] = result
        return len(result)

    return place


def no_parameters(params: bytes) -> None:
    """Refuse parameters where the mechanism has none."""
    if params:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)


def parameters(number: int, params: bytes, family: type[P]) -> P:
    """The parameters of a mechanism, parsed; refused if they are not of its family."""
    try:
        parsed = wire.unpack(number.to_bytes(4, "big") + params).parameters
    except WireError:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID) from None
    if not isinstance(parsed, family):
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return parsed
