"""Worker processes that never outlive the work that they are for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import Pipe, parent_process
from multiprocessing.connection import Connection, wait
from signal import SIG_IGN, SIGINT, signal
from threading import Thread

from dataflow.errors import InputError


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of ``workers`` processes; they end, whatever they do, when this block or this process does.

    An interrupt from the terminal reaches all processes at once: only this one heeds it. Raises `InputError` when a
    worker is killed.
    """
    lifeline, held = Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, initializer=_begin, initargs=(lifeline, held))
    try:
        yield pool
    except BrokenProcessPool:
        message = "a worker process was ended from outside, perhaps for want of memory; use fewer"
        raise InputError(message, "--workers") from None
    finally:
        held.close()
        pool.shutdown(cancel_futures=True)
        lifeline.close()


def _begin(lifeline: Connection, held: Connection) -> None:
    """Let a worker leave interrupts to its parent, and end as soon as nobody holds the other end of its lifeline."""
    signal(SIGINT, SIG_IGN)
    held.close()
    Thread(target=_watch, args=(lifeline,), daemon=True).start()


def _watch(lifeline: Connection) -> None:
    parent = parent_process()
    wait([lifeline] if parent is None else [lifeline, parent.sentinel])
    os._exit(1)
