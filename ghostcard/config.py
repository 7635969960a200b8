"""What the machine consists of: cards, slots, function track, seed; read from TOML.

``GHOSTCARD_CONFIG`` names the file; without it, and for every key that is absent, a default holds:

    function = "real"               # "real" | "null": what the cards do with a request
    seed = 1                        # absent: the operating system's entropy
    faults = "plan.toml"            # what is to fail when (docs/faults.md); default: nothing
    control = true                  # take faults from `ghostcard fault` while a program runs

    [time]                          # how the threads of a program share simulated time
    order = "strict"                # "strict" | "behind" (docs/native-threads.md)
    think = "none"                  # "none" | "cpu": what passes between two calls of a thread
    think_scale = 1.0               # of the thread's CPU time
    clients = 8                     # threads without which time does not begin; default: none
    clock = "virtual"               # "virtual" | "paced": a call lasts as long as the cards take,
    dilation = 10.0                 # times this, on the wall's clock (docs/clocks.md)

    [[cards]]                       # default: one cex8p at adapter 0
    adapter = 0                     # 0 ... 255
    profile = "cex8p"               # a name of `ghostcard profiles`, or a TOML file
    domains = [0, 1]                # 0 ... 255
    seed = 1                        # default: derived from the machine's
    nvram = "folder"                # where its NVRAM lies; default: with those of the home

    [[slots]]                       # default: one slot per APQN
    id = 0
    description = "two cards"       # at most 64 bytes
    apqns = ["00.0000", "01.0000"]  # adapter.domain in hexadecimal
    mechanisms = ["CKM_ECDSA"]      # default: all that the cards have

    [slots.limits]                  # of the slot's token; default: none, and 10 tries
    sessions = 16                   # of one process with the token
    rw_sessions = 4                 # those of them that are read/write
    pin_tries = 3                   # wrong PINs until it is locked, 1 ... 255
    objects = 100                   # token objects
    memory_bytes = 65536            # that token objects take

    [[access]]                      # who may use them through `ghostcard serve`; default: its user
    uid = 1000                      # a number or a name; or gid, of a group
    apqns = ["00.0000"]             # default: all; []: may look on, as `ghostcard top` does

A program whose cards are those of a server says so, and may have slots of its own. The environment
variable ``GHOSTCARD_SERVER`` comes before the key; the file's cards do not count then.

    server = "/run/ghostcard.sock"  # docs/sharing.md

Everything else is refused by the dotted name of its key.
"""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ghostcard import pkcs11
from ghostcard.driver.timing import (
    BEHIND,
    CLOCKS,
    DILATION,
    LEAST_DILATION,
    ORDERS,
    PACED,
    STRICT,
    THINKS,
    VIRTUAL,
    Timing,
)

FUNCTIONS = ("real", "null")
_DESCRIPTION_BYTES = 64  # CK_SLOT_INFO.slotDescription
_SEED_LIMIT = 1 << 64
_LIMIT_MOST = (1 << 32) - 1


class ConfigError(Exception):
    """The configuration cannot be used; the message names the key, the value and what it takes."""


class CardConfig(NamedTuple):
    """One adapter of the machine."""

    adapter: int
    profile: str = "cex8p"
    domains: tuple[int, ...] = (0, 1)
    seed: int | None = None
    nvram: str | None = None  # a folder; None: the home's


class Limits(NamedTuple):
    """What a token has room for; None: as much as the machine."""

    sessions: int | None = None
    rw_sessions: int | None = None
    pin_tries: int = 10
    objects: int | None = None
    memory_bytes: int | None = None


NO_LIMITS = Limits()


class SlotConfig(NamedTuple):
    """One slot of the Cryptoki library; ``apqns`` are qids (adapter << 8 | domain), ``mechanisms``
    the CKM_* it may offer, None: all.
    """

    id: int
    description: str
    apqns: tuple[int, ...]
    mechanisms: frozenset[int] | None = None
    limits: Limits = NO_LIMITS


class AccessConfig(NamedTuple):
    """Who may use a server's cards: a user, or a group; which of them, None: all."""

    uid: int | None
    gid: int | None
    apqns: tuple[int, ...] | None


