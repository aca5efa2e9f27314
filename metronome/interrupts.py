"""Interrupts that are heeded where nothing is half done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT, default_int_handler, getsignal, signal
from threading import current_thread, main_thread


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether there has been an interrupt; a second one raises `KeyboardInterrupt`.

    One that is raised wherever the work happens to be can get lost there: in a finalizer, or in a callback of the
    garbage collector such as Hypothesis has one.
    """
    seen: list[int] = []

    def note(number: int, _frame: object) -> None:
        seen.append(number)
        signal(SIGINT, before)

    before = getsignal(SIGINT)
    if before is not default_int_handler or current_thread() is not main_thread():
        yield lambda: False
        return
    signal(SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal(SIGINT, before)
