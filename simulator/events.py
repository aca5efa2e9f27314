"""What happened, event by event: steps, transfers, computes, drains and stalls, with places and cycles.

A recorder is a probe. It keeps what lies in a window, and nothing else is made into an event, so that the largest layer
can be looked at around one moment: what comes before the window and after it may be skipped where it repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import add
from typing import NamedTuple

from dataflow.layers import Layer
from simulator.cluster import Cluster
from simulator.deliveries import Delivery
from simulator.nest import Region
from simulator.tiles import Origin

#: the units that lead from the top to a cluster; the top itself is ()
Path = tuple[int, ...]

#: what a region is of each dimension, ends not included
Ranges = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that takes from cycle ``begin`` to ``end``, in a cluster and for a step: the top level's ``number``."""

    begin: int
    end: int
    cluster: Path
    number: int


@dataclass(frozen=True, slots=True)
class Step(Event):
    """A step, from its transfer to its end: where the level's loops stand, and what each active unit works on."""

    indices: tuple[int, ...]
    ranges: dict[int, Ranges]


@dataclass(frozen=True, slots=True)
class Transfer(Event):
    """Data on the distribution port; elements by kind, and when each active unit has all of its own."""

    elements: dict[str, int]
    arrivals: dict[int, int]


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


class _Life:
    """Where a cluster is: how many steps it has begun, under which of its parent's it was last, and when that ended."""

    def __init__(self) -> None:
        self.steps = 0
        self.under: int | None = None
        self.ended = 0


class Recorder:
    """A probe that keeps the events of a window, in the order in which they were followed."""

    def __init__(self, layer: Layer, window: Window = EVERYTHING) -> None:
        self._names = [dimension for subspace in layer.subspaces for dimension in subspace.dimensions]
        self._window = window
        self._paths: dict[Delivery, Path] = {}
        self._numbers: dict[Delivery, int] = {}
        self._own: dict[Delivery, int] = {}
        self._lives: dict[Path, _Life] = {}
        self.events: list[Event] = []

    def sent(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note whose step it is, and its transfer."""
        above = delivery.within
        path: Path = () if above is None else (*self._paths[above], cluster.number)
        number = cluster.record.activities[0].total() - 1 if above is None else self._numbers[above]
        life = self._lives.setdefault(path, _Life())
        self._paths[delivery], self._numbers[delivery], self._own[delivery] = path, number, life.steps
        life.steps += 1
        activity, sent, skipped = delivery.planned.activity, delivery.sent, cluster.record.skipped
        elements = {
            "input": cluster.network.blueprint.crossing(activity.input),
            "filter": cluster.network.blueprint.crossing(activity.filter),
            "sums": 0 if delivery.back is None else len(delivery.back.elements),
        }
        if any(elements.values()):
            arrivals = {unit: sent.at(unit) + skipped for unit in activity.active}
            self._keep(Transfer(sent.start + skipped, sent.free + skipped, path, number, elements, arrivals))

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note a step, what PEs did in it, and what was waited for before it."""
        path, number, skipped = self._paths[delivery], self._numbers[delivery], cluster.record.skipped
        for cause, begin, end in self._waits(self._lives[path], delivery):
            self._keep(Stall(begin + skipped, end + skipped, path, number, cause))
        begin, end = delivery.sent.start + skipped, delivery.ended + skipped
        if self._window.holds(Event(begin, end, path, number)):
            self.events.append(
                Step(begin, end, path, number, delivery.planned.step.indices, self._ranges(cluster, delivery))
            )
            if cluster.innermost:
                self.events.extend(filter(self._window.holds, self._computes(delivery, path, number, skipped)))

    def drained(self, cluster: Cluster, delivery: Delivery) -> None:
        """Nothing: when outputs drain may not be known yet."""

    def left(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note a drain."""
        activity, skipped = delivery.planned.activity, cluster.record.skipped
        begin = cluster.collection_free - cluster.occupation(activity) + skipped
        end, upstream = cluster.collection_free + skipped, cluster.upstream + skipped
        path, number = self._paths[delivery], self._numbers[delivery]
        self._keep(Drain(begin, end, path, number, activity.collected, upstream))

    def _waits(self, life: _Life, delivery: Delivery) -> Iterator[tuple[str, int, int]]:
        """Yield what a cluster waited for before a step: to begin at all, to have something to do, and what else."""
        under = 0 if delivery.within is None else self._own[delivery.within]
        since = life.ended
        if life.under is None or under > life.under + 1:
            until = delivery.started if life.under is None else min(delivery.started, delivery.opened)
            if until > since:
                yield "fill" if life.under is None else "idle", since, until
                since = until
        yield from delivery.waits(since)
        life.under, life.ended = under, max(life.ended, delivery.ended)

    def _keep(self, event: Event) -> None:
        if self._window.holds(event):
            self.events.append(event)

    def _computes(self, delivery: Delivery, path: Path, number: int, skipped: int) -> Iterator[Compute]:
        activity = delivery.planned.activity
        for pe, duration, macs in zip(activity.active, activity.durations, activity.shape.work, strict=True):
            begin = max(delivery.started, delivery.sent.at(pe))
            if delivery.ends:
                begin = delivery.ends[pe] - duration
            yield Compute(begin + skipped, begin + duration + skipped, path, number, pe, macs)

    def _ranges(self, cluster: Cluster, delivery: Delivery) -> dict[int, Ranges]:
        """Return what each active unit works on, at its true place in the layer."""
        found = {}
        for unit in delivery.planned.activity.active:
            region = delivery.planned.step.region(unit)
            assert region is not None, "active units work on something"
            found[unit] = self._named(region, cluster.record.displaced)
        return found

    def _named(self, region: Region, displaced: Origin) -> Ranges:
        origin = tuple(map(add, region.origin, displaced)) if displaced else region.origin
        lengths = [length for of_subspace in region.lengths for length in of_subspace]
        return {name: (low, low + length) for name, low, length in zip(self._names, origin, lengths, strict=True)}
