"""The host's side of administration, on a machine's card."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ghostcard import pkcs11 as ck
from ghostcard.driver.administration import DomainAdministrator, WrappingKeys
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import Ep11Error
from ghostcard.firmware.abi import admin, controlpoints
from ghostcard.firmware.abi.admin import Attribute, Reason, Signature
from ghostcard.firmware.abi.controlpoints import ControlPoint
from ghostcard.machine import Machine


@pytest.fixture
def host() -> Ep11Host:
    machine = Machine.simulation(function="real")
    return Ep11Host(machine.native, machine.targets(0))


def aes(host: Ep11Host) -> bytes:
    keygen = ck.CKM_AES_KEY_GEN.to_bytes(4, "big")
    return host.generate_key(keygen, 32, {ck.CKA_ENCRYPT: b"\1"})[0]


def test_a_wrapping_key_changes_under_a_key_in_use(host: Ep11Host) -> None:
    administrator, key = DomainAdministrator(host, 0), aes(host)
    ecb = ck.CKM_AES_ECB.to_bytes(4, "big")
    before = host.encrypt_single(ecb, key, bytes(16))
    current = administrator.wrapping_keys().current
    following = administrator.generate()
    assert administrator.wrapping_keys() == WrappingKeys(current, following, False)
    administrator.commit(following)
    assert administrator.wrapping_keys() == WrappingKeys(current, following, True)
    again = host.reencrypt_single(key)
    administrator.finalize(following)
    assert administrator.wrapping_keys() == WrappingKeys(following, b"", False)
    assert host.encrypt_single(ecb, again, bytes(16)) == before
    with pytest.raises(Ep11Error, match="another wrapping key"):
        host.encrypt_single(ecb, key, bytes(16))


def test_signed_commands(host: Ep11Host) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(text: bytes) -> tuple[Signature, ...]:
        return (Signature(admin.identifier(spki), key.sign(text, ec.ECDSA(hashes.SHA256()))),)

    factory = DomainAdministrator(host, 0)
    assert factory.add_administrator(spki) == admin.identifier(spki)
    factory.set_attributes({Attribute.SIGNATURE_THRESHOLD: 1})
    with pytest.raises(Ep11Error, match="transaction counter") as refused:
        factory.generate()
    assert refused.value.reason == Reason.COUNTER_TOO_OLD
    signing = DomainAdministrator(host, 0, sign, counter=1)
    signing.commit(signing.generate())
    assert signing.attributes()[Attribute.SIGNATURE_THRESHOLD] == 1
    assert factory.wrapping_keys().is_committed
    stale = DomainAdministrator(host, 0, sign, counter=1)
    with pytest.raises(Ep11Error, match="not above the last"):
        stale.clear_next()


def test_control_points(host: Ep11Host) -> None:
    administrator, key = DomainAdministrator(host, 0), aes(host)
    administrator.forbid((ControlPoint.ENCRYPT_SYMM,))
    with pytest.raises(Ep11Error) as refused:
        host.encrypt_single(ck.CKM_AES_ECB.to_bytes(4, "big"), key, bytes(16))
    assert refused.value.rv == ck.CKR_FUNCTION_CANCELED
    administrator.allow((ControlPoint.ENCRYPT_SYMM,))
    assert administrator.control_points() == controlpoints.unpack(controlpoints.USUAL)
    administrator.set_control_points((ControlPoint.ADD_CPBS,))
    assert administrator.control_points() == {ControlPoint.ADD_CPBS}


def test_zeroize(host: Ep11Host) -> None:
    administrator = DomainAdministrator(host, 0)
    administrator.zeroize()
    assert administrator.wrapping_keys() == WrappingKeys(b"", b"", False)
    with pytest.raises(Ep11Error, match="no wrapping key"):
        aes(host)
