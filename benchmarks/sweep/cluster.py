"""Cases run by Dask: on processes of one thread on this host, or on a cluster that is there.

Cases go in batches of about a quarter of a second, a few ahead of each worker; what is finished
comes back as it ends. A worker that dies takes its batches with it and no more: they run elsewhere.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ghostcard import __version__
from ghostcard.benchmarks.sweep.case import Case, Figures, failed, run
from ghostcard.benchmarks.sweep.errors import SweepError
from ghostcard.benchmarks.workload import replication_seed

if TYPE_CHECKING:
    from distributed import Client

BATCH_REQUESTS = 100_000  # a quarter of a second or so
BATCH_CASES = 64
_AHEAD = 3  # batches of each thread that are with the scheduler
_CONNECT_S = 10
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.allowed-failures": 3,
    "distributed.comm.timeouts.connect": _CONNECT_S,
}

Mask = set[int | signal.Signals]
Outcomes = list[tuple[str, Figures]]
"""Keys of cases and their figures."""


def require() -> None:
    """`SweepError` if what a sweep needs is not installed."""
    try:
        import distributed  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise SweepError(
            f"a sweep needs {error.name}, which is not installed: pip install 'ghostcard[sweep]'"
        ) from None


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """A cluster of so many processes on this host, for as long as the context."""
    import dask
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_QUIET))
        folder = stack.enter_context(TemporaryDirectory(prefix="ghostcard-sweep-"))
        stack.callback(_hear, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        before = _deafen()
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # is served whatever we say: not on a fixed port
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                local_directory=folder,
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster))
        finally:
            _hear(before)
        stack.callback(_deafen)  # while they end, too
        yield client


def _deafen() -> Mask:
    """Put off Ctrl-C, here and in every thread and process that is begun from now on: a terminal
    sends it to all of them, and only the one that reports is to hear it. The mask before."""
    resource_tracker.ensure_running()  # its start would undo this
    return signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))


def _hear(mask: Mask) -> None:
    """Back to a mask; a Ctrl-C that was put off is raised here."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def remote(address: str) -> Iterator[Client]:
    """The cluster of a scheduler that runs elsewhere; its workers must have this Ghostcard."""
    import dask
    from distributed import Client

    with dask.config.set(_QUIET):
        try:
            client = Client(address, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise SweepError(f"--scheduler {address}: {error or 'nobody answers'}") from None
        with client:
            _require_workers(client, address)
            yield client


def _require_workers(client: Client, address: str) -> None:
    try:
        found: dict[str, str] = client.run(version)
    except Exception as error:
        raise SweepError(
            f"--scheduler {address}: its workers have no ghostcard {__version__}: {error}"
        ) from None
    if not found:
        raise SweepError(f"--scheduler {address}: it has no workers")
    for worker, other in found.items():
        if other != __version__:
            raise SweepError(
                f"--scheduler {address}: worker {worker} has ghostcard {other}, not {__version__}"
            )


def version() -> str:
    """Run by a worker: its Ghostcard."""
    return __version__


def run_batch(cases: Sequence[Case]) -> Outcomes:
    """Run by a worker."""
    return [(case.key, run(case)) for case in cases]


def batches(cases: Sequence[Case], requests: int, threads: int) -> Iterator[Sequence[Case]]:
    """Cut into batches of about the same length, at least four for each thread while there are so
    many cases; `requests` are those of one case."""
    size = max(1, min(BATCH_REQUESTS // max(requests, 1), BATCH_CASES, len(cases) // (4 * threads)))
    rest = iter(cases)
    while batch := list(islice(rest, size)):
        yield batch


def compute(client: Client, cases: Sequence[Case], requests: int) -> Iterator[Outcomes]:
    """The outcomes of all cases, in the order in which they end.

    A case on which workers die again and again has failed; `SweepError` if the cluster goes away.
    """
    from distributed import KilledWorker, as_completed

    threads = max(1, sum(client.nthreads().values()))
    waiting = batches(cases, requests, threads)
    sent: dict[Any, Sequence[Case]] = {}

    def send(batch: Sequence[Case]) -> Any:
        future = client.submit(run_batch, batch, pure=False)
        sent[future] = batch
        return future

    ended = as_completed([send(batch) for batch in islice(waiting, _AHEAD * threads)])
    for future in ended:
        batch = sent.pop(future)
        if future.status == "finished":
            yield future.result()
        elif future.status == "error" and isinstance(future.exception(), KilledWorker):
            if len(batch) == 1:
                yield [_killed(batch[0])]
            for case in batch if len(batch) > 1 else ():
                ended.add(send([case]))
        elif future.status == "error":
            raise SweepError(f"a worker cannot run cases: {future.exception()}")
        else:
            raise SweepError("the cluster has gone; what was finished is kept")
        if not sent or len(sent) < _AHEAD * threads:
            for batch in islice(waiting, 1):
                ended.add(send(batch))


def _killed(case: Case) -> tuple[str, Figures]:
    seed = replication_seed(case.scenario.seed, case.replication)
    return case.key, failed(seed, "its worker died, each time that it was tried")
