"""Key derivation by a pseudo-random function: counter, feedback, double pipeline (SP 800-108r1).

PKCS #11 3.2, "SP 800-108 Key Derivation": the caller says which fields go into each step, in their
order. Several keys are one after the other in what comes out.
"""

import hmac
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as pack
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.block import AES, DES3
from ghostcard.firmware.mechanisms.derivation import MAX_BYTES, SecretDerivation, of_hmac, within
from ghostcard.firmware.mechanisms.hashes import opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Derivation, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

COUNTER, FEEDBACK, DOUBLE_PIPELINE = "counter", "feedback", "double pipeline"
COUNTER_WIDTHS = (8, 16, 24, 32)  # bits
LENGTH_WIDTHS = (8, 16, 24, 32, 40, 48, 56, 64)
Make = Callable[[int, bytes], bytes]
"""A field's bytes, of the step's number and the iteration variable."""

_TWO, _THREE = struct.Struct(">II"), struct.Struct(">III")


class Prf(NamedTuple):
    """A pseudo-random function under a key; the size of its output in bytes."""

    size: int
    run: Callable[[bytes], bytes]


class Field(NamedTuple):
    """One field of a step's input."""

    kind: int
    value: bytes


def _bad() -> Refused:
    return Refused(ck.CKR_MECHANISM_PARAM_INVALID)


def fields_of(data: bytes) -> list[Field]:
    """The fields, parsed: type, length, value of each."""
    found, place = [], 0
    while place < len(data):
        try:
            kind, size = _TWO.unpack_from(data, place)
        except struct.error:
            raise _bad() from None
        place += 8 + size
        if place > len(data):
            raise _bad()
        found.append(Field(kind, data[place - size : place]))
    return found


