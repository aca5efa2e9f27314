"""A cluster at work (§5): processes that fetch its steps' data, compute them and drain their outputs.

All clusters of all levels are alike. What differs is who their units are: PEs, which take a step's MACs in
cycles, or clusters of the next level, which take as long as their own steps take.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from typing import Any

from simpy import Event

from dataflow.hardware import Machine
from simulator.channels import Channel, Clock, Credits, Gate
from simulator.nest import Odometer, Region
from simulator.sequence import Activity, Choreography, Planned
from simulator.sequence import Sequence as Steps

Process = Generator[Event, Any, None]


class Enclosure:
    """A step as the clusters below see it: when its data arrive, when they may compute, when all are done.

    ``arrival`` is the cycle at which the step's data are with the units. ``opened`` is the barrier: the previous
    steps of all enclosing clusters are over. ``working`` counts the units that have not finished.
    """

    __slots__ = ("arrival", "finished", "opened", "working")

    def __init__(self, clock: Clock, arrival: int, working: int) -> None:
        self.arrival = arrival
        self.opened = Gate(clock)
        self.finished = Gate(clock)
        self.working = working

    def unit_finished(self, cycle: int) -> None:
        """Note that one of the units is done with the step."""
        self.working -= 1
        if not self.working:
            self.finished.open(cycle)


class Order:
    """What a cluster is to do under a step of its parent: its region then, and in the parent's next step."""

    __slots__ = ("following", "odometer", "region", "within")

    def __init__(
        self, region: Region, following: Region | None, within: Enclosure, odometer: Odometer | None = None
    ) -> None:
        self.region = region
        self.following = following
        self.within = within
        self.odometer = odometer


class Delivery(Enclosure):
    """A step of a cluster whose data are sent, on its way to be computed."""

    __slots__ = ("planned", "within")

    def __init__(self, clock: Clock, planned: Planned, within: Enclosure, arrival: int) -> None:
        super().__init__(clock, arrival, len(planned.activity.active))
        self.planned = planned
        self.within = within

    def order(self, unit: int) -> Order:
        """Return what the step means for one of the clusters below."""
        region = self.planned.step.region(unit)
        assert region is not None, "orders go to active units"
        upcoming = self.planned.upcoming
        return Order(region, None if upcoming is None else upcoming.region(unit), self)


class Record:
    """What happened: how often each activity at each level, cycles waited by cause, and the latest ends.

    ``compute_end`` and ``end`` are on the clock, which stood still for ``skipped`` cycles.
    """

    def __init__(self, levels: int) -> None:
        self.activities: list[Counter[Activity]] = [Counter() for _ in range(levels)]
        self.stalls: Counter[str] = Counter({"transfer": 0, "barrier": 0, "slot": 0})
        self.compute_end = 0
        self.end = 0
        self.skipped = 0


