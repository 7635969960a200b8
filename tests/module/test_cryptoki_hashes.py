"""Every hash, its HMAC and its keys through the library, against hashlib and hmac."""

import hashlib
import hmac
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ghostcard import pkcs11 as ck
from tests.module.program import Program, attributes, mechanism, refusing

Opener = Callable[..., Any]

HASHES: dict[str, Opener] = {
    **{f"SHA{bits}": getattr(hashlib, f"sha{bits}") for bits in (224, 256, 384, 512)},
    **{f"SHA3_{bits}": getattr(hashlib, f"sha3_{bits}") for bits in (224, 256, 384, 512)},
    **{f"SHA512_{bits}": partial(hashlib.new, f"sha512_{bits}") for bits in (224, 256)},
    **{
        f"BLAKE2B_{bits}": partial(hashlib.blake2b, digest_size=bits // 8)
        for bits in (160, 256, 384, 512)
    },
    "SHA_1": hashlib.sha1,
}
DATA = bytes(range(256)) * 300
SHORT = b"what do ya want for nothing?"


def numbered(names: str, name: str) -> int:
    number: int = getattr(ck, names.format(name))
    return number


@pytest.mark.parametrize("name", HASHES)
def test_digests(program: Program, name: str) -> None:
    how = mechanism(numbered("CKM_{}", name))
    for data in (b"", SHORT, DATA):
        expected = HASHES[name](data).digest()
        assert program.run("digest", how, None, data) == expected
        assert program.run_in_parts("digest", how, None, data, 33_333) == expected


@pytest.mark.parametrize("name", HASHES)
def test_digests_take_no_parameter(program: Program, name: str) -> None:
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("digest", mechanism(numbered("CKM_{}", name), b"x"), None)


@pytest.mark.parametrize("name", HASHES)
def test_codes_under_a_key_made_for_them(program: Program, name: str) -> None:
    made = mechanism(numbered("CKM_{}_KEY_GEN", name))
    wanted = attributes(VALUE_LEN=48, SENSITIVE=False)
    key = program.library.generate_key(program.session, made, wanted)
    own_type = numbered("CKK_{}_HMAC", name)
    assert int.from_bytes(program.one(key, "KEY_TYPE"), "little") == own_type
    value = program.one(key, "VALUE")
    assert len(value) == 48
    copy = program.secret(value, KEY_TYPE=own_type)
    generic = program.secret(value)
    expected = hmac.new(value, DATA, HASHES[name]).digest()
    whole = mechanism(numbered("CKM_{}_HMAC", name))
    cut = mechanism(numbered("CKM_{}_HMAC_GENERAL", name), 11)
    for how, code in ((whole, expected), (cut, expected[:11])):
        assert program.run("sign", how, key, DATA) == code
        assert program.run_in_parts("sign", how, copy, DATA, 33_333) == code
        program.verify(how, generic, DATA, code)
        with refusing(ck.CKR_SIGNATURE_INVALID):
            program.verify(how, key, DATA, code[:-1] + bytes((code[-1] ^ 1,)))
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            program.verify(how, key, DATA, code[:-1])


@pytest.mark.parametrize("name", HASHES)
def test_codes_refuse_other_keys_and_lengths(program: Program, name: str) -> None:
    whole = mechanism(numbered("CKM_{}_HMAC", name))
    other = ck.CKK_SHA256_HMAC if name != "SHA256" else ck.CKK_SHA384_HMAC
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        program.init("sign", whole, program.secret(b"value", KEY_TYPE=other))
    key, size = program.secret(b"value"), HASHES[name]().digest_size
    for length in (0, size + 1):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.init("sign", mechanism(numbered("CKM_{}_HMAC_GENERAL", name), length), key)
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("sign", whole + b"x", key)
    made = mechanism(numbered("CKM_{}_KEY_GEN", name))
    with refusing(ck.CKR_TEMPLATE_INCOMPLETE):
        program.library.generate_key(program.session, made, [])
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        wanted = attributes(VALUE_LEN=16, KEY_TYPE=ck.CKK_GENERIC_SECRET)
        program.library.generate_key(program.session, made, wanted)
