"""Who may use which queues."""

import os
import socket
from pathlib import Path

import pytest

from ghostcard.config import AccessConfig, CardConfig, Config, ConfigError, SlotConfig, load, parse
from ghostcard.configtables import as_tables
from ghostcard.shared.access import Peer, peer_of, permitted, view

CARDS = (CardConfig(0, seed=7, nvram="/somewhere"), CardConfig(1, domains=(3,)))
SLOTS = (SlotConfig(0, "both", (0x000, 0x103)), SlotConfig(1, "second", (0x001,)))
CONFIG = Config(CARDS, SLOTS, seed=9)
ALL = frozenset((0x000, 0x001, 0x103))
ME = Peer(1, os.geteuid(), frozenset((os.getegid(),)))
ALICE = Peer(2, 4001, frozenset((5001, 5002)))


def test_without_rules_the_servers_user_may_use_all_and_nobody_else() -> None:
    assert permitted(CONFIG, ME) == ALL
    assert permitted(CONFIG, ALICE) is None


@pytest.mark.parametrize(
    ("rules", "may"),
    [
        ([AccessConfig(4001, None, None)], ALL),
        ([AccessConfig(4002, None, None)], None),
        ([AccessConfig(None, 5002, (0x001,))], {0x001}),
        ([AccessConfig(None, 5003, (0x001,))], None),
        ([AccessConfig(4001, None, ())], set()),
        ([AccessConfig(4001, None, (0x103,)), AccessConfig(None, 5001, (0x001,))], {0x001, 0x103}),
    ],
)
def test_rules(rules: list[AccessConfig], may: set[int] | None) -> None:
    assert permitted(CONFIG._replace(access=tuple(rules)), ALICE) == may


def test_with_rules_the_servers_user_has_no_more_than_they_say() -> None:
    assert permitted(CONFIG._replace(access=(AccessConfig(4001, None, None),)), ME) is None


def test_a_view_has_no_secrets_and_no_queues_of_others() -> None:
    seen = view(CONFIG, frozenset((0x000, 0x103)))
    assert seen.cards == (CardConfig(0, domains=(0,)), CardConfig(1, domains=(3,)))
    assert seen.slots == (SLOTS[0],)
    assert view(CONFIG, frozenset((0x103,))).slots == (SLOTS[0]._replace(apqns=(0x103,)),)
    assert seen.seed is None
    assert parse(as_tables(seen)) == seen


def test_the_kernel_says_who_is_there() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here, there:
        peer = peer_of(here)
    assert peer[:2] == (os.getpid(), os.geteuid())
    assert peer.gids >= {os.getegid(), *os.getgroups()}


def test_rules_are_read() -> None:
    rules = [{"uid": 1000, "apqns": ["00.0000"]}, {"gid": "root"}, {"uid": "root", "apqns": []}]
    assert parse({"access": rules}).access == (
        AccessConfig(1000, None, (0,)),
        AccessConfig(None, 0, None),
        AccessConfig(0, None, ()),
    )


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({}, "access[0].uid: takes a uid or a gid, one of them"),
        ({"uid": 1, "gid": 1}, "access[0].uid: takes a uid or a gid, one of them"),
        ({"uid": -1}, "access[0].uid: got -1, takes an integer from 0 to 4294967295"),
        ({"uid": "nobody-here"}, "takes a number, or a name that this machine knows"),
        ({"uid": 1, "apqns": ["07.0000"]}, "takes APQNs of the configured cards"),
        ({"uid": 1, "root": True}, "access[0].root: unknown key"),
    ],
)
def test_rules_that_are_none(rule: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse({"access": [rule]})
    assert says in str(refused.value)


def test_a_program_of_a_server_has_no_cards_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('server = "here.sock"\n[[cards]]\nadapter = 0\n')
    with pytest.raises(ConfigError, match="cards: unknown key, accepted are server, slots"):
        load(str(file))
    file.write_text('server = "here.sock"\n')
    with pytest.raises(ConfigError, match=f"{tmp_path}/here.sock: no server: No such file"):
        load(str(file))
