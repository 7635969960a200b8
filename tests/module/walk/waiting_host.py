"""The walk of `host.py` in asynchronous sessions; prints at the end what was pending, how often.

python -m tests.module.walk.waiting_host LIBRARY
"""

import sys

from ghostcard.module.asynchronous import BY_NAME
from tests.module.walk.host import report
from tests.module.walk.mistakes import Mistake, mistakes
from tests.module.walk.recipes import RECIPES
from tests.module.walk.situations import overlaps, situations
from tests.module.walk.waiting import WaitingWorld


def main(path: str) -> None:
    """The walk in asynchronous sessions."""
    world = WaitingWorld(path)
    world.begin()
    for function in RECIPES:
        for one in mistakes(world, function):
            report(world, *one)
        for one in situations(world, function):
            report(world, *one)
    for one in overlaps(world):
        report(world, *one)
    for function in BY_NAME:
        call = world.ready(function)
        report(world, call, Mistake("nothing", call.values, RECIPES[function].rv))
        world.close()
    world.end()
    for function, count in world.pending.items():
        print("pending", function, count)


if __name__ == "__main__":
    main(sys.argv[1])
