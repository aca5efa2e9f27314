"""When it moves without a barrier (``sync: dataflow``): every unit goes on as soon as it can."""

from __future__ import annotations

from dataflow.hardware import Machine
from validation.reference_regions import Cluster, Tiles
from validation.reference_time import Timeline
from validation.reference_traffic import Traffic


class DecoupledTimeline(Timeline):
    """A clock whose units each have their own: ``own_ends`` are by unit the ends of the steps that it worked in."""

    def __init__(self, tiles: Tiles, machine: Machine, cluster: Cluster, traffic: Traffic) -> None:
        super().__init__(tiles, machine, cluster, traffic)
        width = range(len(cluster.steps[0].regions) if cluster.steps else 0)
        self.own_ends: list[list[int]] = [[] for _ in width]
        #: by PE, when the last drain of each of its output tiles has left it
        self.own_slots: list[dict[int, int]] = [{} for _ in width]
        self.own_tiles = [_tiles_of(tiles, cluster, unit) for unit in width]

    def _room(self, step: int) -> int:
        """Return when every unit that works in a step has a free buffer."""
        filters = frozenset().union(*self.traffic.movements[step].shared["filter"])
        waits = [self._held(step)]
        for unit in self.active(step):
            ends = self.own_ends[unit]
            buffers = self.filter_buffers if unit in filters else self.buffering
            waits.append(ends[-buffers] if buffers <= len(ends) else 0)
        return max(waits)

    def _compute(self, step: int, arrivals: dict[int, int], barrier: int) -> int:
        for pe, arrival in arrivals.items():
            before = max(self.own_ends[pe], default=0)
            slot = self.own_slots[pe].get(self.own_tiles[pe][step] - self.output_buffers, 0)
            self.stalls["transfer"] += max(0, arrival - before)
            self.stalls["slot"] += max(0, slot - max(arrival, before))
            self.own_ends[pe].append(max(arrival, before, slot) + -(-self.macs(step, pe) // self.lanes))
        return max(self.own_ends[pe][-1] for pe in arrivals)

    def _compute_below(self, step: int, arrivals: dict[int, int], barrier: int) -> int:
        for unit, arrival in arrivals.items():
            below = self.units[unit]
            first = len(below.ends)
            below.run(step, arrival, 0)
            self.own_ends[unit].append(max(below.ends[first:]))
        return max(self.own_ends[unit][-1] for unit in arrivals)

    def _ready(self, step: int) -> int:
        """Return when what leaves after a step is added up: unit by unit along a chain, else after the last unit."""
        movement = self.traffic.movements[step]
        chained = movement.reduced and self.network.collection.reduction == "chain"
        ready = []
        for unit, leaving in enumerate(movement.leaving):
            if leaving:
                end = self.own_ends[unit][-1] if chained else self.ends[step]
                drained = self.units[unit].drained if self.units else 0
                ready.append(max(end, drained) + (len(movement.leaving) - 1 - unit if chained else 0))
        return max(ready) + (0 if chained else self._delay(step))

    def _left(self, step: int, cycle: int) -> None:
        super()._left(step, cycle)
        for unit, leaving in enumerate(self.traffic.movements[step].leaving):
            if leaving:
                self.own_slots[unit][self.own_tiles[unit][step]] = cycle


def _tiles_of(tiles: Tiles, cluster: Cluster, unit: int) -> list[int]:
    """Return a unit's output tile in each step; a new one begins where it is not that of its last active step."""
    numbers, number, before = [], -1, tiles.of(None, "output")
    for step in cluster.steps:
        now = tiles.of(step.regions[unit], "output")
        if now and now != before:
            number, before = number + 1, now
        numbers.append(number)
    return numbers
