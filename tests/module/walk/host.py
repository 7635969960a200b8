"""Walks through all functions of the real library; prints a line for each call.

python -m tests.module.walk.host LIBRARY
"""

import sys

from tests.module.walk.mistakes import Mistake, mistakes
from tests.module.walk.recipes import RECIPES
from tests.module.walk.situations import finalized, overlaps, situations
from tests.module.walk.world import Call, World


def report(world: World, call: Call, mistake: Mistake) -> None:
    """FUNCTION, what was wrong, answer and what is wanted, length told and wanted, memory."""
    answer = world.call(call.function, mistake.values)
    intact = "intact" if call.memory.is_intact else "overwritten"
    facts = (f"{answer:#x}", f"{mistake.wanted:#x}", world.told(call), mistake.needs, intact)
    print(call.function, mistake.name.replace(" ", "-"), *facts, flush=True)


def main(path: str) -> None:
    """The whole walk, and C_Finalize."""
    world = World(path)
    world.begin()
    for function in RECIPES:
        for one in mistakes(world, function):
            report(world, *one)
        for one in situations(world, function):
            report(world, *one)
    for one in overlaps(world):
        report(world, *one)
    world.end()
    for one in finalized(world):
        report(world, *one)


if __name__ == "__main__":
    main(sys.argv[1])
