"""A cluster without a barrier (``sync: dataflow``): every unit goes on as soon as it can.

A unit starts a step when its own data are there, its own step before has ended and, on a PE, an output tile of its
own is free. A transfer waits until every unit that works in the step has a free buffer, so that a multicast waits for
the slowest. What leaves after a step is ready when the step has ended on all units, unit by unit if a chain adds it up.

PEs need no events: once a step is on its way to them, its end is a matter of arithmetic. ``run_ahead`` does that, and
the clock catches up.
"""

from __future__ import annotations

from collections import Counter, deque

from simulator.channels import Clock, Credits, Process
from simulator.cluster import Array, Cluster, Drained
from simulator.deliveries import Delivery, Enclosure
from simulator.network import Sent
from simulator.output_tiles import OutputTiles
from simulator.sequence import Activity, Planned


class DecoupledDelivery(Delivery):
    """A step whose units end it each for itself: ``ends`` says when, ``upstreams`` when what they drained is here."""

    __slots__ = ("cluster", "ends", "upstreams")

    def __init__(
        self, clock: Clock, planned: Planned, within: Enclosure, sent: Sent, cluster: DecoupledCluster
    ) -> None:
        super().__init__(clock, planned, within, sent)
        self.cluster = cluster
        self.ends: dict[int, int] = {}
        self.upstreams: dict[int, int] = {}
        self.opened.open(since=0)

    def unit_finished(self, unit: int, cycle: int, upstream: int) -> None:
        """Note the end of one unit, whose buffer is free by now."""
        self.ends[unit] = cycle
        self.upstreams[unit] = upstream
        self.cluster.credits(unit).give()
        super().unit_finished(unit, max(self.ends.values()), upstream)


class DecoupledCluster(Cluster):
    """A cluster whose units run ahead of each other as far as their buffers allow."""

    def __init__(self, array: Array, level: int = 0, number: int = 0) -> None:
        super().__init__(array, level, number)
        self._buffering = array.machine.buffering
        self._output_tiles = array.machine.output_tiles
        self._credits: dict[int, Credits] = {}
        #: by PE, the ends of its latest steps, as many as it has buffers, and its output tiles
        self._ends: dict[int, deque[int]] = {}
        self._own_tiles: dict[int, OutputTiles] = {}
        #: by PE, the steps on their way to it whose ends are not known yet
        self._coming: Counter[int] = Counter()
        self._parent_step_end = 0

    def credits(self, unit: int) -> Credits:
        """Return the free operand buffers of a unit that is a cluster."""
        if unit not in self._credits:
            self._credits[unit] = Credits(self.clock, self._buffering)
        return self._credits[unit]

    def room(self, activity: Activity) -> Process:
        """Wait until each unit that is to work has a free buffer."""
        filters, needed = activity.filter.units, self.needed(activity)
        if not self.innermost:
            for unit in activity.active:
                yield from self.credits(unit).take(needed if filters >> unit & 1 else 1)
            yield from self.place(activity)
            return
        yield from self.buffers.take(needed)  # given back once it is known when the step that had the buffer ends
        for pe in activity.active:
            tiles = self._array.machine.filter_tiles if filters >> pe & 1 else self._buffering
            yield from self.wait(self.end_before(pe, tiles))
            self._coming[pe] += 1

    def end_before(self, pe: int, steps: int) -> int:
        """Return when a PE ends the last step but so many of those that are on their way to it or over."""
        return self.ends(pe)[steps - 1 - self._coming[pe]]

    def ends(self, pe: int) -> deque[int]:
        """Return the ends of a PE's latest steps, the last one first; 0 where there were none."""
        if pe not in self._ends:
            self._ends[pe] = deque([0] * self._buffering, maxlen=self._buffering)
        return self._ends[pe]

    def delivery(self, planned: Planned, within: Enclosure, sent: Sent) -> Delivery:
        """Return a step whose data have been sent."""
        return DecoupledDelivery(self.clock, planned, within, sent, self)

    def compute(self) -> Process:
        """Follow step after step to its end."""
        while True:
            self.computing = delivery = yield from self.delivered.take()
            assert isinstance(delivery, DecoupledDelivery), "this cluster makes no others"
            if self.innermost:
                yield from self.run_ahead(delivery)
                self.buffers.give()
            else:
                yield from delivery.finished.passed()
            self.computing = None
            self.conclude(delivery)

    def run_ahead(self, delivery: DecoupledDelivery) -> Process:
        """Work out when each PE ends a step that is on its way."""
        activity = delivery.planned.activity
        for pe, duration in zip(activity.active, activity.durations, strict=True):
            arrival, ends = delivery.sent.at(pe), self.ends(pe)
            start = max(arrival, ends[0])
            self.record.stall("transfer", arrival - ends[0])
            if activity.changed >> pe & 1:
                self.tiles_of(pe).begin()
                vacated = yield from self.tiles_of(pe).vacated()
                self.record.stall("slot", vacated - start)
                start = max(start, vacated)
            ends.appendleft(start + duration)
            self._coming[pe] -= 1
            delivery.ends[pe] = start + duration

    def conclude(self, delivery: DecoupledDelivery) -> None:
        """Let the outputs of a step drain, and the parent's step end with its last one."""
        activity, end = delivery.planned.activity, max(delivery.ends.values())
        self.record.compute_end = max(self.record.compute_end, end)
        if self.probe is not None:
            self.probe.computed(self, delivery)
        self.settle(activity, self.reduced_from(delivery, end) if activity.collected else end)
        if self.probe is not None and activity.collected:
            self.probe.drained(self, delivery)
        self._parent_step_end = max(self._parent_step_end, end)
        if delivery.planned.last:
            self.clock.process(self._finish_parent_step(delivery.within, self._parent_step_end, self.upstream))
            self._parent_step_end = 0

    def _finish_parent_step(self, within: Enclosure, end: int, upstream: int) -> Process:
        yield from self.wait(end)
        within.unit_finished(self.number, end, upstream)

    def reduced_from(self, delivery: DecoupledDelivery, end: int) -> int:
        """Return when what leaves is here and added up; a chain adds while later units still compute."""
        activity = delivery.planned.activity
        ready = dict.fromkeys(activity.leaving, end)
        if activity.shared and self.collection.reduction == "chain":
            ready = {unit: delivery.ends[unit] for unit in activity.leaving}
        if not self.innermost:
            ready = {unit: max(cycle, delivery.upstreams[unit]) for unit, cycle in ready.items()}
        if activity.shared and self.collection.reduction == "chain":
            return max(cycle + self.nest.units - 1 - unit for unit, cycle in ready.items())
        return max(ready.values()) + self.reduction_delay(activity)

    def tiles_of(self, pe: int) -> OutputTiles:
        """Return the output tiles of a PE."""
        if pe not in self._own_tiles:
            self._own_tiles[pe] = OutputTiles(self.clock, self._output_tiles)
        return self._own_tiles[pe]

    def drained(self, activity: Activity) -> list[Drained]:
        """Return the output tiles of PEs that a step's drain is from."""
        if not self.innermost:
            return []
        return [(self.tiles_of(pe), self.tiles_of(pe).current) for pe in activity.leaving]
