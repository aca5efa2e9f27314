"""The top cluster where others use what stands behind it: a DRAM fills the L2, or all share the L2's single port.

There the order in which things happen decides who comes first, so that a clock has to run: processes send, compute and
drain the steps of the top level, each as soon as what it needs is known. What happens below a step is followed by
`simulator.cluster` meanwhile.
"""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Sequence
from typing import NamedTuple

from simulator.activities import Activity, Order, Planned
from simulator.channels import Channel, Clock, Counter, Credits, Process, Waiting
from simulator.cluster import Cluster
from simulator.decoupled import DecoupledCluster
from simulator.deliveries import Delivery, Enclosing
from simulator.dram import L2Port, Memory
from simulator.network import Sent
from simulator.output_tiles import OutputTile


class Step(NamedTuple):
    """A step whose data are sent, and the units' output tile that it is for, where they keep them."""

    planned: Planned
    sent: Sent
    delivery: Delivery | None
    tile: OutputTile | None


class Drain(NamedTuple):
    """What leaves after a step, from ``ready`` on, out of which tiles."""

    activity: Activity
    ready: int
    tiles: Sequence[OutputTile]
    delivery: Delivery | None


class Top:
    """The processes of the top cluster; a barrier keeps its units together."""

    def __init__(self, cluster: Cluster, clock: Clock, memory: Memory | None, port: L2Port | None) -> None:
        self.cluster = cluster
        self.clock = clock
        self.memory = memory
        self.port = port
        self.buffers = Credits(clock, cluster.buffering)
        self.sent: Channel[Step] = Channel(clock)
        self.drains: Channel[Drain] = Channel(clock)
        self.settled = Counter(clock)
        self.asked = 0

    def work(self, order: Order, under: Enclosing) -> None:
        """Work through all steps of the layer."""
        self.clock.process(self.distribute(order, under))
        self.clock.process(self.compute(under))
        if self.port is not None:
            self.clock.process(self.drain_through(self.port))
        self.clock.run()
        left = len(self.sent.items) + len(self.drains.items)
        assert not left, "the machine came to a stop before the layer's end"

    def distribute(self, order: Order, under: Enclosing) -> Process:
        """Send the data of step after step: once they are in the L2, and there is room for them at the units."""
        cluster = self.cluster
        for planned in cluster.steps.under(order.region, order.following):
            yield from self.room(planned.activity)
            tile = yield from self.place(planned.activity)
            sent = yield from self.send(planned.activity)
            cluster.record.step(cluster.level, planned.activity)
            delivery = None
            if cluster.array.probe is not None:
                supplied = self.memory.arrival if self.memory else 0
                delivery = cluster.deliver(planned, sent, under.origin, under, supplied=supplied, asked=self.asked)
            cluster.port_free = sent.free
            self.sent.put(Step(planned, sent, delivery, tile))
            yield from self.wait(sent.free)
            if self.memory is not None:
                self.memory.sent()

    def room(self, activity: Activity) -> Process:
        """Wait until the units have a free buffer for the operands of the next step."""
        yield from self.buffers.take(self.needed(activity))

    def needed(self, activity: Activity) -> int:
        """Return how many buffers have to be free: for new filters, as many as leave few enough with other ones."""
        return 1 + self.cluster.buffering - self.cluster.filter_tiles if activity.filter.copies else 1

    def place(self, activity: Activity) -> Waiting[OutputTile | None]:
        """Wait, where outputs stay in the units until this cluster collects them, until they are free for new ones."""
        tiles = self.cluster.tiles
        if tiles is None or self.cluster.innermost:
            return None
        if activity.new_tile:
            oldest = tiles.begin()
            yield from self.known(oldest)
            yield from self.wait(oldest.left)
        tiles.current.pending += 1
        return tiles.current

    def send(self, activity: Activity) -> Waiting[Sent]:
        """Begin to send what a step needs, once the L2 has it and its port is free."""
        if self.memory is not None:
            yield from self.memory.supplied()
        self.asked = self.clock.now
        if self.port is None or not activity.distributed:
            return self.cluster.network.send(self.clock.now, activity)
        start, passed = self.port.take(activity.distributed)
        yield from self.wait(start)
        return self.cluster.network.send(start, activity).until(passed)

    def compute(self, under: Enclosing) -> Process:
        """Compute step after step."""
        while True:
            step = yield from self.sent.take()
            activity = step.planned.activity
            yield from self.slots(activity)
            end = self.cluster.compute(step.planned, step.sent, under.origin, under.opened, step.delivery)
            yield from self.free_buffer(activity, end)
            self.finish(step, end)

    def slots(self, activity: Activity) -> Process:
        """Wait until it is known when PEs have slots for new output tiles."""
        if activity.new_tile and self.cluster.innermost and self.cluster.tiles is not None:
            yield from self.known(self.cluster.tiles.to_leave)

    def free_buffer(self, activity: Activity, end: int) -> Process:
        """Wait for the end of a step, and give its buffer back."""
        yield from self.wait(end)
        self.buffers.give()

    def finish(self, step: Step, end: int) -> None:
        """End a step: the outputs that leave are reduced and drain, through the port if there is only one."""
        cluster, activity = self.cluster, step.planned.activity
        if step.delivery is not None:
            cluster.tell("computed", step.delivery)
        tiles = cluster.leaving(activity) if step.tile is None else (step.tile,)
        if cluster.innermost:
            for tile in tiles:
                tile.pending += 1
        if step.delivery is not None and activity.collected:
            cluster.tell("drained", step.delivery)
        drain = Drain(activity, cluster.reduced(activity, end) if activity.collected else end, tiles, step.delivery)
        if self.port is None:
            self.settle(drain)
        else:
            self.drains.put(drain)

    def drain_through(self, port: L2Port) -> Process:
        """Let drains take turns at the port of the L2, where it has but one."""
        while True:
            drain = yield from self.drains.take()
            passed = 0
            if drain.activity.collected:
                yield from self.wait(max(drain.ready, self.cluster.collection_free))
                start, passed = port.take(drain.activity.collected)
                yield from self.wait(start)
                drain = drain._replace(ready=start)
            self.settle(drain, passed)

    def settle(self, drain: Drain, passed: int = 0) -> None:
        """Let outputs drain; steps settle in order."""
        if drain.activity.collected:
            self.cluster.drain(drain.activity, drain.ready, drain.tiles, passed)
            if drain.delivery is not None:
                self.cluster.tell("left", drain.delivery)
        else:
            self.cluster.keep(drain.ready, drain.tiles)
        for tile in drain.tiles:
            tile.pending -= 1
            self.settled.increment()
        if self.memory is not None:
            self.memory.collected(max(self.cluster.upstream, drain.ready))

    def known(self, tile: OutputTile) -> Process:
        """Wait until it is known when the last drain of a tile has left."""
        while tile.pending:
            yield from self.settled.reach(self.settled.count + 1)

    def wait(self, until: int) -> Process:
        """Wait until a cycle that may have passed."""
        if until > self.clock.now:
            yield self.clock.timeout(until - self.clock.now)


