"""The CCA coprocessor's host library: what Linux itself asks of such a card (AP sheet 3.4, 3.9).

RSA with keys in clear, random numbers, secure AES keys, facility query. Keys leave the card as
tokens under its AES master key, and can go to any card with the same one.
"""

import errno
from collections.abc import Callable
from typing import TypeVar

from ghostcard.driver.clear_rsa import exact, without_extra
from ghostcard.driver.errors import CcaError, DriverError
from ghostcard.driver.port import Port
from ghostcard.driver.ratings import RequestClass, rsa_class
from ghostcard.firmware.abi import cca_facility, cca_function, cca_message, cca_rsa, cca_token
from ghostcard.firmware.abi.cca_facility import Facility
from ghostcard.firmware.abi.cca_message import Entry, Parameters, Reply, Request
from ghostcard.firmware.abi.cprb import CPRBX_SIZE
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.type50 import ModExpoCrt

T = TypeVar("T")

_KG_ENTRIES = 6
_KG_MIDDLE = 2  # the one entry of KG's that has another flag
_GK_ENTRIES = 6
_QUERY_ROOM = CPRBX_SIZE + 2 + 10 + 2 + cca_function.QUERY_ROOM + 2
_RANDOM_ROOM = CPRBX_SIZE + 16


class CcaHost:
    """Requests to one of `targets` (qids), which share their master keys. Safe to use from several
    threads.

    Errors: DriverError(EINVAL) for what cannot be asked, CcaError for what the card refuses;
    of RSA that is DriverError(EINVAL) too.
    """

    def __init__(self, port: Port, targets: tuple[int, ...]) -> None:
        self._port = port
        self._targets = tuple(targets)

    # -- RSA with keys in clear ----------------------------------------------------------------

    def mod_expo(self, n: bytes, e: bytes, data: bytes) -> bytes:
        """`data ** e mod n`, all three of one length, 16..512 bytes."""
        if not len(n) == len(e) == len(data):
            lengths = f"{len(n)}, {len(e)} and {len(data)}"
            raise DriverError(errno.EINVAL, f"modulus, exponent and data of {lengths} bytes differ")
        self._require_modulus(len(data))
        token = _packed(lambda: cca_rsa.pack_modulus(e, n))
        asked = _rsa(cca_function.ENCRYPT, cca_function.RULE_ENCRYPT, data, token)
        room = cca_function.RSA_REPLY_ROOM
        return self._exponentiated(asked, rsa_class(len(data), False), len(data), room)

    def mod_expo_crt(
        self, p: bytes, q: bytes, dp: bytes, dq: bytes, u: bytes, data: bytes
    ) -> bytes:
        """`data ** d mod p * q` by primes, where `u` is `q ** -1 mod p`; data of 16..512 bytes.

        Lengths as of `ghostcard.driver.accelerator.AcceleratorHost.mod_expo_crt`.
        """
        self._require_modulus(len(data))
        half = (len(data) + 1) // 2
        p, dp, u = (without_extra(name, v, half) for name, v in (("p", p), ("dp", dp), ("u", u)))
        q, dq = (exact(name, v, half) for name, v in (("q", q), ("dq", dq)))
        key = ModExpoCrt(p, q, dp, dq, u, data)
        token = _packed(lambda: cca_rsa.pack_primes(key, len(data)))
        asked = _rsa(cca_function.DECRYPT, cca_function.RULE_DECRYPT, data, token)
        room = CPRBX_SIZE + len(cca_message.pack_parameters(asked))
        return self._exponentiated(asked, rsa_class(len(data), True), len(data), room)

    def _require_modulus(self, size: int) -> None:
        if not cca_function.MIN_MODULUS <= size <= cca_function.MAX_MODULUS:
            raise DriverError(errno.EINVAL, f"modulus of {size} bytes; 16 to 512 are possible")

    def _exponentiated(self, asked: Parameters, function: int, size: int, room: int) -> bytes:
        """The result, right-justified in as many bytes as the data had."""
        found = self._ask(asked, room, function=function).parameters.data
        if len(found) > size:
            raise DriverError(errno.EINVAL, f"a result of {len(found)} bytes, {size} fit")
        return found.rjust(size, b"\0")

    # -- random numbers and keys ---------------------------------------------------------------

    def random(self, count: int) -> bytes:
        """`count` random bytes, 1..8192; the kernel asks for 4096 at a time."""
        if not 0 < count <= cca_function.RANDOM_MOST:
            raise DriverError(errno.EINVAL, f"{count} random bytes; 1 to 8192 are possible")
        asked = Parameters(cca_function.RANDOM_LONG, (cca_function.RULE_RANDOM,))
        data = self._ask(asked, _RANDOM_ROOM, count, RequestClass.RNG).data
        if len(data) != count:
            raise DriverError(errno.EIO, f"{len(data)} random bytes instead of {count}")
        return data

    def generate_data_key(self, bits: int) -> bytes:
        """KG: the DATA token of a new AES key of 128, 192 or 256 bits."""
        words = (cca_function.OP, _key_length(bits), cca_function.AESDATA, bytes(8))
        flags = [cca_function.FLAG_IN] * _KG_ENTRIES
        flags[_KG_MIDDLE] = cca_function.FLAG_OUT
        keys = tuple(Entry(flag, bytes(cca_token.DATA_SIZE)) for flag in flags)
        return self._token(Parameters(cca_function.GENERATE_DATA, (), b"".join(words), keys))

    def import_data_key(self, key: bytes) -> bytes:
        """CM: the DATA token of an AES key in clear."""
        _key_length(8 * len(key))
        places = (Entry(cca_function.FLAG_OUT, bytes(cca_token.DATA_SIZE)),)
        asked = Parameters(cca_function.IMPORT_DATA, (cca_function.AES,), key, places)
        return self._token(asked)

    def generate_cipher_key(self, bits: int) -> bytes:
        """GK: the CIPHER token of a new AES key of 128, 192 or 256 bits."""
        _key_length(bits)
        data = cca_function.TOKEN + b"".ljust(8) + bits.to_bytes(2, "big") + bytes(8)
        values = [b""] * _GK_ENTRIES
        values[2] = cca_token.SKELETON
        keys = tuple(Entry(cca_function.FLAG_OUT, value) for value in values)
        rules = (cca_function.AES, cca_function.OP)
        return self._token(Parameters(cca_function.GENERATE_CIPHER, rules, data, keys))

    def import_cipher_key(self, key: bytes) -> bytes:
        """IP: the CIPHER token of an AES key in clear, in four requests to one card.

        A random part goes in, the key, and the random part again, since parts are XORed.
        """
        _key_length(8 * len(key))
        mask = self.random(len(key))
        rules = (cca_function.FIRST, cca_function.MIN3PART)
        token = self.import_part(cca_token.SKELETON, rules, mask)
        for part in (key, mask):
            token = self.import_part(token, (cca_function.ADD_PART,), part)
        return self.import_part(token, (cca_function.COMPLETE,), b"")

    def import_part(self, token: bytes, rules: tuple[bytes, ...], part: bytes) -> bytes:
        """One step of it: the token after `part` has gone into `token`."""
        entries = (
            Entry(cca_function.FLAG_KEY_BITS, (8 * len(part)).to_bytes(2, "big")),
            Entry(cca_function.FLAG_CLEAR_KEY, part),
        )
        keys = (Entry(cca_function.FLAG_OUT, token),)
        data = cca_message.pack_entries(entries)
        rules = (cca_function.AES, *rules)
        return self._token(Parameters(cca_function.IMPORT_PART, rules, data, keys))

    def _token(self, asked: Parameters) -> bytes:
        keys = self._ask(asked, cca_function.KEY_ROOM).parameters.keys
        if len(keys) != 1:
            raise DriverError(errno.EIO, f"{len(keys)} tokens in the reply, one expected")
        return keys[0].value

    # -- facility query ------------------------------------------------------------------------

    def facility(self, keyword: bytes = cca_function.STATICSB) -> Facility:
        """FQ: serial number and master key registers; STATICSA does not tell of APKA."""
        data = bytes(cca_function.QUERY_ROOM)
        asked = Parameters(cca_function.FACILITY_QUERY, (keyword,), data)
        found = self._ask(asked, _QUERY_ROOM).parameters
        return _parsed(lambda: cca_facility.unpack(found.rules, found.data, keyword))

    # -- one request ---------------------------------------------------------------------------

    def _ask(
        self, asked: Parameters, room: int, data_room: int = 0, function: int | None = None
    ) -> Reply:
        weight = cca_function.weight(asked.function) if function is None else function

        def render(domain: int) -> bytes:
            return cca_message.pack_request(Request(asked, domain, room, data_room))

        block, _ = self._port.call(weight, render, self._targets)
        reply = _parsed(lambda: cca_message.unpack_reply(block))
        if reply.rtcode:
            raise CcaError(reply.rtcode, reply.rscode, asked.function.decode("ascii"))
        if reply.parameters.function != asked.function:
            raise DriverError(errno.EIO, "the reply is to another function")
        return reply


def _rsa(function: bytes, rule: bytes, data: bytes, token: bytes) -> Parameters:
    return Parameters(function, (rule,), data, (Entry(0, token),))


def _key_length(bits: int) -> bytes:
    """The keyword for a size; DriverError(EINVAL) for one that no AES key has."""
    if bits % 8 or bits // 8 not in cca_function.KEYLN:
        raise DriverError(errno.EINVAL, f"an AES key of {bits} bits; 128, 192 and 256 are possible")
    return cca_function.KEYLN[bits // 8]


def _packed(pack: Callable[[], bytes]) -> bytes:
    try:
        return pack()
    except WireError as error:
        raise DriverError(errno.EINVAL, str(error)) from None


def _parsed(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except WireError as error:
        raise DriverError(errno.EIO, str(error)) from None
