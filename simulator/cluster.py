"""A cluster at work (§5): processes that fetch its steps' data, compute them and drain their outputs.

All clusters of all levels are alike. What differs is who their units are: PEs, which take a step's MACs in
cycles, or clusters of the next level, which take as long as their own steps take.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dataflow.hardware import Machine
from simulator.channels import Channel, Clock, Credits, Process, Waiting
from simulator.deliveries import Delivery, Enclosure, Order
from simulator.dram import L2Port, Memory
from simulator.network import Blueprint, DistributionNetwork, Sent
from simulator.output_tiles import OutputTile, OutputTiles
from simulator.probes import Probe
from simulator.record import Record
from simulator.sequence import Activity, Choreography, Planned
from simulator.sequence import Sequence as Steps

#: a tile that a drain leaves, and the tiles it is one of
Drained = tuple[OutputTiles, OutputTile]


@dataclass
class Array:
    """What all clusters of a machine have in common; plans by level, outermost first; ``probe`` watches them."""

    clock: Clock
    machine: Machine
    record: Record
    choreographies: list[Choreography]
    blueprints: list[Blueprint]
    probe: Probe | None = None


class Cluster:
    """One cluster: its two ports, the buffers of its units, and the processes that use them.

    Its steps meet at the barrier; `simulator.decoupled.DecoupledCluster` does without.
    """

    def __init__(self, array: Array, level: int = 0, number: int = 0) -> None:
        clock, machine = array.clock, array.machine
        self.clock = clock
        self.record = array.record
        self.probe = array.probe
        self.level = level
        self.number = number  # among its parent's units
        self.units: dict[int, Cluster] = {}
        self.inbox: Channel[Order] = Channel(clock)
        self.delivered: Channel[Delivery] = Channel(clock)
        self.buffers = Credits(clock, machine.buffering)
        #: the transfer that occupies the distribution port, None between transfers
        self.sent: Sent | None = None
        self.fetching: Order | None = None
        self.sending: Planned | None = None
        self.computing: Delivery | None = None
        self.free = 0  # the end of the previous step
        self.asked = 0  # when the latest transfer was ready to start, but for the port of the L2
        self.started = 0  # when the PEs began the latest step
        #: when the PEs and the data of the step in ``computing`` were there, or will be
        self.ready = 0
        self.collection_free = 0
        self.upstream = 0
        self.tiles = OutputTiles(clock, machine.output_tiles)
        #: called at the end of every step
        self.step_ended: Callable[[Delivery], None] | None = None
        self.nest = array.choreographies[level].nest
        self.steps = Steps(array.choreographies[level])
        self._array = array
        self.collection = machine.network(level).collection
        self.network = DistributionNetwork(array.blueprints[level])
        self.innermost = level == len(array.choreographies) - 1
        #: the units' tiles where they are clusters without a buffer for outputs, and those of the steps on their way
        self.held: OutputTiles | None = None
        self.holding: deque[OutputTile] = deque()
        if not self.innermost and machine.network(level + 1).collection.bandwidth is None:
            self.held = OutputTiles(clock, machine.output_tiles)
        #: what stands behind the top level, where it is modelled
        self.memory: Memory | None = None
        self.port: L2Port | None = None
        self.draining: Channel[tuple[Activity, int, list[Drained]]] = Channel(clock)
        clock.process(self.distribute())
        clock.process(self.compute())

    def unit(self, unit: int) -> Cluster:
        """Return the cluster that is unit ``unit`` of this one; it exists from its first step on."""
        if unit not in self.units:
            self.units[unit] = type(self)(self._array, self.level + 1, unit)
        return self.units[unit]

    def distribute(self) -> Process:
        """Send the data of step after step: once the parent's are here, and there is room for them at the units."""
        while True:
            self.fetching = order = yield from self.inbox.take()
            yield from self.wait(order.arrival)
            for planned in self.steps.under(self.nest.steps(order.region, order.odometer), order.following):
                self.sending = planned
                yield from self.room(planned.activity)
                sent = yield from self.send(planned.activity)
                self.deliver(self.delivery(planned, order.within, sent))
                if sent.free > self.clock.now:
                    self.sent = sent
                    yield self.clock.timeout(sent.free - self.clock.now)
                    self.sent = None
                self.sending = None
                if self.memory is not None:
                    self.memory.sent()
            if self.steps.empty:
                order.within.unit_finished(self.number, self.clock.now, self.upstream)
            self.fetching = None

    def send(self, activity: Activity) -> Waiting[Sent]:
        """Begin to send what a step needs; at the top, once the L2 has it and its port is free."""
        if self.memory is not None:
            yield from self.memory.supplied()
        self.asked = self.clock.now
        if self.port is None or not activity.distributed:
            return self.network.send(self.clock.now, activity)
        start, passed = self.port.take(activity.distributed)
        yield from self.wait(start)
        return self.network.send(start, activity).until(passed)

    def room(self, activity: Activity) -> Process:
        """Wait until the units have a free buffer for the operands of the next step."""
        yield from self.buffers.take(self.needed(activity))
        yield from self.place(activity)

    def place(self, activity: Activity) -> Process:
        """Wait, where outputs stay in the units until this cluster collects them, until they are free for new ones."""
        if self.held is None:
            return
        if activity.new_tile:
            self.held.begin()
            yield from self.wait((yield from self.held.vacated()))
        self.held.current.pending += 1
        self.holding.append(self.held.current)

    def needed(self, activity: Activity) -> int:
        """Return how many buffers have to be free: for new filters, as many as leave few enough with other ones."""
        if not activity.filter.copies:
            return 1
        return 1 + self._array.machine.buffering - self._array.machine.filter_tiles

    def delivery(self, planned: Planned, within: Enclosure, sent: Sent) -> Delivery:
        """Return a step whose data have been sent."""
        return Delivery(self.clock, planned, within, sent)

    def deliver(self, delivery: Delivery) -> None:
        """Hand a step whose data are on the way to those who compute it: its first units may begin before the last."""
        activity = delivery.planned.activity
        self.record.activities[self.level][activity] += 1
        if self.probe is not None:
            self.probe.sent(self, delivery)
        self.delivered.put(delivery)
        if not self.innermost:
            for unit in activity.active:
                self.unit(unit).inbox.put(delivery.order(unit))

    def compute(self) -> Process:
        """Compute step after step; each ends when its last unit does."""
        while True:
            self.computing = delivery = yield from self.delivered.take()
            if self.innermost:
                yield from self.compute_on_pes(delivery)
            else:
                released = yield from delivery.within.opened.passed()
                delivery.opened.open(max(released, self.free))
                yield from delivery.finished.passed()
            self.computing = None
            self.finish(delivery)

    def compute_on_pes(self, delivery: Delivery) -> Process:
        """Compute once data are here, the barrier is passed and a new output tile has a free slot."""
        activity, first = delivery.planned.activity, delivery.sent.first
        self.ready = max(self.clock.now, first)
        yield from self.wait(first)
        released = yield from delivery.within.opened.passed()
        self.record.stall("transfer", first - max(self.free, released))
        self.record.stall("barrier", released - self.ready)
        if activity.new_tile:
            self.tiles.begin()
            ready = self.clock.now
            vacated = yield from self.tiles.vacated()
            self.record.stall("slot", vacated - ready)
            yield from self.wait(vacated)
        self.started = self.clock.now
        yield from self.wait(self.end(delivery, self.started))

    def end(self, delivery: Delivery, start: int) -> int:
        """Return when the last PE ends a step that may begin at ``start``, each once its own data are here."""
        activity, sent = delivery.planned.activity, delivery.sent
        if start >= sent.arrival or sent.lags is None:
            return start + activity.duration
        pes = zip(activity.active, activity.durations, strict=True)
        return max([max(start, sent.start + sent.lags[pe]) + duration for pe, duration in pes])

    def wait(self, until: int) -> Process:
        """Wait until a cycle that may have passed."""
        if until > self.clock.now:
            yield self.clock.timeout(until - self.clock.now)

    def finish(self, delivery: Delivery) -> None:
        """End a step: its buffer is free, its outputs drain, the parent's step may end."""
        self.free = self.clock.now
        self.record.compute_end = max(self.record.compute_end, self.free)
        self.buffers.give()
        activity = delivery.planned.activity
        if self.probe is not None:
            self.probe.computed(self, delivery)
        self.settle(activity, self.reduced(activity, self.free) if activity.collected else self.free)
        if self.probe is not None and activity.collected:
            self.probe.drained(self, delivery)
        if delivery.planned.last:
            delivery.within.unit_finished(self.number, self.free, self.upstream)
        if self.step_ended is not None:
            self.step_ended(delivery)

    def reduced(self, activity: Activity, ready: int) -> int:
        """Return when the outputs that leave after a step that ended at ``ready`` are here and added up."""
        if not self.innermost:
            ready = max(ready, *(self.units[unit].upstream for unit in activity.leaving))
        return ready + self.reduction_delay(activity)

    def settle(self, activity: Activity, start: int) -> None:
        """Let the outputs of the step that ended drain, from ``start`` at the earliest; steps settle in order."""
        tiles = self.drained(activity) if activity.collected else []
        for _, tile in tiles:
            tile.pending += 1
        if self.held is not None:
            tiles.append((self.held, self.holding.popleft()))
        if self.port is None:
            self.drain(activity, start, tiles)
        else:
            self.draining.put((activity, start, tiles))

    def drained(self, _: Activity) -> list[Drained]:
        """Return the output tiles of PEs that a step's drain is from."""
        return [(self.tiles, self.tiles.current)] if self.innermost else []

    def drain_through(self, port: L2Port) -> Process:
        """Let drains take turns at the port of the L2, where it has but one."""
        while True:
            activity, start, tiles = yield from self.draining.take()
            passed = 0
            if activity.collected:
                yield from self.wait(max(start, self.collection_free))
                start, passed = port.take(activity.collected)
                yield from self.wait(start)
            self.drain(activity, start, tiles, passed)

    def drain(self, activity: Activity, start: int, tiles: list[Drained], passed: int = 0) -> None:
        """Reserve the collection port, from ``start`` to ``passed`` at least, for what leaves after a step.

        Drains use the port in order and nothing can change when they do so, so that the port needs no process:
        it is known now when it will be free, when the elements will have left the units, and when they will be
        upstream.
        """
        if activity.collected:
            self.collection_free = max(max(start, self.collection_free) + self.occupation(activity), passed)
            self.upstream = self.collection_free + self.collection.latency
            self.record.end = max(self.record.end, self.upstream)
        for owner, tile in tiles:
            if activity.collected:
                tile.left = self.collection_free - self.reduction_delay(activity)
            owner.settle(tile)
        if self.memory is not None:
            self.memory.collected(self.upstream)

    def occupation(self, activity: Activity) -> int:
        """Return the cycles for which a step's drain occupies the collection port."""
        bandwidth = self.collection.bandwidth
        return 0 if bandwidth is None else -(-activity.collected // bandwidth)

    def reduction_delay(self, activity: Activity) -> int:
        """Return the cycles that the reduction network takes to add what several units drain."""
        if not activity.shared:
            return 0
        units = self.nest.units
        return {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}[self.collection.reduction]
