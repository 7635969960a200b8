"""Key pairs on every curve through Cryptoki, checked by the cryptographic library."""

import hashlib
from collections.abc import Callable
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils, x448, x25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.curves import (
    CURVES,
    ED448,
    ED25519,
    OCTET_TYPES,
    P256,
    P521,
    X448,
    X25519,
    Curve,
)
from ghostcard.module.encoding import ulong
from tests.module.program import Program, Values, attributes, mechanism, refusing

PRIME = [curve for curve in CURVES if curve.key_type == ck.CKK_EC]
EDWARDS = [ED25519, ED448]
MONTGOMERY = [X25519, X448]
KEYGEN = {
    ck.CKK_EC: ck.CKM_EC_KEY_PAIR_GEN,
    ck.CKK_EC_EDWARDS: ck.CKM_EC_EDWARDS_KEY_PAIR_GEN,
    ck.CKK_EC_MONTGOMERY: ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
}
HASHES = {
    name: (getattr(ck, f"CKM_ECDSA_{name}"), getattr(hashes, name)())
    for name in (
        *("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
        *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512"),
    )
}


def named(curve: Curve) -> str:
    return curve.name


def generate(program: Program, curve: Curve, how: int = 0, **values: Any) -> tuple[int, int]:
    number = how or KEYGEN[curve.key_type]
    return program.library.generate_key_pair(
        program.session,
        mechanism(number),
        attributes(EC_PARAMS=curve.oid),
        attributes(**values),
    )


def public_of(program: Program, handle: int) -> Any:
    return load_der_public_key(program.one(handle, "PUBLIC_KEY_INFO"))


@pytest.mark.parametrize("curve", PRIME, ids=named)
def test_signatures_with_every_hash(program: Program, curve: Curve) -> None:
    public, private = generate(program, curve)
    other = cast(ec.EllipticCurvePublicKey, public_of(program, public))
    assert other.curve.key_size == curve.bits
    for number, algorithm in HASHES.values():
        how = mechanism(number)
        made = program.run("sign", how, private, b"some data")
        assert len(made) == curve.signature_size
        parts = program.run_in_parts("sign", how, private, b"some data", 4)
        for each in (made, parts):
            half = len(each) // 2
            r, s = int.from_bytes(each[:half], "big"), int.from_bytes(each[half:], "big")
            other.verify(utils.encode_dss_signature(r, s), b"some data", ec.ECDSA(algorithm))
        program.verify(how, public, b"some data", parts)
        with refusing(ck.CKR_SIGNATURE_INVALID):
            program.verify(how, public, b"some date", made)
    bare = mechanism(ck.CKM_ECDSA)
    digest = hashlib.sha384(b"data").digest()
    made = program.run("sign", bare, private, digest)
    program.verify(mechanism(ck.CKM_ECDSA_SHA384), public, b"data", made)


def test_pairs_with_extra_bits(program: Program) -> None:
    public, private = generate(program, P256, ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS)
    how = mechanism(ck.CKM_ECDSA_SHA256)
    program.verify(how, public, b"data", program.run("sign", how, private, b"data"))
    made_by = ulong(ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS)
    assert program.one(private, "KEY_GEN_MECHANISM") == made_by


@pytest.mark.parametrize("curve", CURVES, ids=named)
def test_curves_have_names(program: Program, curve: Curve) -> None:
    """PKCS #11 3.2, 6.3.5: curveName; what the caller wrote is what the keys say."""
    name = der.encode(der.PRINTABLE_STRING, curve.name.encode())
    public, private = program.library.generate_key_pair(
        program.session,
        mechanism(KEYGEN[curve.key_type]),
        attributes(EC_PARAMS=name),
        attributes(TOKEN=True),
    )
    for handle in (public, private):
        assert program.one(handle, "EC_PARAMS") == name
        assert len(der.read(program.one(handle, "EC_POINT"), der.OCTET_STRING)) == curve.point_size


@pytest.mark.parametrize("curve", CURVES, ids=named)
def test_keys_in_clear_come_back(program: Program, curve: Curve) -> None:
    open_key: Values = {"SENSITIVE": False, "EXTRACTABLE": True}
    public, private = generate(program, curve, SENSITIVE=False, EXTRACTABLE=True)
    value, point = program.one(private, "VALUE"), program.one(public, "EC_POINT")
    kind: Values = {"KEY_TYPE": curve.key_type, "EC_PARAMS": curve.oid}
    again = program.create(CLASS=ck.CKO_PRIVATE_KEY, VALUE=value, **kind, **open_key)
    assert program.one(again, "VALUE") == value
    assert program.one(again, "EC_POINT") == point
    twin = program.create(CLASS=ck.CKO_PUBLIC_KEY, EC_POINT=point, **kind)
    assert program.one(twin, "PUBLIC_KEY_INFO") == program.one(public, "PUBLIC_KEY_INFO")
    aes = program.aes()
    wrap = mechanism(ck.CKM_AES_KEY_WRAP_KWP)
    wrapped = program.library.wrap_key(program.session, wrap, aes, private, 4096)
    assert isinstance(wrapped, bytes)
    wanted = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=curve.key_type)
    unwrapped = program.library.unwrap_key(program.session, wrap, aes, wrapped, wanted)
    assert program.one(unwrapped, "EC_POINT") == point
    assert program.one(unwrapped, "EC_PARAMS") == curve.oid


