"""What the commands of administrators have in common: which APQNs, and who signs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import click

from ghostcard.cli.failure import Failure
from ghostcard.cli.secret import secret
from ghostcard.cli.token_objects import only_token
from ghostcard.config import apqn, load
from ghostcard.driver.administration import Sign
from ghostcard.driver.errors import Ep11Error
from ghostcard.firmware.abi import admin
from ghostcard.firmware.abi.admin import Reason, Signature
from ghostcard.machine import Machine, machine_of
from ghostcard.module.rekeying import Group, Rekeying, group_of

Command = TypeVar("Command", bound=Callable[..., object])


class Scope(NamedTuple):
    """What an administrator's command is about, and the keys he signs with."""

    slot: int | None
    apqn: str | None
    keys: tuple[str, ...] = ()
    passphrase: str | None = None


def where(command: Command) -> Command:
    """``--slot`` or ``--apqn``."""
    command = click.option("--apqn", "name", metavar="APQN", help="One APQN alone, as 01.0000.")(
        command
    )
    return click.option(
        "--slot", type=int, help="All APQNs that share the slot's; default: the only token's."
    )(command)


def signed(command: Command) -> Command:
    """``--key``: the administrators' signatures."""
    command = click.option(
        "--passphrase", envvar="GHOSTCARD_PASSPHRASE", help="Of encrypted keys; else asked for."
    )(command)
    return click.option(
        "--key",
        "keys",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False),
        help="Private key of an administrator, PEM; each signs. In imprint mode none is needed.",
    )(command)


@contextmanager
def opened(scope: Scope) -> Iterator[tuple[Machine, Rekeying]]:
    """The machine and the APQNs a command is about. A card that refuses is told of in one line."""
    config = load()
    machine = machine_of(config, is_administered=True)
    if scope.apqn is not None:
        group = Group((_named(machine, scope.apqn),), ())
    else:
        group = group_of(machine, only_token(config, scope.slot))
    sign = signing(scope.keys, scope.passphrase)
    with refusals(sign is not None):
        yield machine, Rekeying(machine, group, sign)


def _named(machine: Machine, name: str) -> int:
    known = {apqn(qid): qid for qid in ep11_queues(machine)}
    if name not in known:
        raise click.UsageError(f"APQN {name!r}: there are {', '.join(sorted(known))}")
    return known[name]


def ep11_queues(machine: Machine) -> list[int]:
    """The APQNs that have wrapping keys, in order."""
    cards = (card for card in machine.bus.cards.values() if card.profile.mode == "ep11")
    return sorted(queue.qid for card in cards for queue in card.queues.values())


@contextmanager
def refusals(is_signed: bool) -> Iterator[None]:
    """Why a card refuses a command, as one line."""
    try:
        yield
    except Ep11Error as error:
        if error.reason is None:
            raise
        if error.reason == Reason.COUNTER_TOO_OLD and not is_signed:
            raise Failure(
                "the domain has left imprint mode: its administrators sign, with --key FILE"
            ) from None
        raise Failure(admin.SENTENCES.get(error.reason, f"Reason {error.reason}.")) from None


def signing(files: tuple[str, ...], passphrase: str | None) -> Sign | None:
    """Signatures with the private keys of these files; None without files."""
    if not files:
        return None
    signers = [_signer(file, passphrase) for file in files]
    return lambda text: tuple(signer(text) for signer in signers)


def _signer(file: str, passphrase: str | None) -> Callable[[bytes], Signature]:
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _private_key(file, passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Failure(f"{file}: a private key of RSA or on a curve of ECDSA was expected", 2)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = admin.identifier(spki)

    def sign(text: bytes) -> Signature:
        if isinstance(key, rsa.RSAPrivateKey):
            return Signature(name, key.sign(text, padding.PKCS1v15(), SHA256()))
        return Signature(name, key.sign(text, ec.ECDSA(SHA256())))

    return sign


def _private_key(file: str, passphrase: str | None) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with open(file, "rb") as opened:
        data = opened.read()
    try:
        if b"ENCRYPTED" in data:
            told = secret(f"passphrase of {file}", "--passphrase", passphrase, None)
            return load_pem_private_key(data, told.encode())
        return load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Failure(f"{file}: no private key in PEM, or another passphrase", 2) from None


def public_key(file: str) -> bytes:
    """The SPKI of a public key in PEM."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )

    with open(file, "rb") as opened:
        data = opened.read()
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise Failure(f"{file}: no public key in PEM", 2) from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
