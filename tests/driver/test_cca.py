"""The CCA host library against a card in CCA mode: results, refusals, neighbours."""

import errno
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from ghostcard import pkcs11 as ck
from ghostcard.config import parse
from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.cca import CcaHost
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import CcaError, DriverError
from ghostcard.driver.triage import UNKNOWN_REPLY, triage
from ghostcard.firmware.abi import cca_function, cca_message, cca_token
from ghostcard.firmware.abi.cca_facility import FULL, VALID, MasterKey
from ghostcard.firmware.abi.cca_message import Parameters, Reply, Request
from ghostcard.firmware.cca.masterkeys import NEW, OLD, nvram_name, pattern
from ghostcard.machine import Machine


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine.simulation("cex8c", cards=2, domains=2, function="real", seed=5)


@pytest.fixture(scope="module")
def host(machine: Machine) -> CcaHost:
    return CcaHost(machine.native, machine.targets(0))


def master_key(machine: Machine, domain: int = 0) -> bytes:
    key = machine.bus.cards[0].nvram.read(nvram_name(domain, MasterKey.AES))
    assert key is not None
    return key


@pytest.fixture(scope="module")
def key() -> RSAPrivateNumbers:
    return rsa.generate_private_key(65537, 1024).private_numbers()


def primes(key: RSAPrivateNumbers, extra: int = 0) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """p, q, dp, dq, u; the long ones with so many bytes more."""
    half = 64
    p, q, dp, dq, u = (
        v.to_bytes(half, "big") for v in (key.p, key.q, key.dmp1, key.dmq1, key.iqmp)
    )
    return bytes(extra) + p, q, bytes(extra) + dp, dq, bytes(extra) + u


@pytest.mark.parametrize("extra", [0, 8])
def test_rsa_there_and_back(host: CcaHost, key: RSAPrivateNumbers, extra: int) -> None:
    n, e = key.public_numbers.n, key.public_numbers.e
    data = b"\0" + b"data " * 25 + b"\0\1"
    sealed = host.mod_expo(n.to_bytes(128, "big"), e.to_bytes(128, "big"), data)
    assert int.from_bytes(sealed, "big") == pow(int.from_bytes(data, "big"), e, n)
    assert host.mod_expo_crt(*primes(key, extra), sealed) == data


@pytest.mark.parametrize(
    ("n", "e", "data"),
    [
        (b"\xff" * 15, b"\3" * 15, b"\1" * 15),  # below 16 bytes
        (b"\xff" * 513, b"\3" * 513, b"\1" * 513),
        (b"\xff" * 16, bytes(16), b"\1" * 16),  # no exponent
        (b"\xff" * 16, b"\3" * 16, b"\xff" * 16),  # data not below the modulus
        (b"\xfe" * 16, b"\3" * 16, b"\1" * 16),  # even
        (b"\xff" * 16, b"\3" * 17, b"\1" * 16),
    ],
)
def test_rsa_that_is_the_callers_fault(host: CcaHost, n: bytes, e: bytes, data: bytes) -> None:
    with pytest.raises(DriverError) as caught:
        host.mod_expo(n, e, data)
    assert caught.value.code == errno.EINVAL


def test_random_numbers(host: CcaHost) -> None:
    first, second = host.random(4096), host.random(4096)
    assert len(first) == len(second) == 4096
    assert first != second
    for count in (0, 8193):
        with pytest.raises(DriverError):
            host.random(count)


@pytest.mark.parametrize("size", [16, 24, 32])
def test_a_key_in_clear_is_in_its_token(machine: Machine, host: CcaHost, size: int) -> None:
    """Both kinds, opened with the master key by hand."""
    clear, master = bytes(range(size)), master_key(machine)
    data = cca_token.unpack_data(host.import_data_key(clear))
    decryptor = Cipher(algorithms.AES(master), modes.CBC(bytes(16))).decryptor()
    assert decryptor.update(data.wrapped) == clear.ljust(32, b"\0")
    assert data.pattern == pattern(MasterKey.AES, master)
    token = host.import_cipher_key(clear)
    head, payload = cca_token.unpack_cipher(token)
    assert (head.state, head.management2, 8 * len(payload)) == (
        3,
        0,
        {16: 512, 24: 576, 32: 640}[size],
    )
    assert aes_key_unwrap(master, payload)[40:] == clear
    assert len(host.generate_data_key(8 * size)) == 64
    assert len(host.generate_cipher_key(8 * size)) == len(token)


def test_parts_go_in_one_after_the_other_and_not_otherwise(host: CcaHost) -> None:
    first = host.import_part(
        cca_token.SKELETON, (cca_function.FIRST, cca_function.MIN3PART), bytes(16)
    )
    add, complete = (cca_function.ADD_PART,), (cca_function.COMPLETE,)
    second = host.import_part(first, add, bytes(16))
    third = host.import_part(second, add, b"\1" * 16)
    fourth = host.import_part(third, add, b"\2" * 16)  # more than three are welcome
    done = host.import_part(fourth, complete, b"")
    refused = [
        (first, complete, b""),  # too early
        (second, complete, b""),
        (done, add, bytes(16)),  # too late
        (first, add, bytes(24)),  # of another size
        (first[:-1] + bytes((first[-1] ^ 1,)), add, bytes(16)),  # damaged
        (first[:52] + b"\x40\0" + first[54:], complete, b""),  # of parts that were never given
        (cca_token.SKELETON, add, bytes(16)),
        (first, (cca_function.FIRST, cca_function.MIN3PART), bytes(16)),
    ]
    for token, rules, part in refused:
        with pytest.raises(CcaError) as caught:
            host.import_part(token, rules, part)
        assert caught.value.rtcode == 8


