"""PKCS #11 templates as attribute blocks."""

import errno

import pytest

from ghostcard import pkcs11 as p
from ghostcard.driver import template
from ghostcard.driver.errors import DriverError
from ghostcard.driver.exercise import ulong
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi.attributes import Attributes, Boolean


def test_what_the_card_needs_goes_and_the_rest_stays() -> None:
    block = template.pack(
        {
            p.CKA_LABEL: b"label",
            p.CKA_TOKEN: b"\1",
            p.CKA_ENCRYPT: b"\1",
            p.CKA_DECRYPT: b"\0",
            p.CKA_LOCAL: b"\1",  # the card's own business
            p.CKA_NEVER_EXTRACTABLE: b"\1",
            p.CKA_VALUE_LEN: ulong(32),
            p.CKA_PUBLIC_EXPONENT: b"\1\0\1",
        }
    )
    assert wire.unpack(block) == Attributes(
        mask=Boolean.ENCRYPT | Boolean.DECRYPT,
        values=Boolean.ENCRYPT,
        numbers=((p.CKA_VALUE_LEN, 32),),
        strings=((p.CKA_PUBLIC_EXPONENT, b"\1\0\1"),),
    )


def test_the_order_of_a_template_does_not_matter() -> None:
    pairs = [(p.CKA_VALUE_LEN, ulong(16)), (p.CKA_KEY_TYPE, ulong(p.CKK_AES)), (p.CKA_SIGN, b"\1")]
    assert template.pack(dict(pairs)) == template.pack(dict(pairs[::-1]))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (p.CKA_SIGN, b""),
        (p.CKA_SIGN, b"\1\0"),
        (p.CKA_VALUE_LEN, b"\1"),
        (p.CKA_VALUE_LEN, bytes(9)),
        (p.CKA_VALUE_LEN, ulong(1 << 32)),
        (p.CKA_PUBLIC_EXPONENT, bytes(20000)),
    ],
)
def test_values_of_impossible_size(attribute: int, value: bytes) -> None:
    with pytest.raises(DriverError) as caught:
        template.pack({attribute: value})
    assert caught.value.code == errno.EINVAL


def test_a_question_names_attributes_and_the_answer_is_a_template() -> None:
    block = template.question((p.CKA_SIGN, p.CKA_LOCAL, p.CKA_VALUE_LEN, p.CKA_SIGN))
    asked = wire.unpack(block)
    assert asked.mask == Boolean.SIGN | Boolean.LOCAL
    assert asked.numbers == ((p.CKA_VALUE_LEN, 0),)
    answer = asked._replace(values=int(Boolean.LOCAL), numbers=((p.CKA_VALUE_LEN, 24),))
    assert template.unpack(wire.pack(answer)) == {
        p.CKA_SIGN: b"\0",
        p.CKA_LOCAL: b"\1",
        p.CKA_VALUE_LEN: ulong(24),
    }
