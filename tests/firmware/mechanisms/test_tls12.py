"""TLS 1.2 by its definitions in RFC 5246, 5705 and 7627, written down once more."""

import hmac

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import (
    Parameters,
    TlsKdf,
    TlsKeys,
    TlsMac,
    TlsMaster,
    TlsSession,
)
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.refusing import refuses

CLIENT, SERVER = bytes(range(32)), bytes(range(32, 64))
PREMASTER = b"\3\3" + bytes(range(46))
MASTER = bytes(range(100, 148))
SHA256, SHA384 = ck.CKM_SHA256, ck.CKM_SHA384
HASHES = pytest.mark.parametrize(("hash", "name"), [(SHA256, "sha256"), (SHA384, "sha384")])


def params(number: int, parameters: Parameters) -> bytes:
    return wire.pack(number, parameters)[4:]


def key(value: bytes) -> Key:
    return secret_key(ck.CKK_GENERIC_SECRET, value)


def prf(name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """RFC 5246, 5: A(i) are made first here, then the output of them."""
    links = [seed]
    for _ in range(size // 32 + 1):
        links.append(hmac.digest(secret, links[-1], name))
    return b"".join(hmac.digest(secret, link + seed, name) for link in links[1:])[:size]


@HASHES
@pytest.mark.parametrize(
    "number", [ck.CKM_TLS12_MASTER_KEY_DERIVE, ck.CKM_TLS12_MASTER_KEY_DERIVE_DH]
)
def test_master_secret(table: Table, number: int, hash: int, name: str) -> None:
    mechanism, how = table.find(number), params(number, TlsMaster(hash, CLIENT, SERVER))
    expected = prf(name, PREMASTER, b"master secret" + CLIENT + SERVER, 48)
    assert mechanism.derive(key(PREMASTER), how, None) == expected
    assert mechanism.derived_bytes(key(PREMASTER), how, 48) == 48
    with refuses(ck.CKR_TEMPLATE_INCONSISTENT):
        mechanism.derive(key(PREMASTER), how, 32)
    if number == ck.CKM_TLS12_MASTER_KEY_DERIVE:
        made = mechanism.derive_many(key(PREMASTER), (), how, (0,))
        assert made == ((expected,), b"\3\3")
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.derive(key(b"short"), how, None)
    else:
        assert len(mechanism.derive(key(b"any"), how, None)) == 48
        with refuses(ck.CKR_MECHANISM_INVALID):
            mechanism.derive_many(key(PREMASTER), (), how, (0,))


@HASHES
@pytest.mark.parametrize(
    "number",
    [ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH],
)
def test_extended_master_secret(table: Table, number: int, hash: int, name: str) -> None:
    session = bytes(range(48 if hash == SHA384 else 32))
    mechanism, how = table.find(number), params(number, TlsSession(hash, session))
    expected = prf(name, PREMASTER, b"extended master secret" + session, 48)
    assert mechanism.derive(key(PREMASTER), how, None) == expected
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.derive(key(PREMASTER), params(number, TlsSession(hash, session[:-1])), None)


@HASHES
def test_key_material(table: Table, hash: int, name: str) -> None:
    number = ck.CKM_TLS12_KEY_AND_MAC_DERIVE
    how = params(number, TlsKeys(hash, 160, 128, 64, CLIENT, SERVER))
    made = table.find(number).derive_many(key(MASTER), (), how, (0, 0, 16, 16))
    block = prf(name, MASTER, b"key expansion" + SERVER + CLIENT, 88)
    assert made.values == (block[:20], block[20:40], block[40:56], block[56:72])
    assert made.data == block[72:]
    safe = ck.CKM_TLS12_KEY_SAFE_DERIVE
    made = table.find(safe).derive_many(key(MASTER), (), how, (0, 0, 0, 0))
    assert b"".join(made.values) == block[:72]
    assert made.data == b""


def test_keys_without_macs(table: Table) -> None:
    """As AEADs want it: two keys, two IVs of four bytes."""
    number = ck.CKM_TLS12_KEY_AND_MAC_DERIVE
    mechanism = table.find(number)
    how = params(number, TlsKeys(SHA256, 0, 256, 32, CLIENT, SERVER))
    assert mechanism.derived_many(key(MASTER), (), how, (32, 32)) == ((32, 32), 8)
    for sizes in ((32,), (32, 32, 0), (16, 16)):
        with refuses(ck.CKR_TEMPLATE_INCONSISTENT):
            mechanism.derived_many(key(MASTER), (), how, sizes)
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        mechanism.derived_many(key(b"short"), (), how, (32, 32))
    for wrong in (TlsKeys(SHA256, 0, 129, 0, CLIENT, SERVER), TlsKeys(1, 0, 128, 0, b"", b"")):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.derived_many(key(MASTER), (), params(number, wrong), (16, 16))


@HASHES
@pytest.mark.parametrize("number", [ck.CKM_TLS12_KDF, ck.CKM_TLS_KDF])
def test_keys_for_the_application(table: Table, number: int, hash: int, name: str) -> None:
    for context, tail in ((b"", b""), (b"context", b"\0\7context")):
        how = params(number, TlsKdf(hash, b"EXPORTER-x", CLIENT, SERVER, context))
        expected = prf(name, MASTER, b"EXPORTER-x" + CLIENT + SERVER + tail, 100)
        assert table.find(number).derive(key(MASTER), how, 100) == expected
    with refuses(ck.CKR_TEMPLATE_INCOMPLETE):
        table.find(number).derive(key(MASTER), how, None)


@HASHES
@pytest.mark.parametrize(("side", "label"), [(1, b"server finished"), (2, b"client finished")])
def test_finished(table: Table, side: int, label: bytes, hash: int, name: str) -> None:
    digest = bytes(range(32))
    for number in (ck.CKM_TLS12_MAC, ck.CKM_TLS_MAC):
        mechanism, how = table.find(number), params(number, TlsMac(hash, 12, side))
        expected = prf(name, MASTER, label + digest, 12)
        assert mechanism.signer(key(MASTER), how)(digest) == expected
        verify = mechanism.verifier(key(MASTER), how)
        verify(digest, expected)
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(digest, bytes(12))
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(digest, expected[:-1])
        sink = mechanism.sink(key(MASTER), how)
        sink.update(digest)
        assert mechanism.closer(key(MASTER), how)(sink.digest()) == expected
        for wrong in (TlsMac(hash, 11, side), TlsMac(hash, 12, 3), TlsMac(0, 12, side)):
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                mechanism.signer(key(MASTER), params(number, wrong))