def test_a_token_of_another_domain_is_refused() -> None:
    machine = Machine.simulation("cex8c", domains=1, function="real", seed=1)
    other = Machine.simulation("cex8c", domains=1, function="real", seed=2)
    token = CcaHost(machine.native, (0,)).import_part(
        cca_token.SKELETON, (cca_function.FIRST, cca_function.MIN3PART), bytes(16)
    )
    with pytest.raises(CcaError) as caught:
        CcaHost(other.native, (0,)).import_part(token, (cca_function.ADD_PART,), bytes(16))
    assert (caught.value.rtcode, caught.value.rscode) == cca_function.OTHER_MASTER_KEY


def test_the_facility_tells_of_the_master_keys(machine: Machine) -> None:
    host, nvram = CcaHost(machine.native, (1,)), machine.bus.cards[0].nvram
    before = host.facility()
    assert before.registers[MasterKey.AES].current == pattern(MasterKey.AES, master_key(machine, 1))
    nvram.write(nvram_name(1, MasterKey.AES, NEW), b"n" * 32)
    nvram.write(nvram_name(1, MasterKey.AES, OLD), b"o" * 32)
    found = host.facility(cca_function.STATICSA).registers[MasterKey.AES]
    assert (found.new_state, found.current_state, found.old_state) == (FULL, VALID, VALID)
    assert found.new == pattern(MasterKey.AES, b"n" * 32)
    assert found.old == pattern(MasterKey.AES, b"o" * 32)
    assert host.facility().serial == before.serial


def test_apqns_of_one_slot_have_one_set_of_master_keys(machine: Machine) -> None:
    hosts = [CcaHost(machine.native, (qid,)) for qid in machine.targets(0)]
    assert len({host.facility().registers[MasterKey.APKA].current for host in hosts}) == 1
    token = hosts[3].import_part(
        cca_token.SKELETON, (cca_function.FIRST, cca_function.MIN3PART), bytes(32)
    )
    assert hosts[0].import_part(token, (cca_function.ADD_PART,), bytes(32))


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"", 0xB0),
        (bytes(400), 0x20),
        (cca_message.pack_request(Request(Parameters(b"RL"), 1, 236)), 0x8A),  # to domain 0
        (cca_message.pack_request(Request(Parameters(b"FQ", (b"STATICSA",)), 0, 236)), 0xA0),
    ],
)
def test_what_is_no_request_gets_an_error_reply(machine: Machine, block: bytes, code: int) -> None:
    _, reply, operation, _ = machine.bus.perform(0, block)
    assert (reply[1], reply[4], operation) == (0x82, code, "error")


@pytest.mark.parametrize(
    "function", [b"US", b"AU", b"XX", b"RL", b"KG", b"GK", b"CM", b"IP", b"PD"]
)
def test_a_function_or_rule_it_does_not_know(machine: Machine, function: bytes) -> None:
    block = cca_message.pack_request(Request(Parameters(function, (b"NOTHING ",)), 0, 732))
    _, reply, operation, _ = machine.bus.perform(0, block)
    found = cca_message.unpack_reply(reply)
    assert (found.rtcode, operation) == (8, "error")


@pytest.mark.parametrize(
    ("function", "code", "verdict"),
    [
        (b"PK", (0, 0), 0),
        (b"PK", (8, 66), errno.EINVAL),
        (b"PD", (12, 769), errno.EINVAL),
        (b"PD", (8, 0x14F), errno.EINVAL),
        (b"PD", (8, 48), UNKNOWN_REPLY),  # the queue goes offline (AP sheet 3.6)
        (b"KG", (8, 48), 0),  # the caller's affair
    ],
)
def test_return_codes_of_rsa_are_the_drivers_affair(
    function: bytes, code: tuple[int, int], verdict: int
) -> None:
    assert triage(cca_message.pack_reply(Reply(Parameters(function), 0, b"", *code))) == verdict


def test_three_modes_side_by_side(
    key: RSAPrivateNumbers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accelerator, CCA and EP11 queues on one machine, asked in turn."""
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path))
    cards = [
        {"adapter": number, "profile": profile, "domains": [0, 6]}
        for number, profile in enumerate(("cex8a", "cex8c", "cex8p"))
    ]
    machine = Machine(parse({"cards": cards}))
    n, e = (v.to_bytes(128, "big") for v in (key.public_numbers.n, key.public_numbers.e))
    for domain in (0, 6):
        accelerator = AcceleratorHost(machine.native, (domain,))
        cca = CcaHost(machine.native, (0x100 | domain,))
        ep11 = Ep11Host(machine.native, (0x200 | domain,))
        sealed = accelerator.mod_expo(n, e, bytes(120) + b"together")
        assert cca.mod_expo_crt(*primes(key), sealed) == bytes(120) + b"together"
        assert ep11.digest_single(ck.CKM_SHA_1.to_bytes(4, "big"), b"abc").hex()[:8] == "a9993e36"
        assert len(cca.generate_data_key(256)) == 64
    with pytest.raises(DriverError):  # a block of the wrong kind
        AcceleratorHost(machine.native, (0x100,)).mod_expo(n, e, bytes(128))
