"""Which resource limits a measured point."""

import pytest

from ghostcard.benchmarks.point import Point


def limit(in_hardware: float, throughput: float = 1.0, **utilisation: float) -> str:
    return Point("x", 1, 1, throughput, 1.0, 1, 1, utilisation, in_hardware).limit()


@pytest.mark.parametrize(
    ("expected", "in_hardware", "cores", "rsa"),
    [
        ("clients", 0.94, 0.94, 0.5),
        ("cores", 1.0, 0.95, 0.5),
        ("rsa", 0.2, 0.97, 0.98),
        ("queue depth", 0.95, 0.94, 0.5),
    ],
)
def test_a_busy_resource_then_the_queue_then_the_clients(
    expected: str, in_hardware: float, cores: float, rsa: float
) -> None:
    assert limit(in_hardware, cores=cores, rsa=rsa) == expected


def test_nothing_limits_a_card_on_which_nothing_takes_time() -> None:
    assert limit(0.0, throughput=0.0, cores=0.0) == "nothing"
