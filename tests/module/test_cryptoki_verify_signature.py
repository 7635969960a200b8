"""C_VerifySignature*: the signature comes first (PKCS #11 3.2, 5.15.5 to 5.15.8)."""

import pytest

from ghostcard import pkcs11 as ck
from tests.module.program import Program, mechanism, refusing

pytestmark = pytest.mark.every_kind

ECDSA = mechanism(ck.CKM_ECDSA_SHA256)
HMAC = mechanism(ck.CKM_SHA256_HMAC)
RFC_4231_1 = bytes.fromhex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
"""RFC 4231, test case 1: the HMAC-SHA-256 of "Hi There" under twenty bytes 0b."""


@pytest.fixture
def key(program: Program) -> int:
    return program.secret(b"\x0b" * 20)


def test_a_known_code_whole_and_in_parts(program: Program, key: int) -> None:
    library, session = program.library, program.session
    library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    library.verify_signature(session, b"Hi There")
    library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    for part in (b"Hi", b"", b" There"):
        library.verify_signature_update(session, part)
    library.verify_signature_final(session)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.verify_signature_final(session)


def test_what_is_not_the_signature_is_refused_and_ends_it(program: Program, key: int) -> None:
    library, session = program.library, program.session
    library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        library.verify_signature(session, b"Hi Thera")
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.verify_signature_update(session, b"")
    library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        library.verify_signature_final(session)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.verify_signature(session, b"")
    with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
        library.verify_signature_init(session, HMAC, key, RFC_4231_1[1:])


def test_a_pair_verifies_what_it_signed(program: Program) -> None:
    public, private = program.ec()
    signed = program.run("sign", ECDSA, private, b"data")
    program.library.verify_signature_init(program.session, ECDSA, public, signed)
    program.library.verify_signature(program.session, b"data")


def test_whole_does_not_follow_a_part(program: Program, key: int) -> None:
    library, session = program.library, program.session
    library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    library.verify_signature_update(session, b"Hi There")
    with refusing(ck.CKR_OPERATION_ACTIVE):
        library.verify_signature(session, b"")


def test_one_verification_at_a_time(program: Program, key: int) -> None:
    library, session = program.library, program.session
    library.verify_init(session, HMAC, key)
    with refusing(ck.CKR_OPERATION_ACTIVE):
        library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    library.verify_init(session, None, 0)
    library.verify_signature_init(session, HMAC, key, RFC_4231_1)
    with refusing(ck.CKR_OPERATION_ACTIVE):
        library.verify_init(session, HMAC, key)
    library.verify_signature_init(session, None, 0, b"")
    library.verify_init(session, HMAC, key)
