"""Where cases are done: in this process, in others on this machine, or on a Dask cluster.

A scheduler yields results as they get ready, in any order. Whoever stops listening stops the work, and asking for the
next result says that this one is safe: no more than one item of work per worker is begun and not yet safe.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from itertools import islice
from typing import Protocol, TypeVar

from dataflow.errors import InputError
from validation.processes import process_pool

A = TypeVar("A")
R = TypeVar("R")


class Scheduler(Protocol):
    """Applies a function to every item of work."""

    def __call__(self, work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
        """Yield the results, in any order."""


def in_process(work: Callable[[A], R], items: Iterable[A]) -> Iterator[R]:
    """Do the work in this process."""
    return map(work, items)


def processes(workers: int) -> Scheduler:
    """Return a scheduler for ``workers`` processes, for one this process itself; raises `InputError` below one."""
    if workers < 1:
        raise InputError(f"{workers} workers; at least 1 is needed", "--workers")

    def shared(work: Callable[[A], R], items: Iterable[A]) -> Generator[R]:
        remaining = iter(items)
        with process_pool(workers) as pool:
            running = {pool.submit(work, item) for item in islice(remaining, workers)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    running |= {pool.submit(work, item) for item in islice(remaining, 1)}

    return in_process if workers == 1 else shared


def cluster(address: str) -> Scheduler:
    """Return a scheduler for the Dask cluster at ``address``, whose workers have to have Metronome installed.

    Raises `InputError` where the package `distributed` is not installed.
    """
    try:
        from validation.cluster import Cluster  # noqa: PLC0415 — an optional dependency, and a heavy one
    except ImportError:
        raise InputError("needs the package distributed: pip install 'metronome[cluster]'", "--scheduler") from None
    return Cluster(address)
