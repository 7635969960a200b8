"""Which engine runs, and that it is said."""

import pytest

from ghostcard.benchmarks.engine_choice import EngineError, choose


def test_the_recursion_where_it_applies() -> None:
    assert choose("auto", None) == ("recursion", "nothing in the run needs SimPy")
    assert choose("auto", "faults") == ("simpy", "the recursion does not apply: faults")
    assert choose("simpy", None) == choose("simpy", "faults") == ("simpy", "asked for")
    assert choose("recursion", None) == ("recursion", "asked for")


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(EngineError, match="engine recursion does not apply: faults"):
        choose("recursion", "faults")
    with pytest.raises(EngineError, match="engine 'fast': one of auto, simpy, recursion"):
        choose("fast", None)
