"""How the processes of the machine wait for each other.

What is on its way is always to be seen in the objects themselves, never only in a pending event: the state of
the machine can be read off between two events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from simpy import Environment, Event

T = TypeVar("T")
Waiting = Generator[Event, Any, T]
Process = Waiting[None]


class Clock(Environment):
    """SimPy's environment; every delay here is an integer, and so is the time."""

    #: the current cycle
    now = cast(int, property(attrgetter("_now")))  # read more often than anything else


class _Awaited:
    """Something that one process at a time may wait for."""

    __slots__ = ("_clock", "_event")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event: Event | None = None

    def _pause(self) -> Event:
        self._event = Event(self._clock)
        return self._event

    def _wake(self) -> None:
        if self._event is not None:
            self._event.succeed()
            self._event = None


class Channel(_Awaited, Generic[T]):
    """A queue between two processes, first in, first out, and never full."""

    __slots__ = ("items",)

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.items: deque[T] = deque()

    def put(self, item: T) -> None:
        """Append ``item``."""
        self.items.append(item)
        self._wake()

    def take(self) -> Waiting[T]:
        """Wait for the first item and remove it."""
        while not self.items:
            yield self._pause()
        return self.items.popleft()


class Credits(_Awaited):
    """Free buffers: whoever takes one waits until there is one."""

    __slots__ = ("free",)

    def __init__(self, clock: Clock, free: int) -> None:
        super().__init__(clock)
        self.free = free

    def take(self, of: int = 1) -> Waiting[None]:
        """Wait until there are ``of`` credits and use one."""
        while self.free < of:
            yield self._pause()
        self.free -= 1

    def give(self) -> None:
        """Return a credit."""
        self.free += 1
        self._wake()


class Counter(_Awaited):
    """Counts, and lets one process wait for a count."""

    __slots__ = ("count",)

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.count = 0

    def increment(self) -> None:
        """Count one more."""
        self.count += 1
        self._wake()

    def reach(self, count: int) -> Waiting[None]:
        """Wait until ``count`` is reached."""
        while self.count < count:
            yield self._pause()


class Gate:
    """Closed until it is opened, once, for any number of waiting processes; ``opened_at`` says since which cycle."""

    __slots__ = ("_clock", "_waiting", "opened_at")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[Event] = []
        self.opened_at: int | None = None

    def open(self, since: int) -> None:
        """Let everybody through, now and later, for a reason that holds since the cycle ``since``."""
        self.opened_at = since
        for event in self._waiting:
            event.succeed()
        self._waiting.clear()

    def passed(self) -> Waiting[int]:
        """Wait until the gate is open; return since when it is."""
        if self.opened_at is None:
            event = Event(self._clock)
            self._waiting.append(event)
            yield event
        assert self.opened_at is not None, "only an open gate lets anybody through"
        return self.opened_at
