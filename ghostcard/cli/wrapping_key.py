"""``ghostcard wrapping-key``: the key under which a domain keeps all others, and its change."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from ghostcard.cli.administered import Scope, ep11_queues, opened, signed, where
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.cli.secret import secret, uninterrupted
from ghostcard.cli.token_objects import pin_options
from ghostcard.cli.wrapping_parts import export, generate, import_, importer, names, say, short
from ghostcard.config import apqn, load
from ghostcard.driver.administration import WrappingKeys
from ghostcard.machine import Machine, machine_of
from ghostcard.module.errors import CryptokiError
from ghostcard.module.names import name as name_of
from ghostcard.module.rekeying import Group, Rekeying, RekeyingError, TokenState
from ghostcard.module.token_admin import encoded
from ghostcard.module.token_contents import REASONS

_PATH = click.Path(exists=True, dir_okay=False)


@click.group(
    "wrapping-key",
    epilog="""\b
Examples, the whole change of a token's wrapping key while programs use it:
  ghostcard wrapping-key generate --slot 0
  ghostcard wrapping-key commit --slot 0
  ghostcard wrapping-key reencipher --slot 0 --pin-file pin
  ghostcard wrapping-key finalize --slot 0
  ghostcard wrapping-key show
""",
)
def command() -> None:
    """Change the key under which cards keep all others (docs/wrapping-keys.md).

    Each step may be cut off and done again. APQNs that slots connect change together.
    """


for each in (generate, import_, importer, export):
    command.add_command(each)


@command.command(
    epilog="\b\nExamples:\n  ghostcard wrapping-key show\n  ghostcard wrapping-key show --json\n"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    """Show which wrapping keys the APQNs and the tokens have, by their verification patterns."""
    machine = machine_of(load(), is_administered=True)
    queues = tuple(ep11_queues(machine))
    slots = tuple(slot for slot in machine.config.slots if slot.apqns[0] in queues)
    rekeying = Rekeying(machine, Group(queues, slots))
    states, tokens = rekeying.states(), rekeying.tokens()
    if as_json:
        document(
            {
                "apqns": [_plain(qid, state) for qid, state in states.items()],
                "tokens": [
                    token._asdict() | {"wkid": token.wkid.hex(), "next_wkid": token.next_wkid.hex()}
                    for token in tokens
                ],
            }
        )
        return
    table("APQNs", ("APQN", "wrapping key", "next", "state of next"), map(_row, states.items()))
    if tokens:
        columns = (">slot", "wrapping key", "next", ">keys and objects", ">not re-enciphered")
        table("Tokens", columns, map(_token_row, tokens))


def _plain(qid: int, state: WrappingKeys) -> dict[str, object]:
    return {
        "apqn": apqn(qid),
        "current": state.current.hex(),
        "next": state.following.hex(),
        "is_committed": state.is_committed,
    }


def _row(entry: tuple[int, WrappingKeys]) -> tuple[str, ...]:
    qid, state = entry
    word = "committed" if state.is_committed else "not committed" if state.following else "-"
    return (apqn(qid), short(state.current), short(state.following), word)


def _token_row(token: TokenState) -> tuple[object, ...]:
    left = token.left if token.next_wkid else "-"
    return (token.slot, short(token.wkid), short(token.next_wkid), token.objects, left)


@command.command(epilog="\b\nExamples:\n  ghostcard wrapping-key commit --slot 0\n")
@where
@signed
def commit(
    slot: int | None, name: str | None, keys: tuple[str, ...], passphrase: str | None
) -> None:
    """Declare the next wrapping key right: from now on keys can be re-enciphered to it."""
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        say("committed", rekeying.commit(), rekeying)


@command.command(
    epilog="""\b
Examples:
  ghostcard wrapping-key reencipher --slot 0               (asks for the PIN if it is needed)
  ghostcard wrapping-key reencipher --slot 0 --pin-file pin --json