class Cluster:
    """One cluster: its two ports, the buffers of its units, and the processes that use them."""

    def __init__(
        self,
        clock: Clock,
        machine: Machine,
        choreographies: Sequence[Choreography],
        record: Record,
        level: int = 0,
    ) -> None:
        self.clock = clock
        self.record = record
        self.level = level
        self.units: dict[int, Cluster] = {}
        self.inbox: Channel[Order] = Channel(clock)
        self.delivered: Channel[Delivery] = Channel(clock)
        self.buffers = Credits(clock, machine.buffering)
        #: cycle until which the current transfer occupies the distribution port, None between transfers
        self.sending_until: int | None = None
        self.fetching: Order | None = None
        self.sending: Planned | None = None
        self.computing: Delivery | None = None
        self.free = 0  # the end of the previous step
        #: when the PEs and the data of the step in ``computing`` were there, or will be
        self.ready = 0
        self.collection_free = 0
        self.upstream = 0
        #: when the last drain of each of the latest d + 1 output tiles has left the PEs, the current tile last
        self.slots = deque([0] * (machine.buffering + 1), maxlen=machine.buffering + 1)
        #: called at the end of every step
        self.step_ended: Callable[[Delivery], None] | None = None
        self.nest = choreographies[level].nest
        self.steps = Steps(choreographies[level])
        self._machine = machine
        self._choreographies = choreographies
        self._network = machine.network(level)
        self._innermost = level == len(choreographies) - 1
        clock.process(self.distribute())
        clock.process(self.compute())

    def unit(self, unit: int) -> Cluster:
        """Return the cluster that is unit ``unit`` of this one; it exists from its first step on."""
        if unit not in self.units:
            self.units[unit] = Cluster(self.clock, self._machine, self._choreographies, self.record, self.level + 1)
        return self.units[unit]

    def distribute(self) -> Process:
        """Send the data of step after step: once the parent's are here, and a buffer of the units is free."""
        port = self._network.distribution
        while True:
            self.fetching = order = yield from self.inbox.take()
            yield from self.wait(order.within.arrival)
            for planned in self.steps.under(self.nest.steps(order.region, order.odometer), order.following):
                self.sending = planned
                yield from self.buffers.take()
                arrival = self.clock.now
                if planned.activity.distributed:
                    occupied = -(-planned.activity.distributed // port.bandwidth)
                    self.sending_until = arrival + occupied
                    yield self.clock.timeout(occupied)
                    self.sending_until = None
                    arrival += occupied + port.latency
                self.sending = None
                self.deliver(Delivery(self.clock, planned, order.within, arrival))
            self.fetching = None

    def deliver(self, delivery: Delivery) -> None:
        """Hand a step whose data are sent to those who compute it."""
        activity = delivery.planned.activity
        self.record.activities[self.level][activity] += 1
        self.delivered.put(delivery)
        if not self._innermost:
            for unit in activity.active:
                self.unit(unit).inbox.put(delivery.order(unit))

    def compute(self) -> Process:
        """Compute step after step; each ends when its last unit does."""
        while True:
            self.computing = delivery = yield from self.delivered.take()
            if self._innermost:
                yield from self.compute_on_pes(delivery)
            else:
                released = yield from delivery.within.opened.passed()
                delivery.opened.open(max(released, self.free))
                yield from delivery.finished.passed()
            self.computing = None
            self.finish(delivery)

    def compute_on_pes(self, delivery: Delivery) -> Process:
        """Compute once data are here, the barrier is passed and a new output tile has a free slot."""
        activity = delivery.planned.activity
        self.ready = max(self.clock.now, delivery.arrival)
        yield from self.wait(delivery.arrival)
        released = yield from delivery.within.opened.passed()
        self.stall("transfer", delivery.arrival - max(self.free, released))
        self.stall("barrier", released - self.ready)
        if activity.new_tile:
            self.slots.append(0)
            self.stall("slot", self.slots[0] - self.clock.now)
            yield from self.wait(self.slots[0])
        yield self.clock.timeout(activity.duration)

    def wait(self, until: int) -> Process:
        """Wait until a cycle that may have passed."""
        if until > self.clock.now:
            yield self.clock.timeout(until - self.clock.now)

    def stall(self, cause: str, cycles: int) -> None:
        """Note for how long the PEs had work but waited."""
        if cycles > 0:
            self.record.stalls[cause] += cycles

    def finish(self, delivery: Delivery) -> None:
        """End a step: its buffer is free, its outputs drain, the parent's step may end."""
        self.free = self.clock.now
        self.record.compute_end = max(self.record.compute_end, self.free)
        self.buffers.give()
        if delivery.planned.activity.collected:
            self.drain(delivery.planned.activity)
        if delivery.planned.last:
            delivery.within.unit_finished(self.free)
        if self.step_ended is not None:
            self.step_ended(delivery)

    def drain(self, activity: Activity) -> None:
        """Reserve the collection port for what leaves after a step.

        Drains use the port in order and nothing can change when they do so, so that the port needs no process:
        it is known now when it will be free, when the elements will have left the units, and when they will be
        upstream.
        """
        ready = self.clock.now
        if not self._innermost:
            ready = max(ready, *(self.units[unit].upstream for unit in activity.leaving))
        delay = self.reduction_delay() if activity.shared else 0
        start = max(ready + delay, self.collection_free)
        self.collection_free = start + self.occupation(activity)
        self.slots[-1] = self.collection_free - delay
        self.upstream = self.collection_free + self._network.collection.latency
        self.record.end = max(self.record.end, self.upstream)

    def occupation(self, activity: Activity) -> int:
        """Return the cycles for which a step's drain occupies the collection port."""
        return -(-activity.collected // self._network.collection.bandwidth)

    def reduction_delay(self) -> int:
        """Return the cycles that the reduction network takes for elements of more than one unit."""
        units = self.nest.units
        return {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}[self._network.collection.reduction]
