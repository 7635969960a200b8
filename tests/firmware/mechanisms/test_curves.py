"""The curves' numbers against another implementation of them, OpenSSL's."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ghostcard.firmware.mechanisms.curves import CURVES, Curve


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_the_order_is_the_first_scalar_that_is_no_private_key(curve: Curve) -> None:
    openssl = getattr(ec, curve.title)()
    assert curve.order.bit_length() == openssl.key_size == curve.bits
    last = ec.derive_private_key(curve.order - 1, openssl)
    first = ec.derive_private_key(1, openssl)  # -1 times the generator mirrors the generator
    assert last.public_key().public_numbers().x == first.public_key().public_numbers().x
    with pytest.raises(ValueError, match="Invalid EC key"):
        ec.derive_private_key(curve.order, openssl)
