"""Who keeps the events of a simulation.

A recorder is a probe. It keeps what lies in a window, and nothing else is made into an event, so that the largest layer
can be looked at around one moment: what comes before the window and after it may be skipped where it repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import add

from dataflow.layers import Layer
from simulator.cluster import Cluster
from simulator.deliveries import Delivery
from simulator.elements import Elements
from simulator.events import EVERYTHING, Compute, Drain, Event, Path, Ranges, Stall, Step, Tiles, Transfer, Window
from simulator.nest import Region
from simulator.tiles import Origin


class _Life:
    """Where a cluster is: how many steps it has begun, under which of its parent's it was last, and when that ended."""

    def __init__(self) -> None:
        self.steps = 0
        self.under: int | None = None
        self.ended = 0


class Recorder:
    """A probe that keeps the events of a window, in the order in which they were followed."""

    def __init__(self, layer: Layer, window: Window = EVERYTHING) -> None:
        self._elements = Elements(layer)
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
            begin, end = sent.start + skipped, sent.free + skipped
            if self._window.holds(Event(begin, end, path, number)):
                arrivals = {unit: sent.at(unit) + skipped for unit in activity.active}
                held_up_by = tuple(_held_up_by(cluster, delivery))
                received = dict(_received(delivery))
                self.events.append(Transfer(begin, end, path, number, elements, arrivals, received, held_up_by))

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note a step, what PEs did in it, and what was waited for before it."""
        path, number, skipped = self._paths[delivery], self._numbers[delivery], cluster.record.skipped
        for cause, begin, end in self._waits(self._lives[path], delivery):
            self._keep(Stall(begin + skipped, end + skipped, path, number, cause))
        begin, end = delivery.sent.start + skipped, delivery.ended + skipped
        if self._window.holds(Event(begin, end, path, number)):
            indices, started = delivery.planned.step.indices, delivery.started + skipped
            ends = {unit: end + skipped for unit, end in delivery.ends.items()}
            ranges, tiles = self._ranges(cluster, delivery), self._tiles(delivery)
            self.events.append(Step(begin, end, path, number, indices, started, ranges, tiles, ends))
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

    def _tiles(self, delivery: Delivery) -> dict[int, Tiles]:
        """Return how many elements of each tensor each active unit works on."""
        shape, tile = delivery.planned.step.shape, self._elements.tile
        lengths = {unit: shape.region(unit)[0] for unit in delivery.planned.activity.active}
        return {
            unit: (len(tile("input", of)), len(tile("filter", of)), len(tile("output", of)))
            for unit, of in lengths.items()
        }

    def _named(self, region: Region, displaced: Origin) -> Ranges:
        origin = tuple(map(add, region.origin, displaced)) if displaced else region.origin
        lengths = [length for of_subspace in region.lengths for length in of_subspace]
        return {name: (low, low + length) for name, low, length in zip(self._names, origin, lengths, strict=True)}


def _received(delivery: Delivery) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the elements of inputs and filters that each active unit receives."""
    activity = delivery.planned.activity
    for unit in activity.active:
        inputs, filters = (
            sum(elements for units, elements in moved.groups if units >> unit & 1)
            for moved in (activity.input, activity.filter)
        )
        yield unit, (inputs, filters)


def _held_up_by(cluster: Cluster, delivery: Delivery) -> Iterator[str]:
    """Yield what was there no sooner than a transfer began; nothing is in the way of the first one."""
    start, activity = delivery.sent.start, delivery.planned.activity
    if start == 0:
        return
    causes = {
        "port": cluster.port_free,
        "enclosing": delivery.enclosed,
        "buffer": cluster.buffer_free(activity),
        "dram": delivery.supplied,
        "l2_port": start if start > delivery.asked else 0,
        "sums": 0 if delivery.back is None else delivery.back.ready,
    }
    found = [cause for cause, since in causes.items() if since == start]
    yield from found or ["outputs" if activity.new_tile and not cluster.innermost else "buffer"]
