"""The functions of a CCA coprocessor: parameters of a request in, those of its reply out.

Key import in parts (IP): parts are XORed, and the token that travels to and fro holds what is there
so far. A key of three parts or more needs two more after FIRST, one more after the next, and only
then can it be completed; until then it can be used for nothing.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ghostcard.emulator.image import Services
from ghostcard.firmware import clear_rsa
from ghostcard.firmware.abi import cca_facility, cca_function, cca_rsa, cca_token, type50
from ghostcard.firmware.abi.cca_facility import Facility, MasterKey
from ghostcard.firmware.abi.cca_function import BAD_DATA, BAD_KEY, BAD_SIZE, BAD_TOKEN, UNKNOWN_RULE
from ghostcard.firmware.abi.cca_message import Entry, Parameters, Request, unpack_entries
from ghostcard.firmware.abi.cca_token import NO_PART, ONE_PART, TWO_PARTS, CipherToken
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import KEY_IMPORT, QUERY
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt
from ghostcard.firmware.cca import aeskeys, masterkeys
from ghostcard.firmware.cca.refusal import Refused

SERIAL = "cca.serial"  # in NVRAM: 8 characters

_AFTER_PART = {TWO_PARTS: ONE_PART, ONE_PART: NO_PART, NO_PART: NO_PART}


class Result(NamedTuple):
    """What a function gives: reply parameters, reply data, operation, payload bytes."""

    parameters: Parameters
    data: bytes
    operation: str
    payload_bytes: int


class Functions:
    """The functions of one card, by code. Each raises `Refused` for what it does not do."""

    def __init__(self, services: Services) -> None:
        self._nvram = services.nvram
        self._draw = services.random.bytes
        self._is_null = services.function == "null"
        draw = self._draw
        self._serial = services.nvram.create(SERIAL, lambda: draw(4).hex().upper().encode("ascii"))
        self._masters: dict[int, tuple[bytes, bytes]] = {}
        for domain in services.domains:
            for kind, size in masterkeys.KEY_SIZES.items():
                name = masterkeys.nvram_name(domain, kind)
                services.nvram.create(name, partial(draw, size))
        self.table: dict[bytes, Callable[[Request], Result]] = {
            cca_function.ENCRYPT: self._encrypt,
            cca_function.DECRYPT: self._decrypt,
            cca_function.RANDOM_LONG: self._random,
            cca_function.GENERATE_DATA: self._generate_data,
            cca_function.IMPORT_DATA: self._import_data,
            cca_function.GENERATE_CIPHER: self._generate_cipher,
            cca_function.IMPORT_PART: self._import_part,
            cca_function.FACILITY_QUERY: self._facility,
        }

    def forget(self, domain: int) -> None:
        """Drop what is in card memory of a domain."""
        self._masters.pop(domain, None)

    # -- RSA with keys in clear ----------------------------------------------------------------

    def _encrypt(self, request: Request) -> Result:
        asked = _ruled(request, cca_function.RULE_ENCRYPT)
        try:
            key = cca_rsa.unpack_modulus(_only_key(asked), asked.data)
        except WireError:
            raise Refused(BAD_KEY) from None
        return self._exponentiation(asked, key, len(key.modulus), "me")

    def _decrypt(self, request: Request) -> Result:
        asked = _ruled(request, cca_function.RULE_DECRYPT)
        try:
            key, size = cca_rsa.unpack_primes(_only_key(asked), asked.data)
        except WireError:
            raise Refused(BAD_KEY) from None
        return self._exponentiation(asked, key, size, "crt")

    def _exponentiation(
        self, asked: Parameters, key: ModExpo | ModExpoCrt, size: int, kind: str
    ) -> Result:
        if not cca_function.MIN_MODULUS <= size <= cca_function.MAX_MODULUS:
            raise Refused(BAD_SIZE)
        if len(asked.data) > size:
            raise Refused(BAD_DATA)
        try:
            number = clear_rsa.result(key, self._is_null)
            data = number.to_bytes(size, "big")
        except (WireError, OverflowError):
            raise Refused(BAD_DATA) from None
        operation = f"rsa{8 * type50.width(size)}-{kind}"
        return Result(Parameters(asked.function, data=data), b"", operation, size)

    # -- random numbers and keys ---------------------------------------------------------------

    def _random(self, request: Request) -> Result:
        asked = _ruled(request, cca_function.RULE_RANDOM)
        count = request.reply_data_room
        if not 0 < count <= cca_function.RANDOM_MOST:
            raise Refused(BAD_SIZE)
        data = bytes(count) if self._is_null else self._draw(count)
        return Result(Parameters(asked.function), data, "random", count)

    def _generate_data(self, request: Request) -> Result:
        asked = _ruled(request)
        words = [asked.data[at : at + 8] for at in range(0, len(asked.data), 8)]
        sizes = {word: size for size, word in cca_function.KEYLN.items()}
        size = sizes.get(words[1]) if len(words) > 2 else None
        if size is None or (words[0], words[2]) != (cca_function.OP, cca_function.AESDATA):
            raise Refused(UNKNOWN_RULE)
        master, pattern = self._master(request.domain)
        token = aeskeys.seal_data(master, pattern, self._draw(size))
        return _key(asked.function, token, "aes-keygen", 0)

    def _import_data(self, request: Request) -> Result:
        asked = _ruled(request, cca_function.AES)
        key = _clear(asked.data)
        token = aeskeys.seal_data(*self._master(request.domain), key)
        return _key(asked.function, token, KEY_IMPORT, len(key))

    def _generate_cipher(self, request: Request) -> Result:
        asked = _ruled(request, cca_function.AES, cca_function.OP)
        bits = int.from_bytes(asked.data[16:18], "big")
        if asked.data[:8] != cca_function.TOKEN or len(asked.keys) < 3:
            raise Refused(UNKNOWN_RULE)
        if bits not in (128, 192, 256):
            raise Refused(BAD_SIZE)
        kind = _skeleton(asked.keys[2].value)
        token = aeskeys.seal_cipher(*self._master(request.domain), kind, self._draw(bits // 8))
        return _key(asked.function, token, "aes-keygen", 0)

    def _import_part(self, request: Request) -> Result:
        asked = request.parameters
        part = _part(asked.data)
        block = _only_key(asked)
        if asked.rules == (cca_function.AES, cca_function.FIRST, cca_function.MIN3PART):
            kind, key = _skeleton(block), _clear(part)
            left = TWO_PARTS
        else:
            kind, key = aeskeys.open_cipher(*self._master(request.domain), block)
            left = _next_parts(asked.rules, kind)
            if asked.rules[1] == cca_function.ADD_PART:
                if len(part) != len(key):
                    raise Refused(BAD_SIZE)
                key = bytes(one ^ other for one, other in zip(key, part, strict=True))
        kind = kind._replace(management2=left)
        token = aeskeys.seal_cipher(*self._master(request.domain), kind, key)
        return _key(asked.function, token, KEY_IMPORT, len(part))

    def _master(self, domain: int) -> tuple[bytes, bytes]:
        """The current AES master key and its pattern."""
        known = self._masters.get(domain)
        if known is None:
            key = self._nvram.read(masterkeys.nvram_name(domain, MasterKey.AES))
            if key is None:
                raise Refused(cca_function.OTHER_MASTER_KEY)
            known = self._masters[domain] = key, masterkeys.pattern(MasterKey.AES, key)
        return known

    # -- facility query ------------------------------------------------------------------------

    def _facility(self, request: Request) -> Result:
        asked = request.parameters
        if asked.rules not in ((cca_function.STATICSA,), (cca_function.STATICSB,)):
            raise Refused(UNKNOWN_RULE)
        found = {
            kind: masterkeys.registers(self._nvram, request.domain, kind) for kind in MasterKey
        }
        rules, data = cca_facility.pack(Facility(self._serial, found), asked.rules[0])
        return Result(Parameters(asked.function, rules, data), b"", QUERY, 0)


def _ruled(request: Request, *rules: bytes) -> Parameters:
    """The parameters, if they have these rules."""
    asked = request.parameters
    if asked.rules != rules:
        raise Refused(UNKNOWN_RULE)
    return asked


def _only_key(asked: Parameters) -> bytes:
    if len(asked.keys) != 1:
        raise Refused(BAD_TOKEN)
    return asked.keys[0].value


def _clear(key: bytes) -> bytes:
    if len(key) not in cca_function.KEY_BYTES:
        raise Refused(BAD_SIZE)
    return key


def _part(data: bytes) -> bytes:
    """The clear part among the entries of IP's data; empty for COMPLETE."""
    try:
        entries = dict(unpack_entries(data))
    except WireError:
        raise Refused(BAD_DATA) from None
    part = entries.get(cca_function.FLAG_CLEAR_KEY, b"")
    if int.from_bytes(entries.get(cca_function.FLAG_KEY_BITS, b""), "big") != 8 * len(part):
        raise Refused(BAD_SIZE)
    return part


def _skeleton(block: bytes) -> CipherToken:
    """What a key is to be; only of a token that has none."""
    try:
        token, payload = cca_token.unpack_cipher(block)
    except WireError:
        raise Refused(BAD_TOKEN) from None
    if payload or token.state != cca_token.NO_KEY:
        raise Refused(BAD_TOKEN)
    return token


def _next_parts(rules: tuple[bytes, ...], token: CipherToken) -> int:
    """How many parts a key needs after that step."""
    left = token.management2 & TWO_PARTS
    if not left:
        raise Refused(BAD_TOKEN)  # it is complete
    if rules == (cca_function.AES, cca_function.ADD_PART):
        return _AFTER_PART[left]
    if rules != (cca_function.AES, cca_function.COMPLETE):
        raise Refused(UNKNOWN_RULE)
    if left != NO_PART:
        raise Refused(BAD_TOKEN)
    return 0


def _key(function: bytes, token: bytes, operation: str, payload_bytes: int) -> Result:
    keys = (Entry(cca_function.FLAG_OUT, token),)
    return Result(Parameters(function, keys=keys), b"", operation, payload_bytes)
