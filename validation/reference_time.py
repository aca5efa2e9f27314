"""When it moves (§5): the recurrences of the reference machine, evaluated step by step in order of dependence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from dataflow.hardware import Machine
from validation.reference_regions import Cluster, Tiles
from validation.reference_traffic import Traffic

STALLS = ("transfer", "barrier", "slot")


class Timeline:
    """The clock of one cluster: when its ports are free, and when each of its steps has computed and drained.

    ``ends[j]`` is the compute end of step j, ``drained`` the cycle at which the cluster's latest drain so far is
    upstream, ``stalls`` the cycles that an innermost cluster waited, by cause.
    """

    def __init__(self, tiles: Tiles, machine: Machine, cluster: Cluster, traffic: Traffic) -> None:
        self.cluster = cluster
        self.traffic = traffic
        self.network = machine.network(cluster.level)
        self.buffering = machine.buffering
        self.filter_buffers = machine.filter_tiles
        self.output_buffers = machine.output_tiles
        self.lanes = machine.lanes
        self.units = [
            Timeline(tiles, machine, unit, unit_traffic)
            for unit, unit_traffic in zip(cluster.units, traffic.units, strict=True)
        ]
        self.output_tiles = _output_tiles(tiles, cluster)
        self.slot_free: dict[int, int] = {}
        self.distribution_free = 0
        self.collection_free = 0
        self.ends: list[int] = []
        self.drained = 0
        self.stalls = Counter(dict.fromkeys(STALLS, 0))

    def run(self, parent_step: int, parent_arrival: int, barrier: int) -> None:
        """Live through the steps under a parent step, whose data arrive at ``parent_arrival``.

        ``barrier`` is the cycle at which the previous steps of all enclosing clusters have computed.
        """
        while len(self.ends) < len(self.cluster.steps) and self.cluster.steps[len(self.ends)].parent == parent_step:
            step = len(self.ends)
            arrival = self._transfer(step, parent_arrival)
            compute = self._compute_below if self.units else self._compute
            self.ends.append(compute(step, arrival, barrier))
            self._drain(step)

    def innermost(self) -> Iterator[Timeline]:
        """Yield the timelines of the innermost clusters."""
        if not self.units:
            yield self
        for unit in self.units:
            yield from unit.innermost()

    def finished(self) -> int:
        """Return the cycle at which the last compute or drain, here or below, has ended."""
        return max(self._end(len(self.ends) - 1), self.drained, *(unit.finished() for unit in self.units), 0)

    def _end(self, step: int) -> int:
        """Return the compute end of a step, 0 before the first."""
        return self.ends[step] if step >= 0 else 0

    def _transfer(self, step: int, parent_arrival: int) -> int:
        """Occupy the distribution port; return when the step's data are at the units."""
        sent = self.traffic.movements[step].sent
        elements = sum(sent.values())
        buffers = self.filter_buffers if sent["filter"] else self.buffering
        start = max(self.distribution_free, parent_arrival, self._end(step - buffers))
        port = self.network.distribution
        occupied = _occupation(elements, port.bandwidth)
        if port.filter_bandwidth is not None:
            occupied = max(
                _occupation(sent["input"], port.bandwidth), _occupation(sent["filter"], port.filter_bandwidth)
            )
        self.distribution_free = start + occupied
        return self.distribution_free + (port.latency if elements else 0)

    def _compute(self, step: int, arrival: int, barrier: int) -> int:
        """Return the end of an innermost step, after noting what it waited for."""
        slot = self.slot_free.get(self.output_tiles[step] - self.output_buffers, 0)
        free = self._end(step - 1)
        start = max(arrival, barrier, slot, free)
        self.stalls["transfer"] += max(0, arrival - max(free, barrier))
        self.stalls["barrier"] += max(0, barrier - max(free, arrival))
        self.stalls["slot"] += max(0, slot - max(free, arrival, barrier))
        macs = [prod(map(len, region.values())) for region in self.cluster.steps[step].regions if region is not None]
        return start + -(-max(macs) // self.lanes)

    def _compute_below(self, step: int, arrival: int, barrier: int) -> int:
        """Run the sub-steps of every active unit; return the end of the last."""
        released = max(barrier, self._end(step - 1))
        end = max(arrival, released)
        for unit, region in zip(self.units, self.cluster.steps[step].regions, strict=True):
            if region is not None:
                unit.run(step, arrival, released)
                end = max(end, unit._end(len(unit.ends) - 1))
        return end

    def _drain(self, step: int) -> None:
        """Occupy the collection port with what leaves after a step, if anything does."""
        movement = self.traffic.movements[step]
        if not movement.collected:
            return
        ready = self.ends[step]
        for unit, leaving in zip(self.units, movement.leaving, strict=False):
            if leaving:
                ready = max(ready, unit.drained)
        delay = self._reduction_delay(len(movement.leaving)) if movement.reduced else 0
        port = self.network.collection
        occupied = _occupation(movement.collected, port.bandwidth)
        self.collection_free = max(ready + delay, self.collection_free) + occupied
        self.drained = self.collection_free + port.latency
        self.slot_free[self.output_tiles[step]] = self.collection_free - delay

    def _reduction_delay(self, units: int) -> int:
        return {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}[self.network.collection.reduction]


def _occupation(elements: int, bandwidth: int | None) -> int:
    """Return for how many cycles a port is occupied; none if it is wires."""
    return 0 if bandwidth is None else -(-elements // bandwidth)


def _output_tiles(tiles: Tiles, cluster: Cluster) -> list[int]:
    """Return the output tile of each step: a new one begins where the tile of some active unit is another."""
    numbers: list[int] = []
    before = [tiles.of(None, "output")] * (len(cluster.steps[0].regions) if cluster.steps else 0)
    for step in cluster.steps:
        now = [tiles.of(region, "output") for region in step.regions]
        begins = any(
            region is not None and tile != previous
            for region, tile, previous in zip(step.regions, now, before, strict=True)
        )
        numbers.append((numbers[-1] if numbers else -1) + begins)
        before = now
    return numbers
