"""A cluster at work (§5): its steps in their order, each sent, computed and drained.

All clusters of all levels are alike. What differs is who their units are: PEs, which take a step's MACs in cycles, or
clusters of the next level, which take as long as their own steps take. When a step is sent depends on nothing but
earlier steps of the cluster and the enclosing ones, and so does when it is computed: each of these moments is a maximum
of others that are known by then. So steps are followed one after the other, far ahead of any clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from operator import add
from typing import TYPE_CHECKING

from dataflow.hardware import Machine
from simulator.activities import Activity, Order, Planned
from simulator.deliveries import Delivery, Enclosing
from simulator.nest import Odometer, Region
from simulator.network import Blueprint, DistributionNetwork, Sent
from simulator.output_tiles import OutputTile, OutputTiles
from simulator.probes import Probe
from simulator.record import Record
from simulator.returns import Back, Returns
from simulator.sequence import Choreography, Steps
from simulator.tiles import Origin

if TYPE_CHECKING:
    from simulator.together import Together


@dataclass
class Array:
    """What all clusters of a machine have in common; plans by level, outermost first.

    ``probe`` watches them; ``together`` lets those that are alike work as one; ``returns`` are the partial sums where
    they come back.
    """

    machine: Machine
    record: Record
    choreographies: list[Choreography]
    blueprints: list[Blueprint]
    probe: Probe | None = None
    together: Together | None = None
    returns: Returns | None = None


class Cluster:
    """One cluster: its two ports, the buffers of its units, and what they have to do.

    Its units meet at the barrier after every step; `simulator.decoupled.DecoupledCluster` does without.
    """

    def __init__(self, array: Array, level: int = 0, number: int = 0) -> None:
        machine = array.machine
        self.array = array
        self.record = array.record
        self.level = level
        self.number = number  # among its parent's units
        self.units: dict[int, Cluster] = {}
        self.innermost = level == len(array.choreographies) - 1
        self.nest = array.choreographies[level].nest
        self.steps = Steps(array.choreographies[level])
        self.network = DistributionNetwork(array.blueprints[level])
        self.port_free = 0  # when the distribution port is free again
        #: when the latest steps ended, as many as there are buffers, the last one first
        self.ends = deque([0] * machine.buffering, maxlen=machine.buffering)
        self.collection_free = 0
        self.upstream = 0  # when all that was drained so far is in the buffer above
        #: the output tiles of the PEs, or of clusters without a buffer for outputs, which keep them in their PEs
        self.tiles: OutputTiles | None = None
        if self.innermost or machine.network(level + 1).collection.bandwidth is None:
            self.tiles = OutputTiles(machine.output_tiles)
        #: called at the end of every step with what was planned
        self.step_ended: Callable[[Planned], None] | None = None
        self.collection = machine.network(level).collection
        units = self.nest.units
        delays = {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}
        self.reduction_cycles = delays[self.collection.reduction]
        self.buffering, self.filter_tiles = machine.buffering, machine.filter_tiles

    def unit(self, unit: int) -> Cluster:
        """Return the cluster that is unit ``unit`` of this one; it exists from its first step on."""
        found = self.units.get(unit)
        if found is None:
            found = self.units[unit] = type(self)(self.array, self.level + 1, unit)
        return found

    def ended(self, floor: int) -> object:
        """Return when the latest steps ended, and what else depends on who ended them, relative to ``floor``."""
        return tuple([max(end - floor, 0) for end in self.ends])

    def twin(self) -> Cluster:
        """Return a cluster in the same state, with the same units."""
        twin = type(self)(self.array, self.level, self.number)
        twin.units, twin.step_ended = self.units, self.step_ended
        twin.port_free, twin.collection_free, twin.upstream = self.port_free, self.collection_free, self.upstream
        twin.ends, twin.tiles = copy(self.ends), None if self.tiles is None else self.tiles.twin()
        twin.network, twin.steps = self.network.twin(), self.steps.twin()
        return twin

    def work(self, order: Order, under: Enclosing, odometer: Odometer | None = None) -> int:
        """Work through the steps of an order, under a step of the parent; return when the last one has ended.

        Where there is nothing to do, the cluster knows so once the data are here. ``odometer`` turns the loops of the
        top level.
        """
        latest = max(self.port_free, under.arrival)
        here = tuple(map(add, under.origin, order.region.origin))
        for planned in self.steps.under(Region(order.region.lengths, here), order.following, odometer):
            activity = planned.activity
            sent, back = self.send(planned, here, under.arrival)
            self.record.step(self.level, activity)
            delivery = None if self.array.probe is None else self.deliver(planned, sent, here, under, back=back)
            self.port_free = sent.free
            end = self.compute(planned, sent, here, under.opened, delivery)
            self.finish(activity, end, delivery)
            if self.array.returns is not None and activity.collected:
                self.array.returns.drained(self, planned.displaced(here))
            latest = end if end > latest else latest
            if self.step_ended is not None:
                self.step_ended(planned)
        return latest

    def send(self, planned: Planned, here: Origin, arrival: int) -> tuple[Sent, Back | None]:
        """Send what a step needs, with the partial sums that return where they do."""
        ready = self.ready(planned.activity, arrival)
        if self.array.returns is None:
            return self.network.send(ready, planned.activity), None
        return self.array.returns.send(self, planned.displaced(here), ready)

    def ready(self, activity: Activity, arrival: int) -> int:
        """Return when a step may be sent: its data, the port and a buffer are there, and room for outputs below."""
        ready = max(self.port_free, arrival, self.buffer_free(activity))
        if activity.new_tile and self.tiles is not None and not self.innermost:
            ready = max(ready, self.tiles.begin().left)
        return ready

    def buffer_free(self, activity: Activity) -> int:
        """Return when the units have a free buffer for a step; there may be fewer for new filters."""
        return self.ends[(self.filter_tiles if activity.filter.copies else self.buffering) - 1]

    def deliver(
        self,
        planned: Planned,
        sent: Sent,
        here: Origin,
        under: Enclosing,
        *,
        back: Back | None = None,
        supplied: int = 0,
        asked: int | None = None,
    ) -> Delivery:
        """Tell whoever watches that the data of a step are on their way."""
        delivery = Delivery(planned.displaced(here), sent, under, back)
        delivery.supplied, delivery.asked = supplied, sent.start if asked is None else asked
        self.tell("sent", delivery)
        return delivery

    def compute(self, planned: Planned, sent: Sent, here: Origin, opened: int, delivery: Delivery | None) -> int:
        """Compute a step after the one before, and return when its last unit has ended it."""
        if self.innermost:
            activity = planned.activity
            start = self.start(activity, sent, opened)
            end = start + activity.duration
            if sent.lags is not None:
                end = self.last_end(activity, sent, sent.lags, start)
        else:
            start = max(opened, self.ends[0])
            end = max(start, *self.work_below(planned, sent, here, start, delivery))
        self.ends.appendleft(end)
        self.record.compute_end = max(self.record.compute_end, end)
        if delivery is not None:
            delivery.started, delivery.ended = max(start, sent.first), end
        return end

    def start(self, activity: Activity, sent: Sent, opened: int) -> int:
        """Return when PEs begin: data are here, the barrier is passed, and a new output tile has a free slot."""
        first, before, record = sent.first, self.ends[0], self.record
        start = before if before > opened else opened
        if first > start:
            record.stall("transfer", first - start)
            start = first
        elif opened > first and opened > before:
            record.stall("barrier", opened - (first if first > before else before))
        if activity.new_tile and self.tiles is not None:
            vacated = self.tiles.begin().left
            if vacated > start:
                record.stall("slot", vacated - start)
                start = vacated
        return start

    def last_end(self, activity: Activity, sent: Sent, lags: Mapping[int, int], start: int) -> int:
        """Return when the last PE ends a step that may begin at ``start``, each once its own data are here."""
        pes = zip(activity.active, activity.durations, strict=True)
        return max([max(start, sent.start + lags[pe]) + duration for pe, duration in pes])

    def work_below(
        self, planned: Planned, sent: Sent, here: Origin, opened: int, delivery: Delivery | None
    ) -> list[int]:
        """Let the units work that are clusters; return when each of them ends, in the order of their numbers."""
        under = Enclosing(tuple(map(add, here, planned.step.origin)), sent.arrival, opened, delivery)
        if self.array.together is not None:
            return self.array.together.work_below(self, planned.activity, sent, under)
        if sent.lags is None:
            return [self.unit(order.unit).work(order, under) for order in planned.activity.orders]
        return [self.unit(order.unit).work(order, under.at(sent, order.unit)) for order in planned.activity.orders]

    def finish(self, activity: Activity, end: int, delivery: Delivery | None) -> None:
        """End a step: the outputs that leave are reduced and drain."""
        probe = self.array.probe
        if probe is not None and delivery is not None:
            probe.computed(self, delivery)
        if activity.collected:
            self.drain(activity, self.reduced(activity, end), self.leaving(activity))
            if probe is not None and delivery is not None:
                probe.drained(self, delivery)
                probe.left(self, delivery)
        else:
            self.keep(end, self.leaving(activity))

    def tell(self, what: str, delivery: Delivery) -> None:
        """Tell whoever watches what has happened."""
        getattr(self.array.probe, what)(self, delivery)

    def reduced(self, activity: Activity, end: int) -> int:
        """Return when the outputs that leave after a step that ended at ``end`` are here and added up."""
        if not self.innermost:
            end = max(end, *[self.units[unit].upstream for unit in activity.leaving])
        return end + self.reduction_delay(activity)

    def leaving(self, _: Activity) -> Sequence[OutputTile]:
        """Return the output tiles of units that a step's drain is from."""
        return () if self.tiles is None else (self.tiles.current,)

    def drain(self, activity: Activity, ready: int, tiles: Sequence[OutputTile], passed: int = 0) -> None:
        """Reserve the collection port, from ``ready`` to ``passed`` at least, for what leaves ``tiles`` after a step.

        Drains use the port in order and nothing can change when they do so: it is known now when it will be free, when
        the elements will have left the units, and when they will be upstream.
        """
        begin = ready if ready > self.collection_free else self.collection_free
        free = self.collection_free = max(begin + self.occupation(activity), passed)
        self.upstream = free + self.collection.latency
        self.record.end = max(self.record.end, self.upstream)
        for tile in tiles:
            tile.left = free - self.reduction_delay(activity)

    def keep(self, end: int, tiles: Sequence[OutputTile]) -> None:
        """Note that nothing leaves after a step that ended at ``end``: its output tile is in the units until then."""
        for tile in tiles:
            tile.left = max(tile.left, end)

    def occupation(self, activity: Activity) -> int:
        """Return the cycles for which a step's drain occupies the collection port."""
        bandwidth = self.collection.bandwidth
        return 0 if bandwidth is None else -(-activity.collected // bandwidth)

    def reduction_delay(self, activity: Activity) -> int:
        """Return the cycles that the reduction network takes to add what several units drain."""
        return self.reduction_cycles if activity.shared else 0