@pytest.mark.parametrize("curve", EDWARDS, ids=named)
def test_edwards_signatures(program: Program, curve: Curve) -> None:
    public, private = generate(program, curve)
    pure = mechanism(ck.CKM_EDDSA)
    made = program.run("sign", pure, private, b"data")
    public_of(program, public).verify(made, b"data")
    assert program.run_in_parts("sign", pure, private, b"data", 3) == made
    seen = {made}
    for how in (
        mechanism(ck.CKM_EDDSA, 0, b"context"),
        mechanism(ck.CKM_EDDSA, 1),
        mechanism(ck.CKM_EDDSA, 1, b"context"),
    ):
        other = program.run("sign", how, private, b"data")
        assert program.run_in_parts("sign", how, private, b"data", 3) == other
        program.verify(how, public, b"data", other)
        seen.add(other)
        with refusing(ck.CKR_SIGNATURE_INVALID):
            program.verify(pure, public, b"data", other)
        with pytest.raises(InvalidSignature):
            public_of(program, public).verify(other, b"data")
    assert len(seen) == 4
    assert program.run("sign", mechanism(ck.CKM_EDDSA, 0), private, b"data") == made
    long = bytes(range(256)) * 600  # more than one request and the card's memory take
    hashed = mechanism(ck.CKM_EDDSA, 1)
    program.verify(hashed, public, long, program.run("sign", hashed, private, long))
    for bad in (b"\0\0\0\2", b"\0\0", b"\0\0\0\0" + bytes(256)):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.init("sign", mechanism(ck.CKM_EDDSA, bad), private)


KDFS = {"SHA256_KDF": hashlib.sha256, "SHA3_384_KDF": hashlib.sha3_384, "SHA1_KDF": hashlib.sha1}


def agree(curve: Curve) -> tuple[bytes, Callable[[Any], bytes]]:
    """Another party: its public value, and what it agrees on with our public key."""
    if curve == X25519:
        mine = x25519.X25519PrivateKey.generate()
        return mine.public_key().public_bytes_raw(), mine.exchange
    if curve == X448:
        other = x448.X448PrivateKey.generate()
        return other.public_key().public_bytes_raw(), other.exchange
    title = curve.name.replace("brainpool", "Brainpool").replace("secp", "SECP")
    title = title.upper() if title.startswith("SECP") else title.replace("r1", "R1")
    ours = ec.generate_private_key(getattr(ec, title)())
    point = ours.public_key().public_numbers()
    size = curve.coordinate
    encoded = b"\4" + point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")
    return encoded, lambda public: ours.exchange(ec.ECDH(), public)


@pytest.mark.parametrize("curve", [*PRIME, *MONTGOMERY], ids=named)
def test_agreements(program: Program, curve: Curve) -> None:
    public, private = generate(program, curve, DERIVE=True)
    value, exchange = agree(curve)
    secret = exchange(public_of(program, public))
    wrapped = der.encode(der.OCTET_STRING, value)
    for number in (ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE):
        for point in (value, wrapped):
            how = mechanism(number, ck.CKD_NULL, 0, point)
            derived = program.library.derive_key(
                program.session, how, private, attributes(EXTRACTABLE=True)
            )
            assert program.one(derived, "VALUE") == secret
    aes: Values = {"KEY_TYPE": ck.CKK_AES, "VALUE_LEN": 16}
    for name, which in KDFS.items():
        shared = b"info"
        for number, block in (
            (getattr(ck, f"CKD_{name}"), secret + b"\0\0\0\1" + shared),
            (getattr(ck, f"CKD_{name}_SP800"), b"\0\0\0\1" + secret + shared),
        ):
            how = mechanism(ck.CKM_ECDH1_DERIVE, number, len(shared), shared, value)
            derived = program.library.derive_key(
                program.session, how, private, attributes(SENSITIVE=False, EXTRACTABLE=True, **aes)
            )
            assert program.one(derived, "VALUE") == which(block).digest()[:16]
    for bad in (value[:-1], b"", value + b"\0"):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.library.derive_key(
                program.session, mechanism(ck.CKM_ECDH1_DERIVE, ck.CKD_NULL, 0, bad), private, []
            )


