"""The service times of a card that vary: which time a client's n-th request gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.emulator.profile import Profile
    from ghostcard.emulator.variates import Sampler

_SERVICE = 5 << 48  # purpose of the streams; a workload's are 1 to 4. The client fills the rest


class ServiceDraws:
    """Engine times by (operation, client, number): the same on every card with this seed.

    So neither the order of events nor the choice of a card, a policy or an engine of the
    simulation changes what a request needs. `operation in draws` says whether its time varies.
    """

    __slots__ = ("_keys", "_samplers", "_seed")

    def __init__(self, profile: Profile, seed: int) -> None:
        self._seed = seed
        self._keys: dict[int, int] = {}
        self._samplers: dict[str, Sampler] = {}
        for name, operation in profile.operations.items():
            sampler = operation.distribution.sampler()
            if sampler is not None:
                self._samplers[name] = sampler

    @property
    def seed(self) -> int:
        """That of the streams."""
        return self._seed

    def __bool__(self) -> bool:
        return bool(self._samplers)

    def __contains__(self, operation: str) -> bool:
        return operation in self._samplers

    def service_ns(self, operation: str, mean_ns: int, client: int, number: int) -> int:
        """The engine time in nanoseconds of request `number`, from 0, of a client."""
        sampler = self._samplers.get(operation)
        return sampler(mean_ns, self.word(client, number)) if sampler else mean_ns

    def word(self, client: int, number: int) -> int:
        """The random word of a request."""
        from ghostcard.emulator.variates import stream_key, word

        key = self._keys.get(client)
        if key is None:
            key = self._keys[client] = stream_key(self._seed, _SERVICE | client)
        return word(key, number)
