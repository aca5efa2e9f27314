"""Share tasks among processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from validation.processes import process_pool

if TYPE_CHECKING:
    from validation.schedulers import Scheduler


@contextmanager
def mapper(workers: int, tasks: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Yield a `map` for ``tasks`` tasks: this process's own, or one over ``workers`` others where that pays.

    Results come in the order of the tasks. Raises `InputError` for less than one worker, and when a worker is killed.
    """
    if workers < 1:
        raise InputError(f"{workers} workers; at least 1 is needed", "--workers")
    useful = min(workers, tasks)
    if useful <= 1:
        yield map
        return
    with process_pool(useful) as pool:
        yield pool.map


def scheduler_of(workers: int | None, address: str | None) -> Scheduler:
    """Return who does the work: ``workers`` processes, one per core if that is None, or a Dask cluster."""
    from validation.schedulers import cluster, processes

    if address is None:
        return processes((os.cpu_count() or 1) if workers is None else workers)
    if workers is not None:
        raise InputError("the cluster's workers do the work; leave --workers out", "--scheduler")
    return cluster(address)
