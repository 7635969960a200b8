"""Known answers of queueing theory; values of the table in `reference/modelling.md`, section 2."""

import pytest

from ghostcard.benchmarks import theory

DEMANDS = (1.0, 0.5, 0.25)


@pytest.mark.parametrize(("servers", "load", "value"), [(8, 6.4, 0.144393889853)])
def test_erlang_b(servers: int, load: float, value: float) -> None:
    assert theory.erlang_b(servers, load) == pytest.approx(value, abs=5e-13)


@pytest.mark.parametrize(
    ("servers", "load", "value"), [(8, 6.4, 0.457644925442), (2, 1.6, 0.711111111111)]
)
def test_erlang_c(servers: int, load: float, value: float) -> None:
    assert theory.erlang_c(servers, load) == pytest.approx(value, abs=5e-13)


@pytest.mark.parametrize(
    ("servers", "rho", "value"),
    [(1, 0.8, 4.0), (2, 0.8, 1.777777778), (8, 0.8, 0.286028078), (16, 0.9, 0.369589621)],
)
def test_mmc_wait(servers: int, rho: float, value: float) -> None:
    assert theory.mmc_wait(rho * servers, 1.0, servers) == pytest.approx(value, abs=5e-10)


@pytest.mark.parametrize(("variation", "value"), [(0.0, 2.0), (1.0, 4.0), (4.0, 10.0)])
def test_mg1_wait(variation: float, value: float) -> None:
    assert theory.mg1_wait(0.8, 1.0, variation) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("clients", "throughput"),
    [(1, 0.173913043), (4, 0.606776747), (8, 0.916575395), (16, 0.999385158)],
)
def test_mva(clients: int, throughput: float) -> None:
    assert theory.mva(DEMANDS, 4.0, clients).throughput == pytest.approx(throughput, abs=5e-10)


def test_mva_response() -> None:
    assert theory.mva(DEMANDS, 4.0, 8).response_s == pytest.approx(4.728141785, abs=5e-10)


@pytest.mark.parametrize("clients", [1, 4, 8, 16])
def test_several_servers_reduce_to_one(clients: int) -> None:
    single = theory.mva(DEMANDS, 4.0, clients)
    several = theory.mva_servers(DEMANDS, (1, 1, 1), 4.0, clients)
    assert several.throughput == pytest.approx(single.throughput, rel=1e-9)


def test_several_servers_without_a_queue_are_a_delay() -> None:
    assert theory.mva_servers((2.0,), (5,), 0.0, 5).throughput == pytest.approx(2.5)


def test_priority_classes_of_one_kind_share_the_wait_of_mm1() -> None:
    waits = theory.cobham_waits((0.4, 0.4), (1.0, 1.0), (2.0, 2.0))
    assert waits == pytest.approx((0.8 / 0.6, 0.8 / (0.6 * 0.2)))
    assert sum(waits) / 2 == pytest.approx(theory.mmc_wait(0.8, 1.0, 1))


def test_percentile_of_mm1() -> None:
    assert theory.mm1_percentile(0.8, 1.0, 0.99) == pytest.approx(23.02585093)


def test_knee_and_bound_agree() -> None:
    users = theory.knee(4.0, 1.75, 1.0)
    assert users == 5.75
    assert theory.closed_bound(6, 4.0, 1.75, 1.0) == 1.0
    assert theory.closed_bound(5, 4.0, 1.75, 1.0) == pytest.approx(5 / 5.75)


def test_no_steady_state_is_said() -> None:
    with pytest.raises(theory.UnstableError, match=r"load is 1\.250"):
        theory.mmc_wait(10.0, 1.0, 8)
    with pytest.raises(theory.UnstableError):
        theory.erlang_c(2, 2.0)


@pytest.mark.parametrize("bad", [-1.0, 0.0, float("nan"), float("inf")])
def test_nonsense_names_the_argument(bad: float) -> None:
    with pytest.raises(theory.TheoryError, match="service_s"):
        theory.mmc_wait(1.0, bad, 1)
