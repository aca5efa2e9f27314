"""What happened, event by event: steps, transfers, computes, drains, stalls, levels of buffers; and windows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: the units that lead from the top to a cluster; the top itself is ()
Path = tuple[int, ...]

#: what a region is of each dimension, ends not included
Ranges = dict[str, tuple[int, int]]

#: elements of input, filter and output
Tiles = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that takes from cycle ``begin`` to ``end``, in a cluster and for a step: the top level's ``number``."""

    begin: int
    end: int
    cluster: Path
    number: int


@dataclass(frozen=True, slots=True)
class Step(Event):
    """A step, from its transfer to its end; its units may begin at ``started``.

    ``indices`` say where the level's loops stand, ``ranges`` what each active unit works on, ``tiles`` how many
    elements of each tensor that takes; ``ends`` by unit when it ends the step, where units go on without each other.
    """

    indices: tuple[int, ...]
    started: int
    ranges: dict[int, Ranges]
    tiles: dict[int, Tiles]
    ends: dict[int, int]

    def ended(self, unit: int) -> int:
        """Return when a unit may go on to its next step."""
        return self.ends.get(unit, self.end)


@dataclass(frozen=True, slots=True)
class Transfer(Event):
    """Data on the distribution port; elements by kind, and when each active unit has all of its own.

    ``received`` are the elements of inputs and filters that each active unit gets. ``held_up_by`` is what was there
    no sooner than the transfer began: the port, a free buffer, room for outputs, partial sums that return, or the data
    (``enclosing``: those of the enclosing step; ``dram``, ``l2_port``: of the top level).
    """

    elements: dict[str, int]
    arrivals: dict[int, int]
    received: dict[int, tuple[int, int]]
    held_up_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compute(Event):
    """MACs of a PE."""

    unit: int
    macs: int


@dataclass(frozen=True, slots=True)
class Drain(Event):
    """Outputs on the collection port, which are in the buffer above at ``upstream``."""

    elements: int
    upstream: int


@dataclass(frozen=True, slots=True)
class Stall(Event):
    """A wait of a cluster between two steps, for one cause (`simulator.attribution`)."""

    cause: str


@dataclass(frozen=True, slots=True)
class BufferLevel(Event):
    """Elements of each tensor in the buffer of a unit (`simulator.occupancy`)."""

    unit: int
    elements: Tiles


class Window(NamedTuple):
    """What to record: what is going on between two cycles, in some steps of the top level, in a cluster and below.

    The last cycle and step are included; None is no end.
    """

    first: int = 0
    last: int | None = None
    first_step: int = 0
    last_step: int | None = None
    cluster: Path = ()

    def holds(self, event: Event) -> bool:
        """Tell whether an event lies in the window, or reaches into it."""
        return (
            event.end >= self.first
            and (self.last is None or event.begin <= self.last)
            and self.holds_step(event.number)
            and event.cluster[: len(self.cluster)] == self.cluster
        )

    def holds_step(self, number: int) -> bool:
        """Tell whether a step of the top level is among those to record."""
        return number >= self.first_step and (self.last_step is None or number <= self.last_step)

    def over(self, cycle: int, number: int) -> bool:
        """Tell whether nothing that begins from here on is in the window."""
        return (self.last is not None and cycle > self.last) or (self.last_step is not None and number > self.last_step)


#: the window that nothing is outside of
EVERYTHING = Window()
