"""Public keys that no card can use: refused when they come in, as the card refuses them later."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.driver.exercise_domains import domain
from ghostcard.firmware.mechanisms import dsa, rsa
from ghostcard.firmware.mechanisms import ec as card_ec
from ghostcard.firmware.mechanisms.public import public_key
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.module import public_keys, spki
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.curves import CURVES, P256, Curve
from ghostcard.module.encoding import big, ulong
from ghostcard.module.template import Attributes
from tests.module.program import Program, Value, Values, attributes, mechanism, refusing

PRIME, ORDER, BASE = domain(1024)
MODULUS = (1 << 2047) + 12345
PRIME_CURVES = [curve for curve in CURVES if curve.key_type == ck.CKK_EC]
GROUPS = {
    "secp192r1": ec.SECP192R1(),
    "secp224r1": ec.SECP224R1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}


def rsa_key(modulus: int = MODULUS, exponent: int = 65537) -> Values:
    return {"KEY_TYPE": ck.CKK_RSA, "MODULUS": big(modulus), "PUBLIC_EXPONENT": big(exponent)}


def point(curve: Curve, x: int, y: int) -> Values:
    coordinates = (number.to_bytes(curve.coordinate, "big") for number in (x, y))
    encoded = b"".join((b"\4", *coordinates))
    return {"KEY_TYPE": curve.key_type, "EC_PARAMS": curve.oid, "EC_POINT": encoded}


def in_field(key_type: int, **changes: Value) -> Values:
    values: Values = {"PRIME": PRIME, "BASE": BASE, "VALUE": b"\2"}
    if key_type != ck.CKK_DH:
        values["SUBPRIME"] = ORDER
    return {"KEY_TYPE": key_type, **values, **changes}


_P = int.from_bytes(PRIME, "big")
_KEM: Values = {"KEY_TYPE": ck.CKK_ML_KEM, "PARAMETER_SET": ck.CKP_ML_KEM_512}
UNUSABLE: dict[str, Values] = {
    "an even modulus": rsa_key(MODULUS - 1),
    "an exponent of 1": rsa_key(exponent=1),
    "an even exponent": rsa_key(exponent=65538),
    "an exponent too long for the card": rsa_key(exponent=(1 << 64) + 1),
    "an exponent that is the modulus": rsa_key((1 << 511) + 1, (1 << 511) + 1),
    "a modulus of 511 bits": rsa_key((1 << 510) + 1),
    "a modulus of 16,385 bits": rsa_key((1 << 16384) + 1),
    "a point at zero": point(P256, 0, 0),
    "a point beyond the prime": point(P256, (1 << 256) - 1, (1 << 256) - 1),
    "a short point": {**point(P256, 0, 0), "EC_POINT": bytes(64)},
    "a value of 1 in DSA": in_field(ck.CKK_DSA, VALUE=b"\1"),
    "a value of p - 1 in DH": in_field(ck.CKK_DH, VALUE=big(_P - 1)),
    "a value of p in X9.42": in_field(ck.CKK_X9_42_DH, VALUE=PRIME),
    "an even prime": in_field(ck.CKK_DH, PRIME=big(_P + 1)),
    "a prime of a size that DSA has not": in_field(ck.CKK_DSA, PRIME=big((_P << 8) + 1)),
    "a base of 1": in_field(ck.CKK_DH, BASE=b"\1"),
    "a subprime of another prime": in_field(ck.CKK_X9_42_DH, SUBPRIME=big((1 << 159) + 1)),
    "ML-KEM beyond the prime": {**_KEM, "VALUE": b"\xff" * 800},
    "ML-KEM that is short": {**_KEM, "VALUE": bytes(799)},
    "ML-DSA that is short": {
        **{"KEY_TYPE": ck.CKK_ML_DSA, "PARAMETER_SET": ck.CKP_ML_DSA_44},
        "VALUE": bytes(1311),
    },
    "SLH-DSA that is short": {
        **{"KEY_TYPE": ck.CKK_SLH_DSA, "PARAMETER_SET": ck.CKP_SLH_DSA_SHA2_128S},
        "VALUE": bytes(31),
    },
}
for curve in CURVES:
    if curve.key_type != ck.CKK_EC:
        for how, more in (("short", -1), ("long", 1)):
            UNUSABLE[f"{curve.name} that is {how}"] = {
                **{"KEY_TYPE": curve.key_type, "EC_PARAMS": curve.oid},
                "EC_POINT": bytes(curve.coordinate + more),
            }


@pytest.mark.every_kind
@pytest.mark.parametrize("what", UNUSABLE)
def test_a_public_key_that_no_card_can_use_is_refused(program: Program, what: str) -> None:
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(CLASS=ck.CKO_PUBLIC_KEY, **UNUSABLE[what])
    assert program.find() == []


@pytest.mark.parametrize(
    "values",
    [in_field(ck.CKK_DSA, SUBPRIME=b"\7"), in_field(ck.CKK_DH, BASE=big(_P - 1))],
    ids=["subprime", "base"],
)
def test_a_domain_that_no_card_can_use_is_refused(program: Program, values: Values) -> None:
    del values["VALUE"]
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(CLASS=ck.CKO_DOMAIN_PARAMETERS, **values)


@pytest.mark.every_kind
@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [((1 << 511) + 1, 3), ((1 << 1000) + 1, 65537), (MODULUS, (1 << 64) - 1)],
)
def test_whatever_is_taken_can_be_used(program: Program, modulus: int, exponent: int) -> None:
    """No signature of such a key is known, so that all of them are wrong."""
    key = program.create(CLASS=ck.CKO_PUBLIC_KEY, **rsa_key(modulus, exponent))
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(mechanism(ck.CKM_RSA_PKCS), key, b"data", bytes(len(big(modulus))))


def test_sizes_are_those_of_the_mechanisms(library: Cryptoki) -> None:
    for number, sizes in (
        (ck.CKM_RSA_PKCS, public_keys.RSA_BITS),
        (ck.CKM_DSA, public_keys.PRIME_BITS[ck.CKK_DSA]),
        (ck.CKM_DH_PKCS_DERIVE, public_keys.PRIME_BITS[ck.CKK_DH]),
        (ck.CKM_X9_42_DH_DERIVE, public_keys.PRIME_BITS[ck.CKK_X9_42_DH]),
    ):
        info = library.get_mechanism_info(0, number)
        assert (info.min_key_size, info.max_key_size) == (sizes[0], sizes[-1])


def accepted(values: Values) -> bool:
    """Whether the card's own code makes a key of it that can be used."""
    found = wanted(values)
    try:
        key = public_key(spki.build(found))
        if key.key_type == ck.CKK_RSA:
            rsa.public_handle(key)
        elif key.key_type == ck.CKK_EC:
            card_ec.public_handle(key)
        elif key.key_type == ck.CKK_DSA:
            dsa.public_handle(key)
    except Refused:
        return False
    return True