class Config(NamedTuple):
    """A whole machine; every slot's APQNs exist. ``server``: whose cards these are, None: ours."""

    cards: tuple[CardConfig, ...]
    slots: tuple[SlotConfig, ...]
    function: str = "real"
    seed: int | None = None
    faults: str | None = None
    control: bool = False
    time: Timing = Timing(STRICT)
    access: tuple[AccessConfig, ...] = ()
    server: str | None = None


def load(path: str | None = None, is_of_server: bool = False) -> Config:
    """The configuration of ``path``, else of ``GHOSTCARD_CONFIG``, else the defaults; where it, or
    ``GHOSTCARD_SERVER``, names a server, that of the server's cards (`is_of_server`: nowhere).
    """
    name = path or os.environ.get("GHOSTCARD_CONFIG")
    order = BEHIND if is_of_server else STRICT
    server = None if is_of_server else os.environ.get("GHOSTCARD_SERVER")
    if not name:
        return _attached(server, {}) if server else parse({}, order=order)
    try:
        document = _read(name)
        folder = os.path.dirname(os.path.abspath(name))
        if server is None and "server" in document and not is_of_server:
            table = _Table(document, "")
            table.only("server", "slots")
            server = os.path.join(folder, table.text("server", "-", 4096))
        return _attached(server, document) if server else parse(document, folder, order)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def own(config: Config) -> Config:
    """The same, if its cards are those of this home; ConfigError if they are a server's."""
    if config.server is not None:
        raise ConfigError(f"the cards are those of the server at {config.server}: ask in its home")
    return config


def _attached(server: str, document: Mapping[str, object]) -> Config:
    """The configuration of a server's cards, with the slots of a document if it has some."""
    from ghostcard.shared.client import ServerError, describe

    try:
        described, file = describe(server)
    except ServerError as error:
        raise ConfigError(f"server: {error}") from None
    os.close(file)
    own = {"slots": document["slots"]} if "slots" in document else {}
    return parse({**described, **own})._replace(server=server)


def parse(document: Mapping[str, object], folder: str = ".", order: str = STRICT) -> Config:
    """The configuration of a parsed TOML document; profile files are relative to ``folder``.
    ``order`` is that of threads where the document says nothing.
    """
    table = _Table(document, "")
    table.only("function", "seed", "faults", "control", "time", "cards", "slots", "access")
    cards = tuple(_card(entry, folder) for entry in table.tables("cards")) or (CardConfig(0),)
    _unique("cards", "adapter", [card.adapter for card in cards])
    known = frozenset(qid(card.adapter, domain) for card in cards for domain in card.domains)
    slots = tuple(_slot(entry, known) for entry in table.tables("slots")) or _one_per_apqn(known)
    _unique("slots", "id", [slot.id for slot in slots])
    plan = os.path.join(folder, table.text("faults", "-", 4096)) if "faults" in document else None
    function, control = table.choice("function", "real", FUNCTIONS), table.boolean("control")
    timing = _timing(table.table("time"), order)
    access = tuple(_access(entry, known) for entry in table.tables("access"))
    return Config(cards, slots, function, table.seed(), plan, control, timing, access)


def check_modes(config: Config, modes: Mapping[int, str]) -> None:
    """Refuse a slot whose APQNs lie on cards of different modes (``modes``: adapter -> mode)."""
    for index, slot in enumerate(config.slots):
        first, *others = slot.apqns
        for other in others:
            if modes[other >> 8] != modes[first >> 8]:
                raise ConfigError(
                    f"slots[{index}].apqns: {apqn(first)} is in mode {modes[first >> 8]} and "
                    f"{apqn(other)} in mode {modes[other >> 8]}; a slot takes cards of one mode"
                )


def qid(adapter: int, domain: int) -> int:
    """The queue number of an APQN, AP sheet 1.1."""
    return adapter << 8 | domain


def apqn(number: int) -> str:
    """The text form of a qid, ``%02x.%04x``, AP sheet 1.1."""
    return f"{number >> 8:02x}.{number & 0xFF:04x}"


