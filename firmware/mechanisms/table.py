"""The mechanisms of a card, and the self tests that stand before their first use.

Conditional self tests (FIPS 140-3, 7.10.3): a family's known answers are computed when one of its
mechanisms is first prepared, not at boot, so that a program that signs once does not wait for the
tests of twenty algorithms. `test_all` runs the lot. Nor does it wait for their files: the table
knows which family has which mechanism, and has a family register itself when it is wanted.
"""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from types import MappingProxyType

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused


class SelfTestFailed(Exception):
    """A family computed something else than the known answer; the card must not go on."""

    def __init__(self, family: str) -> None:
        super().__init__(f"known-answer test of {family} failed")
        self.family = family


class _Family:
    __slots__ = ("known_answers", "name", "passed")

    def __init__(self, name: str, known_answers: Callable[[], bool] | None) -> None:
        self.name = name
        self.known_answers = known_answers
        self.passed = False

    def test(self) -> None:
        if self.known_answers is not None and not self.known_answers():
            raise SelfTestFailed(self.name)
        self.passed = True


class Table:
    """Mechanisms by number; each family registers itself once.

    ``directory`` has the families that `fetch` makes do so later, with their mechanisms.
    """

    def __init__(
        self,
        directory: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
        fetch: "Callable[[str, Table], None] | None" = None,
    ) -> None:
        self._families: dict[str, _Family] = {}
        self._mechanisms: dict[int, tuple[Mechanism, _Family]] = {}
        self._directory = directory
        self._fetch = fetch
        self._owners = {number: name for name, has in directory.items() for number in has}
        self._fetching = Lock()

    def register(
        self, family: str, known_answers: Callable[[], bool] | None, mechanisms: Iterable[Mechanism]
    ) -> None:
        """Add a family: its self test says whether every known answer came out."""
        if family in self._families:
            raise ValueError(f"mechanism family {family} is registered twice")
        entry = _Family(family, known_answers)
        for mechanism in mechanisms:
            if mechanism.number in self._mechanisms:
                raise ValueError(f"mechanism {mechanism.number:#x} is registered twice")
            self._mechanisms[mechanism.number] = (mechanism, entry)
        self._families[family] = entry  # last: now other threads find all of it

    def find(self, number: int) -> Mechanism:
        """A mechanism whose family has passed its self test; SelfTestFailed if it does not."""
        mechanism, family = self._entry(number)
        if not family.passed:
            family.test()
        return mechanism

    def ensure(self, family: str) -> None:
        """Run the self test of a family unless it has passed before."""
        entry = self._family(family)
        if not entry.passed:
            entry.test()

    def describe(self, number: int) -> Mechanism:
        """The mechanism for its description alone: no self test."""
        return self._entry(number)[0]

    def numbers(self) -> list[int]:
        """All mechanisms in ascending order."""
        return sorted(self._owners.keys() | self._mechanisms.keys())

    def families(self) -> list[str]:
        """The families in the order of the directory, then of their registration."""
        return list(dict.fromkeys((*self._directory, *self._families)))

    def members(self, family: str) -> list[Mechanism]:
        """The mechanisms of one family in ascending order."""
        owner = self._family(family)
        found = (each for each, entry in self._mechanisms.values() if entry is owner)
        return sorted(found, key=lambda mechanism: mechanism.number)

    def test_all(self) -> None:
        """Run every self test, passed or not; SelfTestFailed names the first that fails."""
        for family in self.families():
            self._family(family).test()

    def _entry(self, number: int) -> tuple[Mechanism, _Family]:
        found = self._mechanisms.get(number)
        if found is not None:
            return found
        if number not in self._owners:
            raise Refused(ck.CKR_MECHANISM_INVALID)
        self._family(self._owners[number])
        return self._mechanisms[number]

    def _family(self, name: str) -> _Family:
        if name not in self._families and self._fetch is not None:
            with self._fetching:
                if name not in self._families:
                    self._fetch(name, self)
        return self._families[name]
