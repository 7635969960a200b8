"""A card without a bus: an image on services of its own, called verb by verb."""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.emulator import profile
from ghostcard.emulator.figures import with_figure
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.randomness import RandomSource
from ghostcard.firmware.abi import attributes, mechanism, reply, request, verbs
from ghostcard.firmware.abi.attributes import Attributes, Boolean
from ghostcard.firmware.abi.parameters import Gcm
from ghostcard.firmware.ep11.image import Ep11Image
from ghostcard.firmware.ep11.wrapping import WrappingKey
from ghostcard.firmware.mechanisms.curves import P256

ALL = Boolean.ENCRYPT | Boolean.DECRYPT | Boolean.SIGN | Boolean.VERIFY | Boolean.WRAP
ALL |= Boolean.UNWRAP | Boolean.DERIVE | Boolean.EXTRACTABLE
RESULT = verbs.VARIANT_RESULT
AES_IV = bytes(range(16))


class Services:
    """What a card sells to its image; see `ghostcard.emulator.image.Services`."""

    def __init__(
        self,
        function: str = "real",
        seed: int | None = 1,
        nvram: Nvram | None = None,
        domains: tuple[int, ...] = (0, 1),
    ) -> None:
        self.profile = profile.load("null")
        self.nvram = Nvram() if nvram is None else nvram
        self.random = RandomSource(seed)
        self.function = function
        self.domains = domains

    def change(self, key: str, value: int) -> int:
        """As a card: change a figure of the profile."""
        self.profile, before = with_figure(self.profile, key, value)
        return before


class Answer(NamedTuple):
    """What came back: return value, parameters, and what the image told the card."""

    rv: int
    values: tuple[bytes, ...]
    operation: str
    payload_bytes: int


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def template(
    booleans: int = 0,
    numbers: dict[int, int] | None = None,
    strings: dict[int, bytes] | None = None,
) -> bytes:
    """An attribute block that sets some booleans and leaves the rest to the card."""
    pairs = tuple((numbers or {}).items()), tuple((strings or {}).items())
    return attributes.pack(Attributes(int(booleans), int(booleans), *pairs))


def mech(number: int, params: bytes = b"") -> bytes:
    return u32(number) + params


CBC_PAD = mech(ck.CKM_AES_CBC_PAD, AES_IV)
ECDSA = mech(ck.CKM_ECDSA)


def gcm(iv: bytes = bytes(12), aad: bytes = b"", tag_bits: int = 128) -> bytes:
    return mechanism.pack(ck.CKM_AES_GCM, Gcm(tag_bits, iv, aad))


class Caller:
    """Calls one image; `ask` wants success and gives the parameters."""

    def __init__(self, services: Services | None = None) -> None:
        self.services = services or Services()
        self.image = Ep11Image()
        self.image.boot(self.services)

    def call(self, function: int, *params: bytes, domain: int = 0) -> Answer:
        block = request.pack(request.Head(function, domain), params)
        answer, operation, payload_bytes = self.image.perform(domain, block)
        head, rv, values = reply.unpack(answer)
        assert head == request.Head(function, domain)
        return Answer(rv, values, operation, payload_bytes)

    def ask(self, function: int, *params: bytes, domain: int = 0) -> tuple[bytes, ...]:
        answer = self.call(function, *params, domain=domain)
        assert hex(answer.rv) == "0x0"
        assert len(answer.values) == len(verbs.VERBS[function].reply)
        return answer.values

    def refused(self, rv: int, function: int, *params: bytes, domain: int = 0) -> Answer:
        """The request must be refused with exactly that value."""
        answer = self.call(function, *params, domain=domain)
        assert hex(answer.rv) == hex(rv)
        assert answer.values == ()
        return answer

    def wrapping(self, domain: int = 0) -> WrappingKey:
        """The current wrapping key of a domain."""
        found = self.image._domains[domain].wrapping
        assert found is not None
        return found

    def admin(
        self,
        command: int,
        payload: bytes = b"",
        counter: bytes = b"",
        signatures: bytes = b"",
        domain: int = 0,
    ) -> bytes:
        """An administrative command that succeeds."""
        params = (u32(command), payload, counter, signatures)
        return self.ask(verbs.ADMIN, *params, domain=domain)[0]

    def denied(
        self,
        reason: int,
        command: int,
        payload: bytes = b"",
        counter: bytes = b"",
        signatures: bytes = b"",
    ) -> None:
        """One that is refused for exactly this reason."""
        answer = self.call(verbs.ADMIN, u32(command), payload, counter, signatures)
        assert (hex(answer.rv), answer.values) == (hex(ck.CKR_FUNCTION_REJECTED), (u32(reason),))

    def aes(self, booleans: int = ALL, size: int = 32, domain: int = 0) -> bytes:
        key_gen = mech(ck.CKM_AES_KEY_GEN)
        params = (RESULT, u32(size), key_gen, template(booleans), b"")
        return self.ask(verbs.GENERATE_KEY, *params, domain=domain)[0]

    def secret(self, booleans: int = ALL, size: int = 32) -> bytes:
        key_gen = mech(ck.CKM_GENERIC_SECRET_KEY_GEN)
        params = (RESULT, u32(size), key_gen, template(booleans), b"")
        return self.ask(verbs.GENERATE_KEY, *params)[0]

    def ec(self, booleans: int = ALL, oid: bytes = P256.oid) -> tuple[bytes, bytes]:
        """Private blob and SPKI."""
        return self.pair(ck.CKM_EC_KEY_PAIR_GEN, booleans, strings={ck.CKA_EC_PARAMS: oid})

    def rsa(self, booleans: int = ALL, bits: int = 2048) -> tuple[bytes, bytes]:
        numbers = {ck.CKA_MODULUS_BITS: bits}
        return self.pair(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, booleans, numbers=numbers)

    def pair(
        self,
        number: int,
        booleans: int = ALL,
        numbers: dict[int, int] | None = None,
        strings: dict[int, bytes] | None = None,
    ) -> tuple[bytes, bytes]:
        public = template(0, numbers, strings)
        blob, spki = self.ask(
            verbs.GENERATE_KEY_PAIR, mech(number), public, template(booleans), b""
        )
        return blob, spki

    def encrypt(self, mechanism: bytes, key: bytes, data: bytes) -> bytes:
        return self.ask(verbs.ENCRYPT_SINGLE, RESULT, mechanism, key, data)[0]

    def decrypt(self, mechanism: bytes, key: bytes, data: bytes) -> bytes:
        return self.ask(verbs.DECRYPT_SINGLE, RESULT, mechanism, key, data)[0]

    def wrap(self, mechanism: bytes, key: bytes, kek: bytes) -> bytes:
        return self.ask(verbs.WRAP_KEY, RESULT, mechanism, key, kek, b"")[0]

    def unwrap(
        self, mechanism: bytes, kek: bytes, wrapped: bytes, asked: bytes
    ) -> tuple[bytes, bytes]:
        blob, checksum = self.ask(verbs.UNWRAP_KEY, asked, mechanism, kek, b"", b"", wrapped)
        return blob, checksum
