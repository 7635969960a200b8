"""The card: one adapter with its image, its command queues and the price of a lone request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.emulator.draws import ServiceDraws
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.figures import with_figure
from ghostcard.emulator.image import SchedulingImage
from ghostcard.emulator.link import TransferTimes
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.queue import NEVER, CommandQueue
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.status import ADAPTER_MAX, MODE_FACILITY, hardware_info

if TYPE_CHECKING:
    from ghostcard.emulator.image import Image
    from ghostcard.emulator.injector import Injector
    from ghostcard.emulator.stations import Stations
    from ghostcard.emulator.timeline import Timeline

LONE_SHAPES_MAX = 4096  # shapes of lone requests remembered; one more and the memory starts anew

Shape = tuple[str, int, int, int]  # operation, payload, request, reply bytes
Offsets = tuple[int, int, int, int, int, int, int, int, int, int, int]


class Card:
    """One adapter (AP sheet 1.1), and what its image sees of it (`image.Services`).

    `adapter` is 0..255, `domains` are the APQIs it serves, each below `queue.domains` of the
    profile; the image must be made for the profile's mode. Anything else raises `EmulatorError`.
    `seed` is that of service times that vary; cards with one seed give a request one time.
    The image is booted at once. A card executes (`Bus.perform`) and prices lone requests (`lone`)
    without a timeline; messages take time after `attach`.
    """

    def __init__(
        self,
        adapter: int,
        profile: Profile,
        image: Image,
        nvram: Nvram,
        random: RandomSource,
        domains: tuple[int, ...],
        function: str = "real",
        seed: int = 0,
    ) -> None:
        self.adapter = adapter
        self.profile = profile
        self.image = image
        self.nvram = nvram
        self.random = random
        self.domains = tuple(domains)
        self.function = function
        self._require_possible()
        self.configured = True
        self.checkstopped = False
        depth = profile.queue.depth
        self.queues = {domain: CommandQueue(self, domain, depth) for domain in self.domains}
        self.deliver_interrupt: Callable[[int], None] = _nobody_listens
        self._stations: Stations | None = None
        self._request_times = TransferTimes(profile.link)
        self._reply_times = TransferTimes(profile.reply_link)
        self.draws = ServiceDraws(profile, seed)
        self._lone: dict[Shape, Offsets] = {}
        self.on_change: list[Callable[[], None]] = []
        self.faults: Injector | None = None
        image.boot(self)

    def _require_possible(self) -> None:
        profile, image = self.profile, self.image
        if not 0 <= self.adapter <= ADAPTER_MAX:
            raise EmulatorError(f"adapter {self.adapter} is not one of 0..{ADAPTER_MAX}")
        if self.function not in ("real", "null"):
            raise EmulatorError(f"function {self.function!r} is neither 'real' nor 'null'")
        if image.mode != profile.mode:
            raise EmulatorError(
                f"profile {profile.name} is for mode {profile.mode}, the image is {image.mode}"
            )
        if not image.facilities & MODE_FACILITY[profile.mode]:
            raise EmulatorError(
                f"facility word {image.facilities:#010x} lacks the bit of mode {profile.mode}"
            )
        if not self.domains or len(set(self.domains)) != len(self.domains):
            raise EmulatorError(f"domains {self.domains}: at least one was expected, each once")
        for domain in self.domains:
            if not 0 <= domain < profile.queue.domains:
                raise EmulatorError(
                    f"domain {domain} is not one of 0..{profile.queue.domains - 1} "
                    f"(queue.domains of profile {profile.name})"
                )

    # What the card states about itself

    @property
    def hardware_info(self) -> int:
        """The 64-bit GR2 of TAPQ (AP sheet 1.4), the same on every queue of the card."""
        profile = self.profile
        return hardware_info(
            self.image.facilities,
            profile.hardware_type,
            profile.queue.domains,
            profile.queue.max_message_bytes,
            profile.queue.depth,
        )

    def configure(self, configured: bool) -> None:
        """Put the adapter into operation, or into standby ("config off").

        Either loses what is in hardware and resets the queues.
        """
        self.configured = configured
        self._change_service()

    def withdraw(self, is_away: bool) -> None:
        """Take the adapter out of operation, or bring it back, while nothing is in hardware.

        What its image has in memory is lost; queues and interrupts stay as they are.
        """
        self.configured = not is_away
        for queue in self.queues.values():
            queue.available_from = NEVER if is_away else 0
            self.image.zeroize(queue.domain)

    def checkstop(self, checkstopped: bool) -> None:
        """Give the adapter a hardware error, or repair it; it loses what is in hardware."""
        self.checkstopped = checkstopped
        self._change_service()

    def change(self, key: str, value: int) -> int:
        """Change a figure of the profile (`figures`) for what is fetched from now on.

        Returns what it was; raises as `with_figure`. Everybody in `on_change` is told.
        """
        self.profile, before = with_figure(self.profile, key, value)
        self._lone.clear()
        if self._stations is not None:
            self._stations.forget_plans()
        for told in self.on_change:
            told()
        return before

    def _change_service(self) -> None:
        in_service = self.configured and not self.checkstopped
        for queue in self.queues.values():
            self.purge(queue)
            queue.available_from = 0 if in_service else NEVER

    # Time

    def attach(self, timeline: Timeline) -> None:
        """Let messages take time on `timeline` from now on; every queue and station is empty."""
        parts = (
            timeline,
            self.profile,
            self.image,
            self._request_times,
            self._reply_times,
        )
        scheduler = self.image.scheduler() if isinstance(self.image, SchedulingImage) else None
        if self.faults is not None:
            from ghostcard.emulator.faultystations import FaultyStations

            self._stations = FaultyStations(*parts, scheduler, self.draws, self.faults)
        elif scheduler is None and self.profile.beyond_fifo() is None:
            from ghostcard.emulator.stations import Stations

            self._stations = Stations(*parts)
        else:
            from ghostcard.emulator.general_stations import GeneralStations

            self._stations = GeneralStations(*parts, scheduler, self.draws)
        for queue in self.queues.values():
            queue.clear()
            queue.stations = self._stations

    def purge(self, queue: CommandQueue) -> None:
        """Take every message of `queue` away and disable its interrupts (RAPQ, AP sheet 1.2)."""
        queue.clear()
        if self._stations is not None:
            self._stations.purge(queue)

    # A lone request

    def lone(
        self,
        start_ns: int,
        operation: str,
        payload_bytes: int,
        request_bytes: int,
        reply_bytes: int,
        client: int = 0,
        number: int = 0,
    ) -> tuple[int, ...]:
        """The twelve times of a request submitted at `start_ns` to an idle card, interrupts on.

        Equal to the nanosecond to what the stations give, at a fraction of the cost. `client` and
        `number` (`Job`) matter for operations whose service time varies.
        """
        shape = (operation, payload_bytes, request_bytes, reply_bytes)
        try:
            a, b, c, d, e, f, g, h, i, j, k = self._lone[shape]
        except KeyError:
            a, b, c, d, e, f, g, h, i, j, k = self._price(shape)
        if operation in self.draws:
            mean_ns = self.image.plan(operation, payload_bytes).engine_ns
            more = self.draws.service_ns(operation, mean_ns, client, number) - mean_ns
            g, h, i, j, k = g + more, h + more, i + more, j + more, k + more
        s = start_ns
        return (s, s + a, s + b, s + c, s + d, s + e, s + f, s + g, s + h, s + i, s + j, s + k)

    def _price(self, shape: Shape) -> Offsets:
        operation, payload_bytes, request_bytes, reply_bytes = shape
        plan = self.image.plan(operation, payload_bytes)
        profile, host = self.profile, self.profile.host
        enqueued = host.submit_ns
        arrived = enqueued + self._request_times[request_bytes] + profile.link.latency_ns
        decoded = arrived + plan.decode_ns
        unwrapped = decoded + plan.unwrap_ns
        started = unwrapped + profile.batch_wait_ns(plan.engine, payload_bytes)
        finished = started + profile.batch_start_ns(plan.engine) + plan.engine_ns
        built = finished + plan.build_ns
        replied = built + self._reply_times[reply_bytes] + profile.reply_link.latency_ns
        notified = replied + host.lone_notify_ns
        done = notified + host.dequeue_ns
        offsets = (
            enqueued, arrived, arrived, decoded, unwrapped, started,
            finished, built, replied, notified, done,
        )  # fmt: skip
        if len(self._lone) >= LONE_SHAPES_MAX:
            self._lone.clear()
        self._lone[shape] = offsets
        return offsets


def _nobody_listens(_qid: int) -> None:
    """No host has registered for interrupts."""
