"""A key inside the card: what an opened blob or a public key in clear becomes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.firmware.abi.controlpoints import ControlPoint

if TYPE_CHECKING:
    from ghostcard.firmware.mechanisms.mechanism import Mechanism

Signer = Callable[[bytes], bytes]  # data -> signature
Verifier = Callable[[bytes, bytes], None]  # data, signature; refuses what is not genuine
Transform = Callable[[bytes, bytes], bytes]  # mechanism parameters, data -> data
Placer = Callable[[bytes, memoryview, memoryview], int]  # parameters, data, out -> bytes written
Power = Callable[[bytes], bytes]  # message -> message ** exponent mod n, all as long as n

EVERYTHING: frozenset[int] = frozenset(ControlPoint)


class Key:
    """Type, size, rights and value of one key, with what has been prepared for its use.

    `material` is a fixed-width form for each kind (see the mechanism families); `bits` is the size
    of the modulus, curve or value. `is_null` marks a key of the `null` function track, which has
    zeros for a value. `variant` tells apart what has one type and size, such as two curves of 256
    bits (0 where there is nothing to tell). `points` are the control points of the domain that
    opened it. `power` does an RSA key's exponentiations where they are left to somebody else; on
    the `null` function track it is asked too, and its answer is of no account. The tables hold, for
    a mechanism used before, the function that does it, or in `ciphers` the mechanism of a
    multi-part use; the key's rights have been checked by then, and never change for one blob.
    """

    __slots__ = (
        "bits", "blob", "booleans", "ciphers", "decrypters", "encrypters", "handle", "is_null",
        "key_type", "material", "object_class", "placers", "points", "power", "signers", "variant",
        "verifiers",
    )  # fmt: skip

    def __init__(
        self,
        object_class: int,
        key_type: int,
        bits: int,
        material: bytes,
        booleans: int = 0,
        is_null: bool = False,
        variant: int = 0,
    ) -> None:
        self.object_class = object_class
        self.key_type = key_type
        self.bits = bits
        self.material = material
        self.booleans = booleans
        self.points = EVERYTHING
        self.is_null = is_null
        self.variant = variant
        self.blob = b""
        self.handle: object = None  # the key as `cryptography` holds it, made at first need
        self.power: Power | None = None
        self.signers: dict[bytes, tuple[Signer, str]] = {}
        self.verifiers: dict[bytes, tuple[Verifier, str]] = {}
        self.encrypters: dict[bytes, tuple[Transform, str]] = {}
        self.decrypters: dict[bytes, tuple[Transform, str]] = {}
        self.placers: dict[tuple[str, bytes], Placer] = {}
        self.ciphers: dict[tuple[str, bytes], tuple[Mechanism, str]] = {}

    def __repr__(self) -> str:
        return f"<Key class {self.object_class} type {self.key_type:#x}, {self.bits} bits>"
