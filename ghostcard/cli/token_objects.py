"""``ghostcard token objects``, ``import`` and ``export-public``: what lies on a token."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeVar

import click

from ghostcard import pkcs11 as ck
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.cli.secret import secret, uninterrupted
from ghostcard.config import Config, load
from ghostcard.module.encoding import boolean, ulong
from ghostcard.module.key_files import Found, KeyFileError, read
from ghostcard.module.names import names
from ghostcard.module.template import Attributes
from ghostcard.module.token_admin import encoded, listing
from ghostcard.module.token_contents import Contents, ObjectListing, opened, plain

Command = TypeVar("Command", bound=Callable[..., object])
_USES = tuple(
    plain(f"CKA_{use}")
    for use in (
        *("SIGN", "VERIFY", "ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "DERIVE"),
        *("ENCAPSULATE", "DECAPSULATE", "SIGN_RECOVER", "VERIFY_RECOVER"),
    )
)
_PUBLIC_USES = frozenset(("verify", "verify recover", "encrypt", "wrap", "encapsulate", "derive"))
_LONGEST = 16 << 20  # bytes of a file of keys and certificates


def slot_option(command: Command) -> Command:
    """``--slot``; without it the only slot that has a token."""
    option = click.option("--slot", type=int, help="Number of the slot; default: the only token's.")
    return option(command)


def pin_options(command: Command) -> Command:
    """``--pin`` and ``--pin-file``; GHOSTCARD_PIN."""
    command = click.option(
        "--pin-file", type=click.File(), help="Take it from a file's first line."
    )(command)
    return click.option("--pin", envvar="GHOSTCARD_PIN", help="PIN of the user.")(command)


@click.command(
    epilog="""\b
Examples:
  ghostcard token objects                       (the public ones)
  ghostcard token objects --login               (asks for the PIN)
  GHOSTCARD_PIN=... ghostcard token objects --slot 1 --json
"""
)
@slot_option
@pin_options
@click.option("--login", is_flag=True, help="Ask for the PIN; private objects are shown too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def objects(
    slot: int | None, pin: str | None, pin_file: TextIO | None, login: bool, as_json: bool
) -> None:
    """List the objects of a token: all of them with the user's PIN, else the public ones."""
    number = only_token(load(), slot)
    if login or pin_file is not None:
        pin = secret("user PIN", "--pin", pin, pin_file)
    with opened(number, pin) as token:
        found = token.objects()
    if as_json:
        document([entry._asdict() for entry in found])
        return
    seen = "" if pin is not None else "; private ones need a PIN"
    columns = ("object", "type", "label", "id", ">bytes", "flags", "unique id")
    table(f"Objects of the token in slot {number}{seen}", columns, map(_row, found))


def _row(entry: ObjectListing) -> tuple[object, ...]:
    flags = ", ".join(entry.flags) or "-"
    texts = (entry.kind, entry.type or "-", entry.label or "-", entry.id or "-")
    return (*texts, entry.bytes, flags, entry.unique_id)