class Kbkdf(SecretDerivation):
    """One of the three modes."""

    __slots__ = ("mode",)

    def __init__(self, number: int, mode: str) -> None:
        super().__init__(number)
        self.mode = mode

    def other_keys(self, params: bytes) -> tuple[bytes, ...]:
        fields = fields_of(parameters(self.number, params, wire.Kbkdf).fields)
        return tuple(value for kind, value in fields if kind == ck.CK_SP800_108_KEY_HANDLE)

    def _steps(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> "_Steps":
        parsed = parameters(self.number, params, wire.Kbkdf)
        if parsed.iv and self.mode != FEEDBACK:
            raise _bad()
        prf = _prf(key, parsed.prf)
        size = within(key_bytes, prf.size, MAX_BYTES)
        return _Steps(self.mode, prf, _with_keys(fields_of(parsed.fields), others), size, parsed.iv)

    def derived_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> int:
        return self._steps(key, others, params, key_bytes).size

    def derive_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> bytes:
        return self._steps(key, others, params, key_bytes).made()

    def derived_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> tuple[tuple[int, ...], int]:
        if not all(sizes):
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        self.derived_with(key, others, params, sum(sizes))
        return sizes, 0

    def derive_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> Derivation:
        self.derived_many(key, others, params, sizes)
        made, place, values = self.derive_with(key, others, params, sum(sizes)), 0, []
        for size in sizes:
            values.append(made[place : place + size])
            place += size
        return Derivation(tuple(values))


def _prf(key: Key, number: int) -> Prf:
    which = of_hmac(number)
    if which is not None:
        start = opener(which)
        return Prf(which.size, lambda data: hmac.new(key.material, data, start).digest())
    cipher = {ck.CKM_AES_CMAC: AES, ck.CKM_DES3_CMAC: DES3}.get(number)
    if cipher is None:
        raise _bad()
    if key.bits // 8 not in cipher.key_bytes:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    make = cipher.algorithm

    def run(data: bytes) -> bytes:
        from cryptography.hazmat.primitives.cmac import CMAC

        context = CMAC(make(key.material))
        context.update(data)
        return context.finalize()

    return Prf(cipher.block, run)


def _with_keys(fields: list[Field], others: tuple[Key, ...]) -> list[Field]:
    """The fields with the values of keys in the places of the keys."""
    values = iter(others)
    return [
        Field(ck.CK_SP800_108_BYTE_ARRAY, next(values).material)
        if field.kind == ck.CK_SP800_108_KEY_HANDLE
        else field
        for field in fields
    ]


class _Steps:
    """The steps of one derivation; refuses fields that the mode does not have."""

    def __init__(self, mode: str, prf: Prf, fields: list[Field], size: int, iv: bytes) -> None:
        self.mode = mode
        self.prf = prf
        self.size = size
        self.iv = iv
        self.count = -(-size // prf.size)
        kinds = [field.kind for field in fields]
        counters = kinds.count(ck.CK_SP800_108_COUNTER)
        lengths = kinds.count(ck.CK_SP800_108_DKM_LENGTH)
        if kinds.count(ck.CK_SP800_108_ITERATION_VARIABLE) != 1 or max(counters, lengths) > 1:
            raise _bad()
        if counters and mode == COUNTER:  # there the iteration variable is the counter
            raise _bad()
        self.parts = [(field.kind, self._maker(field)) for field in fields]

    def _maker(self, field: Field) -> Make:
        kind, value = field
        if kind == ck.CK_SP800_108_BYTE_ARRAY:
            return lambda step, variable: value
        if kind == ck.CK_SP800_108_DKM_LENGTH:
            length = self._length(value)
            return lambda step, variable: length
        if kind == ck.CK_SP800_108_ITERATION_VARIABLE and self.mode != COUNTER:
            if value:
                raise _bad()
            return lambda step, variable: variable
        if kind not in (ck.CK_SP800_108_ITERATION_VARIABLE, ck.CK_SP800_108_COUNTER):
            raise _bad()
        return self._counter(value)

    def _counter(self, value: bytes) -> Make:
        is_little, bits = _numbers(_TWO, value)
        if is_little not in (0, 1) or bits not in COUNTER_WIDTHS or self.count >> bits:
            raise _bad()
        size = bits // 8
        if is_little:
            return lambda step, variable: step.to_bytes(size, "little")
        return lambda step, variable: step.to_bytes(size, "big")

    def _length(self, value: bytes) -> bytes:
        method, is_little, bits = _numbers(_THREE, value)
        totals = {
            ck.CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS: 8 * self.size,
            ck.CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS: 8 * self.count * self.prf.size,
        }
        total = totals.get(method)
        if total is None or is_little not in (0, 1) or bits not in LENGTH_WIDTHS or total >> bits:
            raise _bad()
        return total.to_bytes(bits // 8, "little" if is_little else "big")

    def made(self) -> bytes:
        """The first `size` bytes of what the steps give."""
        return b"".join(self._outputs())[: self.size]

    def _outputs(self) -> Iterator[bytes]:
        variable = self._fixed() if self.mode == DOUBLE_PIPELINE else self.iv
        for step in range(1, self.count + 1):
            if self.mode == DOUBLE_PIPELINE:
                variable = self.prf.run(variable)
            made = self.prf.run(b"".join(make(step, variable) for _, make in self.parts))
            if self.mode == FEEDBACK:
                variable = made
            yield made

    def _fixed(self) -> bytes:
        """A(0) of the double pipeline: the fields that do not change (SP 800-108r1, 4.3)."""
        constant = (ck.CK_SP800_108_BYTE_ARRAY, ck.CK_SP800_108_DKM_LENGTH)
        return b"".join(make(0, b"") for kind, make in self.parts if kind in constant)


def _numbers(layout: struct.Struct, value: bytes) -> tuple[int, ...]:
    if len(value) != layout.size:
        raise _bad()
    return layout.unpack(value)


def field(kind: int, *value: bytes | int) -> bytes:
    """The bytes of a field; numbers are u32."""
    parts = (part if isinstance(part, bytes) else part.to_bytes(4, "big") for part in value)
    body = b"".join(parts)
    return _TWO.pack(kind, len(body)) + body


# NIST CAVS, "KBKDF counter mode", PRF HMAC-SHA-256, counter of 8 bits before the fixed data, the
# first case (nist-800-108-KBKDF-CTR.txt of cryptography_vectors).
_CTR_KEY = bytes.fromhex("3edc6b5b8f7aadbd713732b482b8f979286e1ea3b8f8f99c30c884cfe3349b83")
_CTR_FIXED = bytes.fromhex(
    "98e9988bb4cc8b34d7922e1c68ad692ba2a1d9ae15149571675f17a77ad49e80"
    "c8d2a85e831a26445b1f0ff44d7084a17206b4896c8112daad18605a"
)
_CTR_OUTPUT = bytes.fromhex("6c037652990674a07844732d0ad985f9")
# RFC 5869, A.1: the expansion of HKDF is the feedback mode without an IV.
_PRK = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
_INFO = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
_OKM = bytes.fromhex(
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
)
# TLS 1.2's PRF (RFC 5246, 5) is the double pipeline: secret, label and seed, output of the vector
# that was published on the IETF's TLS mailing list for P_SHA256.
_TLS_SECRET = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
_TLS_SEED = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
_TLS_OUTPUT = bytes.fromhex(
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
    "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
    "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
    "87347b66"
)
_VARIABLE = field(ck.CK_SP800_108_ITERATION_VARIABLE)


def _answers() -> Iterator[tuple[int, str, bytes, bytes, bytes]]:
    """Mechanism, mode, key, fields, output."""
    counter = field(ck.CK_SP800_108_ITERATION_VARIABLE, 0, 8)
    info, fixed, seed = (
        field(ck.CK_SP800_108_BYTE_ARRAY, value) for value in (_INFO, _CTR_FIXED, _TLS_SEED)
    )
    last = field(ck.CK_SP800_108_COUNTER, 0, 8)
    yield ck.CKM_SP800_108_COUNTER_KDF, COUNTER, _CTR_KEY, counter + fixed, _CTR_OUTPUT
    yield ck.CKM_SP800_108_FEEDBACK_KDF, FEEDBACK, _PRK, _VARIABLE + info + last, _OKM
    yield (
        ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF, DOUBLE_PIPELINE, _TLS_SECRET,
        _VARIABLE + seed, _TLS_OUTPUT,
    )  # fmt: skip


def known_answers() -> bool:
    """Each mode gives the output above."""
    for number, mode, value, fields, output in _answers():
        params = pack.pack(number, wire.Kbkdf(ck.CKM_SHA256_HMAC, b"", fields))[4:]
        key = secret_key(ck.CKK_GENERIC_SECRET, value)
        if Kbkdf(number, mode).derive_with(key, (), params, len(output)) != output:
            return False
    return True


def register(table: Table) -> None:
    """Add the three modes."""
    mechanisms = [
        Kbkdf(ck.CKM_SP800_108_COUNTER_KDF, COUNTER),
        Kbkdf(ck.CKM_SP800_108_FEEDBACK_KDF, FEEDBACK),
        Kbkdf(ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF, DOUBLE_PIPELINE),
    ]
    table.register("kbkdf", known_answers, mechanisms)