class DecoupledTop(Top):
    """The processes of a top cluster whose units run ahead of each other."""

    def __init__(self, cluster: DecoupledCluster, clock: Clock, memory: Memory | None, port: L2Port | None) -> None:
        super().__init__(cluster, clock, memory, port)
        self._decoupled = cluster
        #: by unit, the steps on their way to it whose ends are not known yet
        self._coming: Multiset[int] = Multiset()

    def room(self, activity: Activity) -> Process:
        """Wait until each unit that is to work has a free buffer."""
        yield from super().room(activity)  # given back once it is known when the step that had the buffer ends
        for unit in activity.active:
            behind = self._decoupled.buffers(unit, activity) - 1 - self._coming[unit]
            yield from self.wait(self._decoupled.ends_of(unit)[behind])
            self._coming[unit] += 1

    def slots(self, activity: Activity) -> Process:
        """Wait until it is known when PEs have slots for new output tiles."""
        if self.cluster.innermost:
            for pe in activity.active:
                if activity.changed >> pe & 1:
                    yield from self.known(self._decoupled.tiles_of(pe).to_leave)

    def free_buffer(self, activity: Activity, end: int) -> Process:
        """Give the buffer of a step back: when the units end it is known, and nobody waits for that."""
        self._coming.subtract(activity.active)
        self.buffers.give()
        yield from ()
