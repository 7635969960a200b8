"""What a request costs on the card: the profile's figures made into a plan, once per kind."""

from collections.abc import Iterable

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.image import Plan, Scheduler
from ghostcard.emulator.profile import Profile
from ghostcard.firmware.abi.operations import ERROR, HASHES, QUERY

_MAX_PLANS = 4096  # remembered; then all are forgotten and computed again

# Operations that open no key blob: what comes in clear, or has no key.
_KEYLESS = ("-keygen", "-paramgen", "-verify", "-encrypt", "-encapsulate", "-me", "-crt")
_KEYLESS_NAMES = frozenset(("random", QUERY, ERROR, *HASHES))


def unwraps(operation: str) -> int:
    """How many key blobs the firmware opens for an operation: wrapping opens two, most one."""
    if operation in _KEYLESS_NAMES or operation.endswith(_KEYLESS):
        return 0
    return 2 if operation == "wrap" else 1


class Pipeline:
    """The plans of one card's image; the same request has the same plan."""

    __slots__ = ("_plans", "_profile")

    def __init__(self, profile: Profile, operations: Iterable[str]) -> None:
        """ProfileError if the profile does not price every one of the image's operations."""
        missing = [name for name in operations if name not in profile.operations]
        if missing:
            raise ProfileError(
                f"profile {profile.name}: no service time for {', '.join(missing)}, which a card "
                f"in mode {profile.mode} performs"
            )
        self._profile = profile
        self._plans: dict[tuple[str, int], Plan] = {}

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """Times in nanoseconds; KeyError for an operation that no image performs."""
        plan = self._plans.get((operation, payload_bytes))
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = self._plans[operation, payload_bytes] = self._priced(operation, payload_bytes)
        return plan

    def scheduler(self) -> Scheduler | None:
        """What makes the lines of the profile's policy; None for FIFO."""
        if self._profile.firmware.scheduler == "fifo":
            return None
        from ghostcard.firmware.scheduling import scheduler

        return scheduler(self._profile.firmware)

    def reprice(self, profile: Profile) -> None:
        """Price by another profile from now on; it has the same operations."""
        self._profile = profile
        self._plans.clear()

    def _priced(self, operation: str, payload_bytes: int) -> Plan:
        firmware = self._profile.firmware
        price = self._profile.operations[operation]
        return Plan(
            decode_ns=firmware.decode_time_ns(payload_bytes),
            unwrap_ns=firmware.unwrap_ns * unwraps(operation),
            engine=price.engine,
            engine_ns=price.service_ns(payload_bytes) if price.engine else 0,
            build_ns=firmware.build_ns,
        )
