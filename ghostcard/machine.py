"""A machine: profiles -> cards with their firmware images -> bus -> driver, as configured.

A card's NVRAM is the file ``cards/<adapter>.nvram`` in the state folder, or memory for simulations;
that of the software which a host runs for a slot of accelerators is ``hosts/<slot>.nvram``.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ghostcard.config import CardConfig, Config, ConfigError, SlotConfig, check_modes, qid
from ghostcard.deferred import DeferredImage
from ghostcard.driver.native import NativePort
from ghostcard.emulator.bus import Bus
from ghostcard.emulator.card import Card
from ghostcard.emulator.meter import Meter
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile, is_path, load
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.sockets import Sockets
from ghostcard.firmware.abi.operations import category
from ghostcard.firmware.facilities import FACILITIES
from ghostcard.home import home, make_folder
from ghostcard.wrappingkeys import connected, share_secrets

if TYPE_CHECKING:
    from ghostcard.absence import Absence
    from ghostcard.control import Control
    from ghostcard.driver.faultynative import ProgramFaults
    from ghostcard.driver.jobfolder import JobFolder
    from ghostcard.driver.jobs import Jobs
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.simulated import SimulatedPort
    from ghostcard.emulator.faultplan import FaultPlan
    from ghostcard.emulator.image import Image
    from ghostcard.emulator.injector import Injector
    from ghostcard.software import Software

NATIVE_RECORDS = 1_000_000  # of 128 bytes; what a program does beyond that is counted, not kept

_HOST_SEEDS = 1 << 128  # apart from those of cards


class Machine:
    """The cards of a configuration on one bus, with one recorder, the caller's if he gives one.

    ``native`` is the port for the threads of this process; `simulated` gives one for simulated
    hosts. A machine is used for one or the other. ``sockets`` tells which cards are in operation;
    in memory all are. ``is_administered``: wrapping keys are looked at or mended, so that it is no
    error if they differ. With ``faults`` its bus is one that misbehaves. ``profiles`` are those
    of the configuration by name, if the caller has read them. ``own_time`` gives the CPU time of
    its own, in ns, that the calling thread has taken since it was last asked.
    """

    def __init__(
        self,
        config: Config,
        in_memory: bool = False,
        recorder: Recorder | None = None,
        is_administered: bool = False,
        faults: "FaultPlan | None" = None,
        profiles: Mapping[str, Profile] | None = None,
        own_time: Callable[[], int] | None = None,
    ) -> None:
        self.config = config
        self._think = None if own_time is None else _thinking(config, own_time)
        self.faults = None if in_memory else _program_faults(config)
        self.injector = None if faults is None else _injector(faults)
        if self.faults is not None:
            self.injector = self.faults.timing
        self.bus = Bus() if self.injector is None else _faulty_bus(self.injector)
        self._in_memory = in_memory
        self._nvrams: list[Nvram] = []
        profiles = profiles or _profiles(config)
        check_modes(config, {card.adapter: profiles[card.profile].mode for card in config.cards})
        adapters = {card.adapter: card for card in config.cards}
        nvrams = {
            adapter: self._nvram("cards", f"{adapter:02x}", card.nvram)
            for adapter, card in adapters.items()
        }
        randoms = {each: RandomSource(_seed(config, card)) for each, card in adapters.items()}
        modes = {card.adapter: profiles[card.profile].mode for card in config.cards}
        self._share(modes, nvrams, randoms, is_administered)
        for card in config.cards:
            profile, adapter = profiles[card.profile], card.adapter
            image = self._image(card.profile, profile)
            parts = (image, nvrams[adapter], randoms[adapter], card.domains)
            self.bus.plug(Card(adapter, profile, *parts, config.function, config.seed or 0))
        self._start(recorder)
        self.sockets = None if in_memory else self._opened_sockets()
        self._switched = dict.fromkeys(self.bus.cards, 0)
        self._offline: frozenset[int] = frozenset()
        self._absences: list[Absence] = []
        self._control = None if self.faults is None else _control(config, self.faults)
        self._jobs: JobFolder | None = None
        self.follow()

    def follow(self) -> None:
        """Take those cards out of operation, and bring back those, that somebody has switched."""
        if self.sockets is None:
            return
        self.sockets.bring_back()
        for adapter, before in self._switched.items():
            now = self._switched[adapter] = self.sockets.view[adapter]
            if now != before:
                self.native.withdraw(adapter, is_away=now % 2 != 0)
        qids = [
            qid(each, domain) for each, card in self.bus.cards.items() for domain in card.domains
        ]
        offline = frozenset(queue for queue in qids if not self.sockets.is_online(queue))
        if offline != self._offline:
            self._offline = offline
            self.native.switch_off(offline)

    @classmethod
    def simulation(
        cls,
        profile: str = "cex8p",
        cards: int = 1,
        domains: int = 1,
        function: str = "null",
        seed: int = 0,
        faults: "FaultPlan | None" = None,
    ) -> "Machine":
        """Like cards in memory, with one slot, number 0, that leads to all their APQNs."""
        numbers = tuple(range(domains))
        queues = tuple(qid(adapter, domain) for adapter in range(cards) for domain in numbers)
        plugged = tuple(CardConfig(adapter, profile, numbers) for adapter in range(cards))
        slots = (SlotConfig(0, "simulation", queues),)
        return cls(Config(plugged, slots, function, seed), in_memory=True, faults=faults)

    def targets(self, slot: int) -> tuple[int, ...]:
        """The APQNs of a slot, by its number; KeyError if there is no such slot."""
        for configured in self.config.slots:
            if configured.id == slot:
                return configured.apqns
        raise KeyError(slot)

    def group(self, slot: int) -> tuple[int, ...]:
        """The APQNs that share the wrapping key of a slot's; KeyError if there is no such slot."""
        first = self.targets(slot)[0]
        return next(tuple(group) for group in connected(self.config.slots) if first in group)

    def software(self, slot: int) -> "Software":
        """What the host runs for a slot of accelerators; KeyError if there is no such slot."""
        from ghostcard.software import Software

        apqns, config = self.targets(slot), self.config
        seed = None if config.seed is None else _HOST_SEEDS | config.seed << 32 | slot
        nvram = self._nvram("hosts", str(slot))
        return Software(nvram, RandomSource(seed), config.function, self.native, apqns)

    def simulated(self, interrupts: bool = True) -> "SimulatedPort":
        """A port for simulated hosts, at time 0 of a timeline of its own."""
        from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
        from ghostcard.driver.simulated import SimulatedPort  # loads SimPy
        from ghostcard.emulator.timeline import Timeline

        dispatcher = Dispatcher(dispatch_queues(self.bus))
        return SimulatedPort(Timeline(), self.bus, dispatcher, self.recorder, interrupts)

    def after_fork(self) -> None:
        """In the child of a fork: no records, no threads, time 0; the cards are as they were."""
        self.let_go_of_jobs()
        self._start()
        self._switched = dict.fromkeys(self.bus.cards, 0)
        self._offline = frozenset()
        self.follow()

    def _start(self, recorder: Recorder | None = None) -> None:
        if recorder is None:  # one without records yet is false
            recorder = Recorder(None if self._in_memory else NATIVE_RECORDS)
        self.recorder = recorder
        if self.injector is not None:
            self.injector.noted = recorder.note
        guests = any(card.nvram is not None for card in self.config.cards)  # not the home's own
        is_counted = not self._in_memory and not guests
        meter = self._meter = Meter(meter_folder(), self._describe) if is_counted else None
        self.native = self._port(meter)
        for card in self.bus.cards.values():
            if meter is not None:
                card.on_change.append(meter.forget_prices)

    def _port(self, meter: Meter | None) -> NativePort:
        if self.faults is None:
            return NativePort(self.bus, self.recorder, meter, self.config.time, self._think)
        return _faulty_port(self, meter, self.faults, self._think)

    def _opened_sockets(self) -> Sockets:
        return Sockets(sockets_path())

    def _share(
        self,
        modes: dict[int, str],
        nvrams: dict[int, Nvram],
        randoms: dict[int, RandomSource],
        is_administered: bool,
    ) -> None:
        for group in connected(self.config.slots):
            if len(group) > 1:
                share_secrets(modes[group[0] >> 8], group, nvrams, randoms, is_administered)

    def take_away(self, adapter: int, for_ns: int = -1) -> None:
        """Take a card out of operation for every process; with a time, it is put back by a thread,
        or should this process be killed before, by whoever looks for it then.
        """
        assert self.sockets is not None
        due_ns = time.time_ns() + for_ns if for_ns >= 0 else 0
        if self.sockets.switch(adapter, False, due_ns) and for_ns >= 0:
            from ghostcard.absence import Absence

            self._absences.append(Absence(self.sockets, adapter, for_ns))
        self.follow()

    def close(self) -> None:
        """Put back every card that was to come back, and take no further faults."""
        for absence in self._absences:
            absence.end()
        self._absences.clear()
        if self._control is not None:
            self._control.close()
        self.let_go_of_jobs()

    def let_go_of_files(self) -> None:
        """Close what is shared with other processes: nothing can be asked of the cards any more.

        A machine is full of cycles. A program that initialises the library again and again would
        run out of descriptors before somebody looks for garbage.
        """
        if self._meter is not None:
            self._meter.close()
        for nvram in self._nvrams:
            nvram.close()
        if self.sockets is not None:
            self.sockets.close()

    @property
    def jobs(self) -> "Jobs":
        """Who keeps what outlives its program: the folder of this home."""
        if self._jobs is None:
            from ghostcard.driver.jobfolder import JobFolder

            self._jobs = JobFolder(os.path.join(home(), "jobs"), os.geteuid())
        return self._jobs

    def let_go_of_jobs(self) -> None:
        """Others may claim what this process has claimed."""
        if self._jobs is not None:
            self._jobs.close()
            self._jobs = None

    def _describe(self, queue: int, operation: str, payload_bytes: int) -> tuple[int, int]:
        """Category and time on an engine of a request, for the meter."""
        image = self.bus.cards[queue >> 8].image
        plan = image.plan(operation, payload_bytes)
        return category(image.mode, operation), plan.engine_ns

    def observe(self, observer: Callable[[int], None]) -> None:
        """Tell ``observer`` of each native request, in its thread: nanoseconds on an idle card."""

        def price(request: "Request") -> None:
            (qid, *_), _, operation, payload_bytes, request_bytes, reply_bytes, *_ = request
            card = self.bus.cards[qid >> 8]
            observer(card.lone(0, operation, payload_bytes, request_bytes, reply_bytes)[-1])

        self.native.observe(price)

    def _image(self, name: str, profile: Profile) -> "Image":
        """The firmware of a card; with a profile of Ghostcard's own it boots at the first request,
        with a file of the user's at once, so that what is wrong with it is told now.
        """
        if self._in_memory or is_path(name) or profile.mode not in FACILITIES:
            return _image(profile, self._in_memory)
        facilities = FACILITIES[profile.mode]
        return DeferredImage(profile.mode, facilities, lambda: _image(profile, False))

    def _nvram(self, owners: str, name: str, folder: str | None = None) -> Nvram:
        if self._in_memory:
            return Nvram()
        nvram = Nvram(os.path.join(folder or _folder(owners), f"{name}.nvram"))
        nvram.names()  # a damaged one is told now, though its owner may boot later
        self._nvrams.append(nvram)
        return nvram