WRAPS = {
    ck.CKK_EC: (ck.CKM_ECDH_AES_KEY_WRAP, ck.CKM_ECDH_COF_AES_KEY_WRAP),
    ck.CKK_EC_MONTGOMERY: (ck.CKM_ECDH_X_AES_KEY_WRAP,),
}


@pytest.mark.parametrize("curve", [P256, P521, *MONTGOMERY], ids=named)
def test_keys_wrapped_by_an_agreement(program: Program, curve: Curve) -> None:
    public, private = generate(program, curve, UNWRAP=True)
    program.set(public, WRAP=True)
    secret = program.secret(b"a secret of 24 bytes....", EXTRACTABLE=True)
    pair = program.rsa(EXTRACTABLE=True)[1]
    library, session = program.library, program.session
    for number in WRAPS[curve.key_type]:
        for bits, kdf in ((128, ck.CKD_SHA256_KDF), (256, ck.CKD_SHA3_512_KDF_SP800)):
            how = mechanism(number, bits, kdf, b"shared")
            wrapped = library.wrap_key(session, how, public, secret, 4096)
            assert isinstance(wrapped, bytes)
            assert len(wrapped) == curve.point_size + 32
            wanted = attributes(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_GENERIC_SECRET)
            again = library.unwrap_key(session, how, private, wrapped, wanted)
            assert program.one(again, "VALUE") == b"a secret of 24 bytes...."
            with refusing(ck.CKR_WRAPPED_KEY_INVALID):
                changed = wrapped[:-1] + bytes((wrapped[-1] ^ 1,))
                library.unwrap_key(session, how, private, changed, wanted)
            with refusing(ck.CKR_WRAPPED_KEY_INVALID):
                other = mechanism(number, bits, kdf, b"Shared")
                library.unwrap_key(session, other, private, wrapped, wanted)
            for short in (wrapped[: curve.point_size + 8], b"", wrapped[:-1]):
                with refusing(ck.CKR_WRAPPED_KEY_LEN_RANGE):
                    library.unwrap_key(session, how, private, short, wanted)
        long = library.wrap_key(session, how, public, pair, 8192)
        assert isinstance(long, bytes)
        wanted = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_RSA)
        again = library.unwrap_key(session, how, private, long, wanted)
        assert program.one(again, "MODULUS") == program.one(pair, "MODULUS")
    for bits, kdf in ((100, ck.CKD_NULL), (512, ck.CKD_SHA256_KDF), (128, 99)):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            library.wrap_key(session, mechanism(number, bits, kdf), public, secret, 4096)


@pytest.mark.parametrize("curve", CURVES, ids=named)
def test_the_public_key_of_a_private_key(program: Program, curve: Curve) -> None:
    public, private = generate(program, curve)
    how = mechanism(ck.CKM_PUB_KEY_FROM_PRIV_KEY)
    told = program.library.derive_key(program.session, how, private, attributes(LABEL="told"))
    assert program.get(told, "CLASS", "KEY_TYPE", "LOCAL") == [
        ulong(ck.CKO_PUBLIC_KEY),
        ulong(curve.key_type),
        b"\0",
    ]
    for name in ("EC_POINT", "EC_PARAMS", "PUBLIC_KEY_INFO"):
        assert program.one(told, name) == program.one(public, name)
    if curve.key_type not in OCTET_TYPES:
        sign = mechanism(ck.CKM_ECDSA_SHA256)
        program.verify(sign, told, b"data", program.run("sign", sign, private, b"data"))


def test_public_keys_that_are_not_told(program: Program) -> None:
    public, private = generate(program, P256)
    how, library = mechanism(ck.CKM_PUB_KEY_FROM_PRIV_KEY), program.library
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        library.derive_key(program.session, how, public, [])
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        library.derive_key(program.session, how, program.aes(), [])
    for wrong in (
        attributes(CLASS=ck.CKO_SECRET_KEY),
        attributes(KEY_TYPE=ck.CKK_RSA),
        attributes(EC_POINT=program.one(generate(program, P256)[0], "EC_POINT")),
    ):
        with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
            library.derive_key(program.session, how, private, wrong)
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        library.derive_key(program.session, how + b"\0", private, [])
