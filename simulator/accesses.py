"""Which elements are read and written, in which buffer and when: a probe that follows every element that moves.

An element is read out of the buffer above in the cycle in which it crosses the distribution port, inputs before filters
and each in ascending order, and written to a unit's buffer when the unit has its data. Outputs drain in ascending
order, too, and are in the buffer above ``latency`` after they have crossed the collection port: written there, or read,
added to and written where a partial sum is (§5). What PEs do with their own buffers is not listed, nor the DRAM.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from dataflow.layers import Layer
from simulator.cluster import Cluster
from simulator.deliveries import Delivery
from simulator.elements import Elements, Integers
from simulator.events import EVERYTHING, Event, Path, Window
from simulator.movements import Movements
from simulator.nest import Step

OPERANDS = ("input", "filter")


class Access(NamedTuple):
    """Elements of a tensor (flat indices, row-major) and the cycle in which each is read or written in a buffer.

    ``buffer`` are the units that lead to it from the top: () is the L2.
    """

    buffer: Path
    tensor: str
    write: bool
    cycles: Integers
    elements: Integers


class _Arrivals(NamedTuple):
    """Outputs that come to a buffer, for the so manieth stay of each there."""

    buffer: Path
    number: int
    cycles: Integers
    elements: Integers
    stays: Integers


class Accesses:
    """The probe: `found` yields what was read and written in a window, in no order."""

    def __init__(self, layer: Layer, window: Window = EVERYTHING) -> None:
        self.elements = Elements(layer)
        self._window = window
        self._movements: dict[int, Movements] = defaultdict(partial(Movements, self.elements))
        self._held: dict[Path, list[tuple[int, Step]]] = defaultdict(list)
        self._steps: dict[Delivery, tuple[Path, int]] = {}
        self._operands: list[Access] = []
        self._arrivals: list[_Arrivals] = []
        self._stays: dict[Path, Integers] = {}
        self._top_steps = 0

    def sent(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note the operands that a step sends, and the partial sums that return with it."""
        path, number = self._place(cluster, delivery)
        active = delivery.planned.step.shape.active
        back = self._return(path, number, delivery)
        sent = delivery.sent
        if self._window.holds(Event(sent.start, sent.arrival, path, number)):
            operands = [(tensor, self._deliver(tensor, path, cluster, delivery)) for tensor in OPERANDS]
            self._cross(path, number, delivery, [*operands, ("output", back)])
        held = [(units & ~active, then) for units, then in self._held[path] if units & ~active]
        self._held[path] = [(active, delivery.planned.step), *held]

    def _deliver(self, tensor: str, path: Path, cluster: Cluster, delivery: Delivery) -> Integers:
        """Note what units get of an operand; return the elements that cross the port, in ascending order."""
        step, activity, blueprint = delivery.planned.step, delivery.planned.activity, cluster.network.blueprint
        movements, base = self._movements[cluster.level], self.elements.base(tensor, step.origin)
        last = [
            (units & step.shape.active, then.shape, self.elements.base(tensor, then.origin) - base)
            for units, then in self._held[path]
            if units & step.shape.active
        ]
        part = OPERANDS.index(tensor)
        deliveries = partial(blueprint.deliveries, (activity.input, activity.filter)[part], part)
        plan = movements.transfer(tensor, step.shape, tuple(last), activity, deliveries)
        elements, units = plan.elements + base, movements.layout(tensor, step.shape).units[plan.received]
        for unit in np.unique(units).tolist():
            own = elements[units == unit]
            access = Access((*path, unit), tensor, True, np.full(len(own), delivery.sent.at(unit)), own)
            self._operands.extend(self._inside(self._steps[delivery][1], access))
        return np.unique(elements) if cluster.array.machine.multicast else np.sort(elements)

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Nothing: what PEs do with their own buffers is not listed."""

    def drained(self, cluster: Cluster, delivery: Delivery) -> None:
        """Nothing: when outputs drain may not be known yet."""

    def left(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note the outputs that leave the units of a cluster."""
        path, number = self._steps[delivery]
        step, upcoming, activity = delivery.planned.step, delivery.planned.upcoming, delivery.planned.activity
        base = self.elements.base("output", step.origin)
        then = None
        if upcoming is not None:
            then = upcoming.shape, self.elements.base("output", upcoming.origin) - base
        movements = self._movements[cluster.level]
        plan, layout = movements.departure(step.shape, then, activity), movements.layout("output", step.shape)
        if not cluster.innermost:
            for unit in activity.leaving:
                gone = plan.leaving[layout.units[plan.leaving] == unit]
                self._stays_in((*path, unit))[layout.elements[gone] + base] += 1
        added_up = cluster.collection.reduction != "none"
        elements = (plan.elements if added_up else layout.elements[plan.leaving]) + base
        occupied = cluster.occupation(activity)
        cycles = _spread(len(elements), cluster.collection_free - occupied, occupied, cluster.collection.bandwidth)
        cycles += cluster.collection.latency + (occupied > 0)
        stays = self._stays_in(path)[elements]
        self._arrivals.append(_Arrivals(path, number, cycles, elements, stays))

    def found(self) -> Iterator[Access]:
        """Yield the accesses in the window."""
        yield from self._operands
        for number, arrivals, first in self._firsts():
            yield from self._inside(number, Access(arrivals.buffer, "output", True, arrivals.cycles, arrivals.elements))
            again = Access(arrivals.buffer, "output", False, arrivals.cycles[~first], arrivals.elements[~first])
            yield from self._inside(number, again)

    def _inside(self, number: int, access: Access) -> Iterator[Access]:
        window = self._window
        chosen = access.cycles >= window.first
        if window.last is not None:
            chosen &= access.cycles <= window.last
        if chosen.any() and window.holds(Event(window.first, window.first, access.buffer, number)):
            yield access._replace(cycles=access.cycles[chosen], elements=access.elements[chosen])

    def _firsts(self) -> Iterator[tuple[int, _Arrivals, Integers]]:
        """Yield what arrives, with whether each element is the first of its stay in the buffer to do so."""
        for buffer in {arrivals.buffer for arrivals in self._arrivals}:
            here = [arrivals for arrivals in self._arrivals if arrivals.buffer == buffer]
            cycles, elements, stays = (
                np.concatenate([getattr(each, what) for each in here]) for what in ("cycles", "elements", "stays")
            )
            order = np.lexsort((cycles, stays, elements))
            first = np.ones(len(order), bool)
            first[order[1:]] = (np.diff(elements[order]) != 0) | (np.diff(stays[order]) != 0)
            ends = np.cumsum([len(arrivals.elements) for arrivals in here])
            for arrivals, part in zip(here, np.split(first, ends[:-1]), strict=True):
                yield arrivals.number, arrivals, part

    def _place(self, cluster: Cluster, delivery: Delivery) -> tuple[Path, int]:
        above = delivery.within
        if above is None:
            self._steps[delivery] = (), self._top_steps
            self._top_steps += 1
        else:
            path, number = self._steps[above]
            self._steps[delivery] = (*path, cluster.number), number
        return self._steps[delivery]

    def _return(self, path: Path, number: int, delivery: Delivery) -> Integers:
        """Note the partial sums that return with a step: they go from the buffer above to those of the units."""
        if delivery.back is None:
            return np.zeros(0, np.int64)
        back, units = np.array(delivery.back.elements, np.int64), np.array(delivery.back.units, np.int64)
        self._stays_in(path)[back] += 1
        for unit in np.unique(units).tolist():
            own, buffer = back[units == unit], (*path, unit)
            cycles = np.full(len(own), delivery.sent.at(unit))
            self._arrivals.append(_Arrivals(buffer, number, cycles, own, self._stays_in(buffer)[own]))
        return back

    def _cross(self, path: Path, number: int, delivery: Delivery, tensors: list[tuple[str, Integers]]) -> None:
        """Note reads in the buffer above, in the cycles in which elements cross the port one after the other."""
        sent = delivery.sent
        cycles = _spread(sum(len(elements) for _, elements in tensors), sent.start, sent.free - sent.start, None)
        begin = 0
        for tensor, elements in tensors:
            here = cycles[begin : begin + len(elements)]
            self._operands.extend(self._inside(number, Access(path, tensor, False, here, elements)))
            begin += len(elements)

    def _stays_in(self, buffer: Path) -> Integers:
        if buffer not in self._stays:
            self._stays[buffer] = np.zeros(self.elements.sizes["output"], np.int64)
        return self._stays[buffer]


def _spread(number: int, begin: int, cycles: int, bandwidth: int | None) -> Integers:
    """Return the cycles in which elements cross a port that they occupy for so many cycles."""
    width = bandwidth or -(-number // cycles) if cycles else 1
    return begin + (np.arange(number) // width if cycles else np.zeros(number, np.int64))
