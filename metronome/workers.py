"""Share tasks among processes that never outlive the one they work for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait
from signal import SIG_DFL, SIGINT, signal
from threading import Thread
from typing import Any

from dataflow.errors import InputError


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
    pool = ProcessPoolExecutor(useful, initializer=_end_with_parent)
    try:
        yield pool.map
    except BrokenProcessPool:
        message = "a worker process was ended from outside, perhaps for want of memory; use fewer"
        raise InputError(message, "--workers") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Make a worker end at once, and without a word, when it is interrupted or its parent is gone."""
    signal(SIGINT, SIG_DFL)
    Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
