"""How full buffers are: the elements of each tensor in the buffer of every unit over time.

Operands have room from the start of their transfer on. Those that the next step of the unit needs as well stay where
they are; the others go when their step has ended and the next one's transfer has begun. The outputs are those of the
tile that the unit adds to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from simulator.events import BufferLevel, Event, Path, Step, Tiles, Transfer

#: a step of a unit, and the inputs and filters that it received for it
_Stay = tuple[Step, tuple[int, int]]

#: the cycle of a change, the number of the step that it is for, and how many more elements there are then
_Change = tuple[int, int, Tiles]


def buffer_levels(events: Iterable[Event]) -> list[BufferLevel]:
    """Return how full the units' buffers are, by unit and in order of time, as far as recorded steps tell.

    Of what a unit held before the first step that is recorded nothing is known. A level holds until the next one, the
    last one until its step has ended.
    """
    received: dict[tuple[Path, int], dict[int, tuple[int, int]]] = {}
    stays: dict[tuple[Path, int], list[Step]] = defaultdict(list)
    for event in events:
        if isinstance(event, Transfer):
            received[event.cluster, event.begin] = event.received
        elif isinstance(event, Step):
            for unit in event.tiles:
                stays[event.cluster, unit].append(event)
    found: list[BufferLevel] = []
    for (path, unit), steps in stays.items():
        steps.sort(key=lambda step: (step.begin, step.started))
        known = [(step, received.get((path, step.begin), {}).get(unit, (0, 0))) for step in steps]
        found += _levels(unit, known)
    return found


def _levels(unit: int, stays: Sequence[_Stay]) -> Iterator[BufferLevel]:
    cluster, level, since, latest = stays[0][0].cluster, (0, 0, 0), stays[0][0].begin, 0
    for cycle, number, by in sorted(_changes(unit, stays), key=lambda change: change[0]):
        if cycle > since and level != (0, 0, 0):
            yield BufferLevel(since, cycle, cluster, latest, unit, level)
        level, since = (level[0] + by[0], level[1] + by[1], level[2] + by[2]), cycle
        latest = max(latest, number)
    end = max(step.ended(unit) for step, _ in stays)
    if end > since:
        yield BufferLevel(since, end, cluster, latest, unit, level)


def _changes(unit: int, stays: Sequence[_Stay]) -> Iterator[_Change]:
    """Yield when elements come and go."""
    step, _ = stays[0]
    inputs, filters, outputs = step.tiles[unit]
    yield step.begin, step.number, (inputs, filters, 0)
    yield step.started, step.number, (0, 0, outputs)
    for (step, _), (after, received) in pairwise(stays):
        yield after.begin, after.number, (*received, 0)
        gone = [
            before + more - then
            for before, more, then in zip(step.tiles[unit][:2], received, after.tiles[unit][:2], strict=True)
        ]
        yield max(step.ended(unit), after.begin), step.number, (-gone[0], -gone[1], 0)
        yield after.started, after.number, (0, 0, after.tiles[unit][2] - step.tiles[unit][2])
