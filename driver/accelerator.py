"""The accelerator's host library: RSA with keys in clear (AP sheet 3.1, 3.2, 4.1).

The length of the input in bytes, not the size of the key in bits, chooses format and request class.
Numbers are unsigned and big-endian; results are as long as the input, right-justified.
"""

import errno

from ghostcard.driver.clear_rsa import exact, without_extra
from ghostcard.driver.errors import DriverError
from ghostcard.driver.port import Port
from ghostcard.driver.ratings import rsa_class
from ghostcard.firmware.abi import type50, type80
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt


class AcceleratorHost:
    """Modular exponentiation by one of `targets` (qids). Safe to use from several threads."""

    def __init__(self, port: Port, targets: tuple[int, ...]) -> None:
        self._port = port
        self._targets = tuple(targets)

    def mod_expo(self, n: bytes, e: bytes, data: bytes) -> bytes:
        """`data ** e mod n`, all three of one length, 1..512 bytes.

        DriverError(EINVAL) for other lengths and for operands the card refuses.
        """
        if not len(n) == len(e) == len(data):
            raise DriverError(
                errno.EINVAL,
                f"modulus, exponent and data of {len(n)}, {len(e)} and {len(data)} bytes differ",
            )
        return self._perform(ModExpo(e, n, data), len(data))

    def mod_expo_crt(
        self, p: bytes, q: bytes, dp: bytes, dq: bytes, u: bytes, data: bytes
    ) -> bytes:
        """`data ** d mod p * q` by primes, where `u` is `q ** -1 mod p`.

        With data of L bytes, 1..512: q and dq have (L + 1) // 2 bytes; p, dp and u may have 8 more
        in front, which are zero and are skipped. DriverError(EINVAL) as `mod_expo`.
        """
        half = (len(data) + 1) // 2
        long = (without_extra(name, v, half) for name, v in (("p", p), ("dp", dp), ("u", u)))
        short = (exact(name, v, half) for name, v in (("q", q), ("dq", dq)))
        (p, dp, u), (q, dq) = long, short
        return self._perform(ModExpoCrt(p, q, dp, dq, u, data), len(data))

    def _perform(self, request: ModExpo | ModExpoCrt, length: int) -> bytes:
        try:
            block = type50.pack(request, length)
        except WireError as error:
            raise DriverError(errno.EINVAL, str(error)) from None
        function = rsa_class(length, isinstance(request, ModExpoCrt))
        reply, _ = self._port.call(function, lambda domain: block, self._targets)
        try:
            return type80.unpack(reply, length)
        except WireError as error:
            raise DriverError(errno.EIO, str(error)) from None
