"""Share tasks among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dataflow.errors import InputError
from validation.processes import process_pool


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
