"""Partial sums that come back to the units (``partial_sums: return``) instead of being added to where they went.

A buffer has one partial sum at most of an output element. When a step begins to work on an element of which there is
one, and no unit of the cluster has it from the step before, the sum goes down with the step's operands, to the first of
the units that work on the element, and is not in the buffer any more. It cannot leave before it is there.

Which elements these are depends on all that happened before, so that they are followed one by one; where no level has
this switch on, nothing here exists.
"""

from __future__ import annotations

from collections import Counter
from operator import sub
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataflow.layers import Layer
from simulator.activities import Planned
from simulator.elements import Elements, Integers
from simulator.fabric import Stream
from simulator.movements import Movements
from simulator.nest import Step
from simulator.network import Blueprint, Sent

if TYPE_CHECKING:
    from simulator.cluster import Cluster

#: partial sums by flat index of their element, with the cycle since when each is in the buffer
Sums = dict[int, int]


class Back(NamedTuple):
    """Partial sums that go down with a step: their elements, the unit that each is for, and since when all are here."""

    elements: list[int]
    units: list[int]
    ready: int

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The sums as streams, the first unit's first."""
        return tuple([(1 << unit, number) for unit, number in sorted(Counter(self.units).items())])


class Returns:
    """The partial sums in all buffers of a machine, and what was counted: by level, outermost first.

    ``returned`` are sums that went down, ``added`` arrivals that found a sum to be added to; ``most`` and ``least`` are
    the extremes of what a step distributes.
    """

    def __init__(self, layer: Layer, returning: list[bool]) -> None:
        self._elements = Elements(layer)
        self._returning = returning
        self._movements = [Movements(self._elements) for _ in returning]
        self._sums: dict[Cluster, Sums] = {}
        self._last: dict[Cluster, Step | None] = {}
        self._begun: dict[object, tuple[Integers, Integers]] = {}
        self._streams: list[Counter[tuple[Stream, ...]]] = [Counter() for _ in returning]
        self.returned = [0] * len(returning)
        self.added = [0] * len(returning)
        self.distributed: list[set[int]] = [set() for _ in returning]

    def send(self, cluster: Cluster, planned: Planned, ready: int) -> tuple[Sent, Back]:
        """Send a step, which lies in the layer, with the sums that return for it, from ``ready`` on at the earliest."""
        back = self._take(cluster, planned)
        streams = back.streams
        sent = cluster.network.send(max(ready, back.ready), planned.activity, streams)
        self.returned[cluster.level] += len(back.elements)
        self._streams[cluster.level][streams] += 1
        self.distributed[cluster.level].add(planned.activity.distributed + len(back.elements))
        if not cluster.innermost:
            for element, unit in zip(back.elements, back.units, strict=True):
                self._of(cluster.unit(unit))[element] = sent.at(unit)
        return sent, back

    def drained(self, cluster: Cluster, planned: Planned) -> None:
        """Note the sums that leave after a step, which lies in the layer; the cluster says when they are upstream."""
        step, then = planned.step, None
        if planned.upcoming is not None:
            then = (planned.upcoming.shape, self._away(planned.upcoming, step))
        movements, sums = self._movements[cluster.level], self._of(cluster)
        plan = movements.departure(step.shape, then, planned.activity)
        layout, base = movements.layout("output", step.shape), self._elements.base("output", step.origin)
        copies = np.diff(np.append(plan.starts, len(plan.leaving)))
        if planned.activity.collected == len(plan.elements):  # the reduction network has added them up
            copies = np.ones_like(copies)
        for element, number in zip((plan.elements + base).tolist(), copies.tolist(), strict=True):
            self.added[cluster.level] += number - (element not in sums)
            sums[element] = cluster.upstream
        if not cluster.innermost:
            units, elements = layout.units[plan.leaving], layout.elements[plan.leaving] + base
            for unit, element in zip(units.tolist(), elements.tolist(), strict=True):
                self._of(cluster.units[unit]).pop(element, None)

    def loads(self, level: int, blueprint: Blueprint) -> Counter[str]:
        """Return by link of a level's networks the sums that have crossed it."""
        found: Counter[str] = Counter()
        for streams, times in self._streams[level].items():
            found.update({name: times * load for name, load in blueprint.loads_of(streams).items()})
        return found

    def _take(self, cluster: Cluster, planned: Planned) -> Back:
        """Take the sums that return out of the buffer."""
        step, sums = planned.step, self._of(cluster)
        last = self._last.get(cluster)
        self._last[cluster] = None if planned.upcoming is None else step
        if not self._returning[cluster.level] or not sums:
            return Back([], [], 0)
        elements, units = self._beginning(cluster.level, step, last)
        base = self._elements.base("output", step.origin)
        found = [(e, u) for e, u in zip((elements + base).tolist(), units.tolist(), strict=True) if e in sums]
        ready = max([sums.pop(element) for element, _ in found], default=0)
        return Back([element for element, _ in found], [unit for _, unit in found], ready)

    def _beginning(self, level: int, step: Step, last: Step | None) -> tuple[Integers, Integers]:
        """Return the elements that no unit has from the ``last`` step, relative to the step, and their first units."""
        key = (level, step.shape, None if last is None else (last.shape, self._away(last, step)))
        if key not in self._begun:
            movements = self._movements[level]
            layout = movements.layout("output", step.shape)
            begun = np.ones(len(layout.units), bool)
            if last is not None:
                kept = movements.common("output", step.shape, last.shape, self._away(last, step))
                begun = ~np.isin(layout.elements, layout.elements[kept.to])
            elements, first = np.unique(layout.elements[begun], return_index=True)
            self._begun[key] = elements, layout.units[begun][first]
        return self._begun[key]

    def _of(self, cluster: Cluster) -> Sums:
        return self._sums.setdefault(cluster, {})

    def _away(self, step: Step, to: Step) -> int:
        return self._elements.base("output", tuple(map(sub, step.origin, to.origin)))
