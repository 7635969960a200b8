"""Keys and certificates in files, PEM or DER, as templates for C_CreateObject.

Private keys as PKCS #8, encrypted or not, and in the older forms of OpenSSL and OpenSSH; public
keys as SubjectPublicKeyInfo; certificates as X.509. Which types of keys there are, `spki.py` and
`pkcs8.py` say.
"""

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PrivateKeyTypes,
    PublicKeyTypes,
)

from ghostcard import pkcs11 as ck
from ghostcard.module import der, pkcs8, public_keys, spki
from ghostcard.module.attributes import SCHEMAS
from ghostcard.module.encoding import number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.template import Attributes

Key = TypeVar("Key", CertificatePublicKeyTypes, PublicKeyTypes)
Ask = Callable[[], bytes]
"""Asks for the passphrase of an encrypted key; called only if there is one."""

_KEY_TYPES = tuple(key for kind, key in SCHEMAS if kind == ck.CKO_PUBLIC_KEY)
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_PARAMETERS = (b"EC PARAMETERS", b"DSA PARAMETERS", b"DH PARAMETERS")
"""Written by OpenSSL in front of a key that has them too."""

_UNUSABLE = "has a public key that no card can use"


class KeyFileError(Exception):
    """A file cannot be imported; the message is the rest of a line that begins with its name."""


class Found(NamedTuple):
    """One object: ``kind`` in plain words, what C_CreateObject takes, and as CKA_ID the key
    identifier of RFC 5280, 4.2.1.2.
    """

    kind: str
    template: Attributes
    id: bytes


def read(data: bytes, ask: Ask) -> list[Found]:
    """What is in a file. A private key brings its public key along; what is there twice comes once.

    KeyFileError for anything else.
    """
    blocks = [(match[1], match[0]) for match in _PEM.finditer(data)]
    try:
        found = [each for kind, text in blocks for each in _pem(kind, text, ask)]
        found = found or _der(data, ask)
    except UnsupportedAlgorithm as error:
        raise KeyFileError(f"has a key that is not supported: {error}") from None
    except (ValueError, TypeError, der.DerError):
        raise KeyFileError("is damaged, or its passphrase is another") from None
    return list({(each.kind, each.id): each for each in found}.values())


def _pem(kind: bytes, text: bytes, ask: Ask) -> list[Found]:
    if kind in _PARAMETERS:
        return []
    if kind == b"CERTIFICATE":
        return [_certificate(x509.load_pem_x509_certificate(text))]
    if kind.endswith(b"PUBLIC KEY"):
        return [_public(_usable(lambda: forms.load_pem_public_key(text)))]
    if kind == b"OPENSSH PRIVATE KEY":
        return _private(_with_passphrase(forms.load_ssh_private_key, text, ask))
    if kind.endswith(b"PRIVATE KEY"):
        return _private(_with_passphrase(forms.load_pem_private_key, text, ask))
    raise KeyFileError(f"has a {kind.decode()}, which cannot be imported")


def _der(data: bytes, ask: Ask) -> list[Found]:
    readers: tuple[Callable[[], list[Found]], ...] = (
        lambda: [_certificate(x509.load_der_x509_certificate(data))],
        lambda: [_public(forms.load_der_public_key(data))],
        lambda: _private(_with_passphrase(forms.load_der_private_key, data, ask)),
    )
    for reader in readers:
        try:
            return reader()
        except ValueError:
            pass
    try:
        _identifier(data)
    except der.DerError:
        raise KeyFileError("has no key and no certificate, in PEM or DER") from None
    raise KeyFileError("has a public key that is damaged, or that no card can use")


def _with_passphrase(
    load: Callable[[bytes, bytes | None], PrivateKeyTypes], data: bytes, ask: Ask
) -> PrivateKeyTypes:
    try:
        return load(data, None)
    except TypeError:  # cryptography's word for an encrypted key
        return load(data, ask())
    except ValueError as error:
        if "password-protected" not in str(error):  # its word for one of OpenSSH
            raise
        return load(data, ask())


def _private(key: PrivateKeyTypes) -> list[Found]:
    public = _public(key.public_key())
    info = key.private_bytes(forms.Encoding.DER, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    key_type = number(public.template[ck.CKA_KEY_TYPE])
    secret = pkcs8.secret_attributes(info, key_type)
    rows = SCHEMAS[ck.CKO_PRIVATE_KEY, key_type]
    shared = {
        type: value
        for type, value in public.template.items()
        if type in rows and 7 not in rows[type].notes  # CKA_VALUE is another in each half
    }
    template = shared | secret | {ck.CKA_CLASS: ulong(ck.CKO_PRIVATE_KEY)}
    return [Found("private key", template, public.id), public]


def _public(key: PublicKeyTypes) -> Found:
    info = _info(key)
    values = _values(info)
    if not values:
        raise KeyFileError("has a key of a type that no card takes")
    return Found("public key", values, _identifier(info))


def _values(info: bytes) -> Attributes:
    """What C_CreateObject takes of a public key; nothing of one of a type that no card takes."""
    for key_type in _KEY_TYPES:
        try:
            values = spki.public_attributes(info, key_type)
        except CryptokiError:
            continue
        values.pop(ck.CKA_MODULUS_BITS, None)
        values |= {ck.CKA_CLASS: ulong(ck.CKO_PUBLIC_KEY), ck.CKA_KEY_TYPE: ulong(key_type)}
        flaw = public_keys.flaw(values)
        if flaw:
            raise KeyFileError(f"{_UNUSABLE}: {flaw}")
        return values
    return {}


def _usable(load: Callable[[], Key]) -> Key:
    try:
        return load()
    except ValueError:
        raise KeyFileError("has a public key that is damaged, or that no card can use") from None


def _certificate(certificate: x509.Certificate) -> Found:
    info = _info(_usable(certificate.public_key))
    _values(info)  # who has the certificate wants to verify with its key
    template = {
        ck.CKA_CLASS: ulong(ck.CKO_CERTIFICATE),
        ck.CKA_CERTIFICATE_TYPE: ulong(ck.CKC_X_509),
        ck.CKA_SUBJECT: certificate.subject.public_bytes(),
        ck.CKA_ISSUER: certificate.issuer.public_bytes(),
        ck.CKA_SERIAL_NUMBER: der.integer(certificate.serial_number),
        ck.CKA_VALUE: certificate.public_bytes(forms.Encoding.DER),
    }
    return Found("certificate", template, _identifier(info))


def _info(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo)


def _identifier(info: bytes) -> bytes:
    reader = der.Reader(info).enter(der.SEQUENCE)
    reader.take(der.SEQUENCE)
    return hashlib.sha1(reader.bit_string(), usedforsecurity=False).digest()
