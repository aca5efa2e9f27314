"""When it moves (§5): the recurrences of the reference machine, evaluated step by step in order of dependence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from dataflow.hardware import Machine
from validation.reference_fabric import Network
from validation.reference_regions import Cluster, Tiles
from validation.reference_traffic import Traffic

STALLS = ("transfer", "barrier", "slot")


class Timeline:
    """The clock of one cluster: when its ports are free, and when each of its steps has computed and drained.

    ``ends[j]`` is the compute end of step j, ``drained`` the cycle at which the cluster's latest drain so far is
    upstream, ``sums`` by output element since when its latest sum is, ``stalls`` the cycles that an innermost cluster
    waited, by cause.
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
            type(self)(tiles, machine, unit, unit_traffic)
            for unit, unit_traffic in zip(cluster.units, traffic.units, strict=True)
        ]
        self.output_tiles = _output_tiles(tiles, cluster)
        self.fabric = _network(machine, cluster)
        self.holding = bool(self.units) and machine.network(cluster.level + 1).collection.bandwidth is None
        self.slot_free: dict[int, int] = {}
        self.sums: dict[tuple[int, ...], int] = {}
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
            arrivals = self._transfer(step, parent_arrival)
            compute = self._compute_below if self.units else self._compute
            self.ends.append(compute(step, arrivals, barrier))
            self._drain(step)

    def innermost(self) -> Iterator[Timeline]:
        """Yield the timelines of the innermost clusters."""
        if not self.units:
            yield self
        for unit in self.units:
            yield from unit.innermost()

    def links(self, level: int) -> dict[str, int]:
        """Return by link the elements that have crossed it in all clusters of ``level``; empty where it is a bus."""
        if self.cluster.level == level:
            return {} if self.fabric is None else self.fabric.loads()
        found: Counter[str] = Counter()
        for unit in self.units:
            found.update(unit.links(level))
        return dict(found)

    def finished(self) -> int:
        """Return the cycle at which the last compute or drain, here or below, has ended."""
        return max(self._end(len(self.ends) - 1), self.drained, *(unit.finished() for unit in self.units), 0)

    def _end(self, step: int) -> int:
        """Return the compute end of a step, 0 before the first."""
        return self.ends[step] if step >= 0 else 0

    def active(self, step: int) -> list[int]:
        """Return the units that work in a step."""
        return [unit for unit, region in enumerate(self.cluster.steps[step].regions) if region is not None]

    def macs(self, step: int, unit: int) -> int:
        """Return the MACs of a PE in a step."""
        region = self.cluster.steps[step].regions[unit]
        return 0 if region is None else prod(map(len, region.values()))

    def _transfer(self, step: int, parent_arrival: int) -> dict[int, int]:
        """Occupy the distribution port; return when the step's data are at each of the active units."""
        sent = self.traffic.movements[step].sent
        port, active = self.network.distribution, self.active(step)
        back = self.traffic.movements[step].back
        returned = self.traffic.movements[step].returned
        start = max(self.distribution_free, parent_arrival, self._room(step), self._sums_there(step))
        if not sum(sent.values()) + returned:
            self.distribution_free = start
            return dict.fromkeys(active, start)
        if self.fabric is not None:
            sums = Counter({frozenset({unit}): len(elements) for unit, elements in back.items()})
            shared = {**self.traffic.movements[step].shared, "sums": sums}
            self.distribution_free, arrivals = self.fabric.send(start, shared)
            return dict.fromkeys(active, start) | arrivals
        occupied = _occupation(sum(sent.values()) + returned, port.bandwidth)
        if port.filter_bandwidth is not None:
            occupied = max(
                _occupation(sent["input"] + returned, port.bandwidth),
                _occupation(sent["filter"], port.filter_bandwidth),
            )
        self.distribution_free = start + occupied
        return dict.fromkeys(active, self.distribution_free + port.latency)

    def _sums_there(self, step: int) -> int:
        """Return when the last of the partial sums that return before a step was in the buffer."""
        back = frozenset().union(*self.traffic.movements[step].back.values())
        return max((self.sums.get(element, 0) for element in back), default=0)

    def _room(self, step: int) -> int:
        """Return when the units have room for a step's operands, and for its outputs if these have to stay there."""
        buffers = self.filter_buffers if self.traffic.movements[step].sent["filter"] else self.buffering
        return max(self._end(step - buffers), self._held(step))

    def _held(self, step: int) -> int:
        """Return when output tiles of units without a buffer behind them have made room for a new one, if one begins.

        One that goes on is no reason to wait.
        """
        begins = step == 0 or self.output_tiles[step] != self.output_tiles[step - 1]
        return self.slot_free.get(self.output_tiles[step] - self.output_buffers, 0) if self.holding and begins else 0

    def _compute(self, step: int, arrivals: dict[int, int], barrier: int) -> int:
        """Return the end of an innermost step, after noting what it waited for; the PEs begin with their data."""
        slot = self.slot_free.get(self.output_tiles[step] - self.output_buffers, 0)
        free, arrival = self._end(step - 1), min(arrivals.values())
        start = max(arrival, barrier, slot, free)
        self.stalls["transfer"] += max(0, arrival - max(free, barrier))
        self.stalls["barrier"] += max(0, barrier - max(free, arrival))
        self.stalls["slot"] += max(0, slot - max(free, arrival, barrier))
        return max(max(start, arrivals[pe]) + -(-self.macs(step, pe) // self.lanes) for pe in arrivals)

    def _compute_below(self, step: int, arrivals: dict[int, int], barrier: int) -> int:
        """Run the sub-steps of every active unit; return the end of the last."""
        released = max(barrier, self._end(step - 1))
        end = released
        for unit, arrival in arrivals.items():
            self.units[unit].run(step, arrival, released)
            end = max(end, arrival, self.units[unit]._end(len(self.units[unit].ends) - 1))
        return end

    def _drain(self, step: int) -> None:
        """Occupy the collection port with what leaves after a step, if anything does."""
        movement = self.traffic.movements[step]
        if not movement.collected:
            return
        port = self.network.collection
        occupied = _occupation(movement.collected, port.bandwidth)
        self.collection_free = max(self._ready(step), self.collection_free) + occupied
        self.drained = self.collection_free + port.latency
        self.sums.update(dict.fromkeys(frozenset().union(*movement.leaving), self.drained))
        self._left(step, self.collection_free - self._delay(step))

    def _ready(self, step: int) -> int:
        """Return when what leaves after a step is here and added up."""
        ready = self.ends[step]
        for unit, leaving in zip(self.units, self.traffic.movements[step].leaving, strict=False):
            if leaving:
                ready = max(ready, unit.drained)
        return ready + self._delay(step)

    def _left(self, step: int, cycle: int) -> None:
        """Note when the last output that leaves after a step has left the units."""
        self.slot_free[self.output_tiles[step]] = cycle

    def _delay(self, step: int) -> int:
        """Return for how long the outputs that leave after a step are added up."""
        movement = self.traffic.movements[step]
        return self._reduction_delay(len(movement.leaving)) if movement.reduced else 0

    def _reduction_delay(self, units: int) -> int:
        return {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}[self.network.collection.reduction]


def _occupation(elements: int, bandwidth: int | None) -> int:
    """Return for how many cycles a port is occupied; none if it is wires."""
    return 0 if bandwidth is None else -(-elements // bandwidth)


def _network(machine: Machine, cluster: Cluster) -> Network | None:
    """Return the links to a cluster's units, None where they are a bus."""
    port = machine.network(cluster.level).distribution
    if port.topology == "bus" or not cluster.steps:
        return None
    return Network(len(cluster.steps[0].regions), port, multicast=machine.multicast)


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
