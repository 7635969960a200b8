"""Plans: what the profile says, put together."""

import pytest

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.image import Plan
from ghostcard.emulator.profile import load
from ghostcard.firmware.abi.operations import EP11_OPERATIONS
from ghostcard.firmware.pipeline import _MAX_PLANS, Pipeline, unwraps

PROFILE = load("cex8p")._replace(
    firmware=load("cex8p").firmware._replace(
        decode_ns=1000, decode_per_kib_ns=100, unwrap_ns=3000, build_ns=700
    )
)
SIGN = PROFILE.operations["rsa2048-sign"]


def test_a_plan_is_the_sum_of_its_figures() -> None:
    pipeline = Pipeline(PROFILE, EP11_OPERATIONS)
    assert pipeline.plan("rsa2048-sign", 512) == Plan(
        1050, 3000, SIGN.engine, SIGN.service_ns(512), 700
    )
    assert pipeline.plan("query", 0) == Plan(1000, 0, "", 0, 700)
    assert pipeline.plan("wrap", 0).unwrap_ns == 6000


def test_the_same_request_has_the_same_plan() -> None:
    pipeline = Pipeline(PROFILE, EP11_OPERATIONS)
    assert pipeline.plan("sha256", 1024) is pipeline.plan("sha256", 1024)


def test_keys_that_are_opened() -> None:
    """Private and secret keys come as blobs; public keys, and no key at all, cost nothing."""
    keyless = {name for name in EP11_OPERATIONS if unwraps(name) == 0}
    assert keyless == {
        name
        for name in EP11_OPERATIONS
        if name.endswith(("-verify", "-encrypt", "-encapsulate", "keygen", "paramgen"))
        or name in ("sha1", "sha224", "sha256", "sha384", "sha512", "random", "query", "error")
        or name in ("sha3-224", "sha3-256", "sha3-384", "sha3-512", "blake2b")
    }
    assert {name for name in EP11_OPERATIONS if unwraps(name) == 2} == {"wrap"}


def test_a_profile_without_a_price_is_refused_by_name() -> None:
    operations = {name: price for name, price in PROFILE.operations.items() if name != "sha384"}
    with pytest.raises(ProfileError, match=r"profile cex8p: no service time for sha384, which"):
        Pipeline(PROFILE._replace(operations=operations), EP11_OPERATIONS)


def test_the_memory_of_plans_is_bounded() -> None:
    pipeline = Pipeline(PROFILE, EP11_OPERATIONS)
    for payload in range(_MAX_PLANS + 10):
        pipeline.plan("sha256", payload)
    assert len(pipeline._plans) <= _MAX_PLANS