"""
)
@click.option("--slot", type=int, help="Number of the slot; default: the only token's.")
@pin_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reencipher(slot: int | None, pin: str | None, pin_file: TextIO | None, as_json: bool) -> None:
    """Give every key of a token a second blob, under the next wrapping key.

    Programs use the token meanwhile, and what they make has both blobs. It may stay so for days.
    Private objects are encrypted: that takes the user's PIN.
    """
    with opened(Scope(slot, None)) as (_, rekeying):
        number = _only_slot(rekeying, slot)
        with _about(f"slot {number}"):
            if rekeying.needs_pin(number):
                pin = secret("user PIN", "--pin", pin, pin_file)
            given = None if pin is None else encoded("user PIN", pin)
            done = rekeying.reencipher(number, given, _progress)
    if as_json:
        document({"slot": number} | done._asdict())
        return
    lost = f"; {done.lost:,} were dead already" if done.lost else ""
    click.echo(f"slot {number}: {done.keys:,} keys re-enciphered{lost}")


def _only_slot(rekeying: Rekeying, slot: int | None) -> int:
    if slot is not None:
        return slot
    there = [token.slot for token in rekeying.tokens()]
    if len(there) != 1:
        raise Failure("several tokens share the wrapping key: choose with --slot", 2)
    return there[0]


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {total:,} objects", err=True, nl=done >= total)


@contextmanager
def _about(what: str) -> Iterator[None]:
    """What is wrong with a token, as one line."""
    try:
        yield
    except CryptokiError as error:
        reason = REASONS.get(error.rv) or name_of("CKR", error.rv)
        raise RekeyingError(f"{what}: {reason}") from error


@command.command(epilog="\b\nExamples:\n  ghostcard wrapping-key finalize --slot 0\n")
@where
@signed
@click.option("--force", is_flag=True, help="One APQN alone, though keys may depend on it.")
def finalize(
    slot: int | None, name: str | None, keys: tuple[str, ...], passphrase: str | None, force: bool
) -> None:
    """Make the next wrapping key the current one, in all APQNs and for all their tokens.

    Refused while keys are not re-enciphered. Programs wait for that moment and go on. Session keys
    of a program that has made no call since `reencipher` began are lost.
    """
    with opened(Scope(slot, name, keys, passphrase)) as (machine, rekeying), uninterrupted():
        if name is not None and not force:
            _expect_mending(machine, rekeying)
        with _about("a token of the group"):
            pattern = rekeying.finalize()
        assert machine.sockets is not None
        machine.sockets.announce()
        say("wrapping key", pattern, rekeying)


def _expect_mending(machine: Machine, rekeying: Rekeying) -> None:
    """One APQN alone may get the key that all others of its group have already."""
    (qid,) = rekeying.group.apqns
    group = {other for slot in machine.config.slots for other in machine.group(slot.id)
             if qid in machine.group(slot.id)} - {qid}  # fmt: skip
    if not group:
        return
    others = Rekeying(machine, Group(tuple(sorted(group)), ())).states().values()
    if {state.current for state in others} != {rekeying.states()[qid].following}:
        raise Failure(
            f"{apqn(qid)} shares keys with other APQNs: --slot changes all, --force this one alone"
        )


@command.command(
    epilog="""\b
Examples:
  ghostcard wrapping-key clear --slot 0                    (gives a change up)
  ghostcard wrapping-key clear --apqn 01.0000 --current --force
"""
)
@where
@signed
@click.option("--current", is_flag=True, help="The current one: keys cannot be used any more.")
@click.option("--force", is_flag=True, help="Do not ask.")
def clear(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    current: bool,
    force: bool,
) -> None:
    """Erase the next wrapping key, or the current one."""
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying):
        if current and not force:
            _ask_whether_to_clear(rekeying)
        with uninterrupted():
            if current:
                for administrator in rekeying.administrators.values():
                    administrator.clear()
            else:
                rekeying.clear_next()
            click.echo(f"{names(rekeying)}: {'current' if current else 'next'} key cleared")


def _ask_whether_to_clear(rekeying: Rekeying) -> None:
    if not sys.stdin.isatty():
        raise Failure("nobody can be asked: --force clears it without", 2)
    if not click.confirm(
        f"Clear the wrapping key of {names(rekeying)}? All keys under it are lost.", err=True
    ):
        raise Failure("nothing was cleared")