@click.command(
    "import",
    epilog="""\b
Examples:
  ghostcard token import --label server server-key.pem server-cert.pem
  ghostcard token import --label ca --no-login ca.pem
  ghostcard token import --usage sign --id 01 --pin-file pin key.p8
\b
Private keys: PKCS #8 (encrypted or not), OpenSSL's and OpenSSH's older forms. Public keys:
SubjectPublicKeyInfo. Certificates: X.509. PEM or DER. A private key brings its public key along.
""",
)
@slot_option
@pin_options
@click.option("--label", default="", help="CKA_LABEL of all objects.")
@click.option("--id", "hexadecimal", help="CKA_ID, hexadecimal; default: SHA-1 of the public key.")
@click.option("--usage", help=f"What keys are for, with commas: {', '.join(_USES)}.")
@click.option("--extractable", is_flag=True, help="The private key may leave the token, wrapped.")
@click.option(
    "--passphrase", envvar="GHOSTCARD_PASSPHRASE", help="Of an encrypted key; else asked for."
)
@click.option("--passphrase-file", type=click.File(), help="Take it from a file's first line.")
@click.option("--no-login", is_flag=True, help="Without a PIN: certificates and public keys only.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
def import_(
    slot: int | None,
    pin: str | None,
    pin_file: TextIO | None,
    label: str,
    hexadecimal: str | None,
    usage: str | None,
    extractable: bool,
    passphrase: str | None,
    passphrase_file: TextIO | None,
    no_login: bool,
    files: tuple[str, ...],
) -> None:
    """Put keys and certificates from FILES on a token: all of them or, after an error, none."""
    number = only_token(load(), slot)
    id = None if hexadecimal is None else _id(hexadecimal)
    wanted = _wanted(usage)
    if passphrase_file is not None:
        passphrase = secret("passphrase", "--passphrase", passphrase, passphrase_file)
    found = [each for file in files for each in _read(file, passphrase)]
    if not no_login:
        pin = secret("user PIN", "--pin", pin, pin_file)
    templates = [
        each.template
        | _own(each, label, id)
        | _usage(each, wanted)
        | ({ck.CKA_EXTRACTABLE: b"\1"} if extractable and each.kind == "private key" else {})
        for each in found
    ]
    with uninterrupted():
        with opened(number, None if no_login else pin, is_rw=True) as token:
            token.add(templates)
        for each in found:
            shown = each.id if id is None else id
            click.echo(f"slot {number}: {each.kind} {label!r} imported, id {shown.hex()}")


def _read(file: str, passphrase: str | None) -> list[Found]:
    def ask() -> bytes:
        return secret(f"passphrase of {file}", "--passphrase", passphrase, None).encode()

    with open(file, "rb") as stream:
        data = stream.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise Failure(f"{file}: longer than {_LONGEST >> 20} MiB")
    try:
        return read(data, ask)
    except KeyFileError as error:
        raise Failure(f"{file}: {error}") from None


def _own(found: Found, label: str, id: bytes | None) -> Attributes:
    return {ck.CKA_LABEL: encoded("label", label), ck.CKA_ID: found.id if id is None else id}


def _wanted(usage: str | None) -> frozenset[str] | None:
    if usage is None:
        return None
    words = frozenset(word.strip().replace("-", " ") for word in usage.split(","))
    for word in sorted(words - frozenset(_USES)):
        raise Failure(f"--usage: {word!r} is none of {', '.join(_USES)}", 2)
    return words


def _usage(found: Found, wanted: frozenset[str] | None) -> Attributes:
    """The CKA_* of what the key is for and of what it is not for."""
    if wanted is None or found.kind == "certificate":
        return {}
    numbers = {plain(constant): number for number, constant in names("CKA").items()}
    private_uses = frozenset(_USES) - _PUBLIC_USES | {"derive"}
    uses = _PUBLIC_USES if found.kind == "public key" else private_uses
    return {numbers[use]: boolean(use in wanted) for use in uses}


@click.command(
    "export-public",
    epilog="""\b
Examples:
  ghostcard token export-public --label server > server-public.pem
  ghostcard token export-public --id 01 --der --output key.der
  ghostcard token export-public --label server --certificate
""",
)
@slot_option
@pin_options
@click.option("--label", help="CKA_LABEL of the key or certificate.")
@click.option("--id", "hexadecimal", help="CKA_ID, hexadecimal.")
@click.option("--certificate", is_flag=True, help="The certificate, not the public key.")
@click.option("--der", is_flag=True, help="DER, not PEM.")
@click.option("--output", type=click.Path(dir_okay=False), help="File; default: standard output.")
def export_public(
    slot: int | None,
    pin: str | None,
    pin_file: TextIO | None,
    label: str | None,
    hexadecimal: str | None,
    certificate: bool,
    der: bool,
    output: str | None,
) -> None:
    """Write a public key (SubjectPublicKeyInfo), also of a private one; or a certificate."""
    if label is None and hexadecimal is None:
        raise Failure("say which one: --label or --id", 2)
    number = only_token(load(), slot)
    if pin_file is not None:
        pin = secret("user PIN", "--pin", pin, pin_file)
    wanted: Attributes = {} if label is None else {ck.CKA_LABEL: encoded("label", label)}
    wanted |= {} if hexadecimal is None else {ck.CKA_ID: _id(hexadecimal)}
    with opened(number, pin) as token:
        value = _certificate(token, wanted) if certificate else _public(token, wanted)
    text = value if der else _pem("CERTIFICATE" if certificate else "PUBLIC KEY", value)
    if output is None:
        sys.stdout.buffer.write(text)
    else:
        Path(output).write_bytes(text)


def _public(token: Contents, wanted: Attributes) -> bytes:
    for object_class in (ck.CKO_PUBLIC_KEY, ck.CKO_PRIVATE_KEY):
        for handle in _one(token.find(wanted | {ck.CKA_CLASS: ulong(object_class)})):
            return token.get(handle, (ck.CKA_PUBLIC_KEY_INFO,))[ck.CKA_PUBLIC_KEY_INFO]
    raise Failure("there is no such key; a private one needs a PIN")


def _certificate(token: Contents, wanted: Attributes) -> bytes:
    for handle in _one(token.find(wanted | {ck.CKA_CLASS: ulong(ck.CKO_CERTIFICATE)})):
        return token.get(handle, (ck.CKA_VALUE,))[ck.CKA_VALUE]
    raise Failure("there is no such certificate")


def _one(handles: list[int]) -> list[int]:
    if len(handles) > 1:
        raise Failure(f"there are {len(handles)} of that name; choose one with --id")
    return handles


def _pem(kind: str, value: bytes) -> bytes:
    from base64 import encodebytes
    from textwrap import wrap

    lines = "\n".join(wrap(encodebytes(value).decode().replace("\n", ""), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n".encode()


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Failure(f"--id: {text!r} is not hexadecimal", 2) from None


def only_token(config: Config, slot: int | None) -> int:
    """The slot that was named, or the only one that has a token."""
    if slot is not None:
        return slot
    there = [token.slot for token in listing(config) if token.is_initialised]
    if len(there) == 1:
        return there[0]
    if not there:
        raise Failure("no slot has a token: `ghostcard token init` makes one")
    raise Failure(f"several slots have a token ({', '.join(map(str, there))}): choose with --slot")
