"""How a thread in paced mode waits for its time on the wall's clock."""

import time

SPIN_NS = 150_000  # before its time, from when on a thread does not sleep


def pause(until_ns: int) -> None:
    """Wait until the monotonic clock shows a time, or about `SPIN_NS` before; plain Python's way,
    which may be 0.2 ms late. In the library `module/pace.c` does it.
    """
    left_ns = until_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / 1e9)