def wanted(values: Values) -> Attributes:
    return dict(attributes(**values))


NEAR = st.sampled_from([1, 2, 3, 510, 511, 512, 1023, 1024, 1025, 2048])
EXPONENTS = st.integers(0, 70).map(lambda shift: 1 << shift) | st.integers(1, 1 << 65)


@settings(max_examples=300, deadline=None)
@given(NEAR, EXPONENTS, st.integers(-3, 3), st.integers(0, 1))
def test_rsa_is_judged_as_the_card_does(bits: int, exponent: int, more: int, odd: int) -> None:
    """But that of an even modulus the card makes a key, whose encryptions fail."""
    modulus = (1 << bits - 1) + odd
    values = rsa_key(modulus, max(1, exponent + more))
    is_usable = accepted(values) and modulus % 2 == 1
    assert (not public_keys.flaw(wanted(values))) == is_usable


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([ck.CKK_DSA, ck.CKK_DH, ck.CKK_X9_42_DH]),
    st.dictionaries(
        st.sampled_from(["PRIME", "SUBPRIME", "BASE", "VALUE"]),
        st.integers(1, 5) | st.integers(-3, 3).map(lambda more: _P + more),
        max_size=2,
    ),
)
def test_fields_are_judged_as_the_card_does(key_type: int, changes: dict[str, int]) -> None:
    if key_type == ck.CKK_DH:
        changes.pop("SUBPRIME", None)
    values = in_field(key_type, **{name: big(number) for name, number in changes.items()})
    assert (not public_keys.flaw(wanted(values))) == accepted(values)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PRIME_CURVES), st.integers(1, 1 << 128), st.integers(-2, 2), st.booleans())
def test_points_are_judged_as_the_card_does(
    curve: Curve, scalar: int, more: int, is_negative: bool
) -> None:
    """A point of the curve, its negative, and what lies beside them."""
    group = GROUPS[curve.name]
    numbers = ec.derive_private_key(scalar, group).public_key().public_numbers()
    prime = public_keys.prime_of(curve)
    y = (prime - numbers.y if is_negative else numbers.y) + more
    if not 0 <= y < 1 << 8 * curve.coordinate:
        return
    values = point(curve, numbers.x, y)
    assert (not public_keys.flaw(wanted(values))) == accepted(values) == (more == 0)


def test_encapsulation_keys_of_the_card_are_taken() -> None:
    value = mlkem.MLKEM768PrivateKey.generate().public_key().public_bytes_raw()
    kind = {ck.CKA_KEY_TYPE: ulong(ck.CKK_ML_KEM), ck.CKA_PARAMETER_SET: ulong(ck.CKP_ML_KEM_768)}
    assert public_keys.flaw({**kind, ck.CKA_VALUE: value}) == ""
    for place, beyond in ((0, b"\x01\x0d"), (1150, b"\x10\xd0")):  # 3329, low and high
        spoilt = value[:place] + beyond + value[place + 2 :]
        assert public_keys.flaw({**kind, ck.CKA_VALUE: spoilt}) != "", place


def test_what_makes_a_public_key_cannot_be_changed(program: Program) -> None:
    for values in (rsa_key(), in_field(ck.CKK_DSA, VALUE=BASE)):
        key = program.create(CLASS=ck.CKO_PUBLIC_KEY, **values)
        for name, value in values.items():
            change = attributes(**{name: value})
            with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
                program.library.set_attribute_value(program.session, key, change)
            with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
                program.library.copy_object(program.session, key, change)


def test_keys_of_cards_that_compute_nothing_are_taken(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs read a public key that was generated, and make an object of it, as Java does."""
    machine = home / "null.toml"
    machine.write_text('function = "null"\n')
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(machine))
    library = Cryptoki()
    library.initialize()
    program = Program(library)
    program.login()
    for (public, _), kind in (
        (program.rsa(), ("KEY_TYPE", "MODULUS", "PUBLIC_EXPONENT")),
        (program.ec(), ("KEY_TYPE", "EC_PARAMS", "EC_POINT")),
    ):
        program.create(
            CLASS=ck.CKO_PUBLIC_KEY, **{name: program.one(public, name) for name in kind}
        )
    library.finalize()