class _Table:
    """A TOML table that knows its dotted name; every accessor refuses what does not fit."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise ConfigError(f"{name}: got {values!r}, takes a table")
        self._values: Mapping[str, object] = values
        self._name = name

    def key(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def refuse(self, key: str, takes: str) -> ConfigError:
        if key not in self._values:
            return ConfigError(f"{self.key(key)}: is missing, takes {takes}")
        return ConfigError(f"{self.key(key)}: got {self._values[key]!r}, takes {takes}")

    def only(self, *keys: str) -> None:
        for key in self._values:
            if key not in keys:
                raise ConfigError(f"{self.key(key)}: unknown key, accepted are {', '.join(keys)}")

    def tables(self, key: str) -> list["_Table"]:
        entries = self._values.get(key, [])
        if not isinstance(entries, list) or (key in self._values and not entries):
            raise self.refuse(key, f"one or more [[{key}]] tables")
        return [_Table(entry, f"{self.key(key)}[{n}]") for n, entry in enumerate(entries)]

    def integer(self, key: str, limit: int) -> int:
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
            raise self.refuse(key, f"an integer from 0 to {limit - 1}")
        return value

    def seed(self) -> int | None:
        return self.integer("seed", _SEED_LIMIT) if "seed" in self._values else None

    def text(self, key: str, default: str, limit: int) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str) or not 0 < len(value.encode()) <= limit:
            raise self.refuse(key, f"a text of 1 to {limit} bytes")
        if "\0" in value:
            raise self.refuse(key, "a text without zero bytes")
        return value

    def folder(self, key: str, beside: str) -> str | None:
        return os.path.join(beside, self.text(key, "-", 4096)) if key in self._values else None

    def limit(self, key: str, least: int, most: int) -> int | None:
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.refuse(key, f"an integer from {least} to {most}")
        return value

    def scale(self, key: str, default: float, least: float = 0) -> float:
        value = self._values.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= 1e6:  # type: ignore[operator]
            raise self.refuse(key, f"a number from {least:g} to 1000000")
        return float(value)  # type: ignore[arg-type]

    def table(self, key: str) -> "_Table":
        return _Table(self._values.get(key, {}), self.key(key))

    def mechanisms(self) -> frozenset[int] | None:
        values = self._values.get("mechanisms")
        if values is None:
            return None
        takes = 'a list of names such as "CKM_AES_GCM"'
        if not isinstance(values, list) or not values:
            raise self.refuse("mechanisms", takes)
        return frozenset(self._mechanism(value) for value in values)

    def _mechanism(self, name: object) -> int:
        number = vars(pkcs11).get(name) if isinstance(name, str) else None
        if number is None or not str(name).startswith("CKM_"):
            raise ConfigError(f"{self.key('mechanisms')}: {name!r} is no mechanism of PKCS #11 3.2")
        return int(number)

    def choice(self, key: str, default: str, accepted: tuple[str, ...]) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str) or value not in accepted:
            raise self.refuse(key, " or ".join(f'"{name}"' for name in accepted))
        return value

    def boolean(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def domains(self, default: tuple[int, ...]) -> tuple[int, ...]:
        values = self._values.get("domains", list(default))
        takes = "a list of different integers from 0 to 255"
        if not isinstance(values, list) or not values:
            raise self.refuse("domains", takes)
        if not all(type(value) is int and 0 <= value <= 255 for value in values):
            raise self.refuse("domains", takes)
        if len(set(values)) != len(values):
            raise self.refuse("domains", takes)
        return tuple(values)

    def id_of(self, key: str, number_of: Callable[[str], int]) -> int | None:
        value = self._values.get(key)
        if isinstance(value, str):
            try:
                return number_of(value)
            except KeyError:
                raise self.refuse(key, "a number, or a name that this machine knows") from None
        return None if value is None else self.integer(key, 1 << 32)

    def has(self, key: str) -> bool:
        return key in self._values

    def apqns(self, known: frozenset[int], may_be_none: bool = False) -> tuple[int, ...]:
        values = self._values.get("apqns")
        if not isinstance(values, list) or not (values or may_be_none):
            raise self.refuse("apqns", 'a list of APQNs such as "00.0000"')
        queues = [self._apqn(value) for value in values]
        if len(set(queues)) != len(queues):
            raise self.refuse("apqns", "every APQN once")
        for queue in queues:
            if queue not in known:
                there = ", ".join(apqn(other) for other in sorted(known))
                raise self.refuse("apqns", f"APQNs of the configured cards: {there}")
        return tuple(queues)

    def _apqn(self, value: object) -> int:
        if isinstance(value, str):
            adapter, dot, domain = value.partition(".")
            digits = frozenset("0123456789abcdefABCDEF").issuperset(adapter + domain)
            if dot and digits and len(adapter) == 2 and len(domain) == 4 and domain < "0100":
                return qid(int(adapter, 16), int(domain, 16))
        raise self.refuse("apqns", 'APQNs written as "aa.dddd" in hexadecimal, such as "00.0001"')


def _timing(table: _Table, order: str) -> Timing:
    table.only(*Timing._fields)
    clock = table.choice("clock", VIRTUAL, CLOCKS)
    for key in Timing._fields:
        if table.has(key) and key != "clock" and (key == "dilation") != (clock == PACED):
            takes = "nothing: with the paced clock time is the wall's"
            raise table.refuse(key, takes if clock == PACED else 'nothing without clock = "paced"')
    if clock == PACED:
        return Timing(
            STRICT, clock=clock, dilation=table.scale("dilation", DILATION, LEAST_DILATION)
        )
    return Timing(
        order=table.choice("order", order, ORDERS),
        think=table.choice("think", "none", THINKS),
        think_scale=table.scale("think_scale", 1.0),
        clients=table.limit("clients", 1, 1 << 16) or 0,
    )


def _card(table: _Table, folder: str) -> CardConfig:
    table.only("adapter", "profile", "domains", "seed", "nvram")
    defaults = CardConfig(table.integer("adapter", 256))
    profile = table.text("profile", defaults.profile, 4096)
    if "/" in profile or profile.endswith(".toml"):
        profile = os.path.join(folder, profile)
    domains, seed = table.domains(defaults.domains), table.seed()
    return CardConfig(defaults.adapter, profile, domains, seed, table.folder("nvram", folder))


def _slot(table: _Table, known: frozenset[int]) -> SlotConfig:
    table.only("id", "description", "apqns", "mechanisms", "limits")
    number, queues = table.integer("id", 1 << 32), table.apqns(known)
    described = table.text("description", _described(queues), _DESCRIPTION_BYTES)
    return SlotConfig(number, described, queues, table.mechanisms(), _limits(table.table("limits")))


def _access(table: _Table, known: frozenset[int]) -> AccessConfig:
    table.only("uid", "gid", "apqns")
    if table.has("uid") == table.has("gid"):
        raise ConfigError(f"{table.key('uid')}: takes a uid or a gid, one of them")
    import grp  # for servers alone
    import pwd

    return AccessConfig(
        table.id_of("uid", lambda name: pwd.getpwnam(name).pw_uid),
        table.id_of("gid", lambda name: grp.getgrnam(name).gr_gid),
        table.apqns(known, may_be_none=True) if table.has("apqns") else None,
    )


def _limits(table: _Table) -> Limits:
    table.only(*Limits._fields)
    return Limits(
        sessions=table.limit("sessions", 1, _LIMIT_MOST),
        rw_sessions=table.limit("rw_sessions", 1, _LIMIT_MOST),
        pin_tries=table.limit("pin_tries", 1, 255) or NO_LIMITS.pin_tries,
        objects=table.limit("objects", 0, _LIMIT_MOST),
        memory_bytes=table.limit("memory_bytes", 0, 1 << 62),
    )


def _one_per_apqn(known: frozenset[int]) -> tuple[SlotConfig, ...]:
    queues = enumerate(sorted(known))
    return tuple(SlotConfig(number, _described((queue,)), (queue,)) for number, queue in queues)


def _described(queues: tuple[int, ...]) -> str:
    more = f" and {len(queues) - 1} more" if len(queues) > 1 else ""
    return f"Ghostcard APQN {apqn(queues[0])}{more}"


def _unique(tables: str, key: str, values: list[int]) -> None:
    for index, value in enumerate(values):
        first = values.index(value)
        if first != index:
            raise ConfigError(
                f"{tables}[{index}].{key}: got {value} again, {tables}[{first}] has it"
            )


def _read(name: str) -> dict[str, object]:
    import tomllib  # here: a machine without a configuration file need not load it

    try:
        with open(name, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from None
    except RecursionError:
        raise ConfigError("is not TOML that can be read: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, a number without end
        raise ConfigError(f"is not TOML: {error}") from None