def _thinking(config: Config, own_time: Callable[[], int]) -> Callable[[], int] | None:
    """What a thread's clock advances by between two calls, if it does."""
    scale = config.time.think_scale
    if config.time.think == "none":
        return None
    return own_time if scale == 1.0 else lambda: int(own_time() * scale)


def machine_of(
    config: Config,
    recorder: Recorder | None = None,
    is_administered: bool = False,
    own_time: Callable[[], int] | None = None,
) -> Machine:
    """The machine that a configuration describes: with cards of its own, or a server's.

    ConfigError where no server listens, or has nothing for this user.
    """
    if config.server is None:
        return Machine(config, False, recorder, is_administered, own_time=own_time)
    from ghostcard.shared.machine import RemoteMachine

    return RemoteMachine(config)


def meter_folder() -> str:
    """Where the counts of what programs asked of the cards of this home lie."""
    return os.path.join(home(), "cards", "meter")


def sockets_path() -> str:
    """The file that says which cards of this home are in operation, and which queues online."""
    return os.path.join(_folder("cards"), "sockets")


def _program_faults(config: Config) -> "ProgramFaults | None":
    """What a program's configuration says of faults; None if nothing."""
    if config.faults is None and not config.control:
        return None
    from ghostcard import faults
    from ghostcard.driver.faultynative import ProgramFaults
    from ghostcard.emulator.faultplan import FaultPlan, FaultPlanError

    if config.faults is None:
        return ProgramFaults(FaultPlan())
    plan = faults.load(config.faults)
    try:
        faults.check_cards(plan, [card.adapter for card in config.cards])
        return ProgramFaults(plan)
    except FaultPlanError as error:
        raise FaultPlanError(f"{config.faults}: {error}") from None


