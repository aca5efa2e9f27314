"""A cluster without a barrier (``sync: dataflow``): every unit goes on as soon as it can.

A unit starts a step when its own data are there, its own step before has ended and, on a PE, an output tile of its
own is free. A transfer waits until every unit that works in the step has a free buffer, so that a multicast waits for
the slowest. What leaves after a step is ready when the step has ended on all units, unit by unit if a chain adds it up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from copy import copy

from simulator.activities import Activity, Planned
from simulator.cluster import Array, Cluster
from simulator.deliveries import Delivery
from simulator.network import Sent
from simulator.output_tiles import OutputTile, OutputTiles
from simulator.tiles import Origin


class DecoupledCluster(Cluster):
    """A cluster whose units run ahead of each other as far as their buffers allow."""

    def __init__(self, array: Array, level: int = 0, number: int = 0) -> None:
        super().__init__(array, level, number)
        #: by unit, the ends of its latest steps, as many as it has buffers, the last one first
        self._ends_of: dict[int, deque[int]] = {}
        self._tiles_of: dict[int, OutputTiles] = {}

    def buffer_free(self, activity: Activity) -> int:
        """Return when each unit that is to work has a free buffer."""
        return max([self.ends_of(unit)[self.buffers(unit, activity) - 1] for unit in activity.active])

    def buffers(self, unit: int, activity: Activity) -> int:
        """Return how many buffers a unit has for what it receives: there may be fewer for new filters."""
        return self.filter_tiles if activity.filter.units >> unit & 1 else self.buffering

    def compute(self, planned: Planned, sent: Sent, here: Origin, _: int, delivery: Delivery | None) -> int:
        """Let each unit compute a step for itself, and return when the last one has ended it."""
        active = planned.activity.active
        ends = self.work_below(planned, sent, here, 0, delivery)
        for unit, end in zip(active, ends, strict=True):
            self.ends_of(unit).appendleft(end)
        latest = max(ends)
        self.record.compute_end = max(self.record.compute_end, latest)
        if delivery is not None:
            delivery.ends, delivery.ended = dict(zip(active, ends, strict=True)), latest
            delivery.started = self._first_start(planned.activity, sent, ends)
        return latest

    def work_below(
        self, planned: Planned, sent: Sent, here: Origin, opened: int, delivery: Delivery | None
    ) -> list[int]:
        """Let the units work; return when each of them ends, in the order of their numbers."""
        if not self.innermost:
            return super().work_below(planned, sent, here, opened, delivery)
        activity = planned.activity
        pes = zip(activity.active, activity.durations, strict=True)
        return [self.start_on(pe, activity, sent.at(pe)) + duration for pe, duration in pes]

    def start_on(self, pe: int, activity: Activity, arrival: int) -> int:
        """Return when a PE begins a step whose data are there at ``arrival``."""
        before, record = self.ends_of(pe)[0], self.record
        start = max(arrival, before)
        record.stall("transfer", start - before)
        if activity.changed >> pe & 1:
            vacated = self.tiles_of(pe).begin().left
            record.stall("slot", max(0, vacated - start))
            start = max(start, vacated)
        return start

    def _first_start(self, activity: Activity, sent: Sent, ends: list[int]) -> int:
        if not self.innermost:
            return sent.first
        return min([end - duration for end, duration in zip(ends, activity.durations, strict=True)])

    def reduced(self, activity: Activity, end: int) -> int:
        """Return when what leaves is here and added up; a chain adds while later units still compute."""
        in_turn = activity.shared and self.collection.reduction == "chain"
        ready = {unit: self.ends_of(unit)[0] if in_turn else end for unit in activity.leaving}
        if not self.innermost:
            ready = {unit: max(cycle, self.units[unit].upstream) for unit, cycle in ready.items()}
        if in_turn:
            return max(cycle + self.nest.units - 1 - unit for unit, cycle in ready.items())
        return max(ready.values()) + self.reduction_delay(activity)

    def leaving(self, activity: Activity) -> Sequence[OutputTile]:
        """Return the output tiles of units that a step's drain is from."""
        if not self.innermost:
            return super().leaving(activity)
        return [self.tiles_of(pe).current for pe in activity.leaving]

    def ended(self, floor: int) -> object:
        """Return when units ended their latest steps, and when outputs have left PEs, relative to ``floor``.

        How long a unit has waited since the last one counts, however long ago that was.
        """
        ends = [(unit, ends[0] - floor, *[max(end - floor, 0) for end in ends]) for unit, ends in self._ends_of.items()]
        lefts = [(pe, *[max(left - floor, 0) for left in tiles.lefts]) for pe, tiles in self._tiles_of.items()]
        return tuple(sorted(ends)), tuple(sorted(lefts))

    def twin(self) -> DecoupledCluster:
        """Return a cluster in the same state, with the same units."""
        twin = super().twin()
        assert isinstance(twin, DecoupledCluster), "a twin is of the same kind"
        twin._ends_of = {unit: copy(ends) for unit, ends in self._ends_of.items()}
        twin._tiles_of = {pe: tiles.twin() for pe, tiles in self._tiles_of.items()}
        return twin

    def ends_of(self, unit: int) -> deque[int]:
        """Return the ends of a unit's latest steps, the last one first; the beginning where there were none."""
        ends = self._ends_of.get(unit)
        if ends is None:
            beginning = -self.record.skipped  # by the clock that stood still
            ends = self._ends_of[unit] = deque([beginning] * self.buffering, maxlen=self.buffering)
        return ends

    def tiles_of(self, pe: int) -> OutputTiles:
        """Return the output tiles of a PE."""
        if pe not in self._tiles_of:
            self._tiles_of[pe] = OutputTiles(self.array.machine.output_tiles)
        return self._tiles_of[pe]