def _faulty_port(
    machine: Machine,
    meter: "Meter | None",
    faults: "ProgramFaults",
    think: Callable[[], int] | None,
) -> NativePort:
    from ghostcard.driver.faultynative import FaultyNativePort

    parts = (machine.bus, machine.recorder, meter, faults, machine.take_away)
    return FaultyNativePort(*parts, machine.config.time, think)


def _control(config: Config, faults: "ProgramFaults") -> "Control | None":
    if not config.control:
        return None
    from ghostcard.control import Control

    return Control(faults)


def _injector(plan: "FaultPlan") -> "Injector":
    from ghostcard.emulator.injector import Injector

    return Injector(plan)


def _faulty_bus(injector: "Injector") -> Bus:
    from ghostcard.emulator.faultybus import FaultyBus

    return FaultyBus(injector)


def _folder(owners: str) -> str:
    """Where the cards or hosts of this home keep what outlives a process."""
    folder = os.path.join(home(), owners)
    make_folder(folder)
    return folder


def _profiles(config: Config) -> dict[str, Profile]:
    return {name: load(name) for name in {card.profile for card in config.cards}}


def _seed(config: Config, card: CardConfig) -> int | None:
    """A card's own seed, or one for each adapter out of the machine's."""
    if card.seed is not None or config.seed is None:
        return card.seed
    return config.seed << 8 | card.adapter


def _image(profile: Profile, simulated: bool) -> "Image":
    """The firmware for a card; only what a machine has is loaded.

    Where requests cannot be answered, a simulation is told what they cost, and nobody else.
    """
    if profile.mode == "ep11":
        from ghostcard.firmware.ep11.image import Ep11Image

        return Ep11Image()
    if profile.mode == "accelerator":
        from ghostcard.firmware.accelerator import AcceleratorImage

        return AcceleratorImage()
    if profile.mode == "cca":
        from ghostcard.firmware.cca.image import CcaImage

        return CcaImage()
    if not simulated:
        raise ConfigError(
            f"profile {profile.name}: no firmware image answers requests in mode {profile.mode}; "
            "it is for simulations (ghostcard validate, ghostcard simulate)"
        )
    from ghostcard.firmware.timing import TimingImage

    return TimingImage(profile.mode)
