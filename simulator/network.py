"""A cluster's distribution network at work: a transfer in, the cycles at which the units have their data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from dataflow.hardware import Distribution
from simulator.activities import Activity
from simulator.fabric import Crossing, Fabric, Stream, Wiring
from simulator.tiles import Moved
from simulator.topologies import TOPOLOGIES


class Sent(NamedTuple):
    """A transfer: its first cycle, when the port is free again, and when the first unit has its data, and the last.

    ``lags`` is by active unit the cycles from the start to the arrival of its own data; None where all see the last.
    """

    start: int
    free: int
    first: int
    arrival: int
    lags: Mapping[int, int] | None

    def until(self, passed: int) -> Sent:
        """Return the transfer as it is if something else keeps the port until ``passed``."""
        more = max(0, passed - self.free)
        lags = self.lags and {unit: lag + more for unit, lag in self.lags.items()}
        return Sent(self.start, self.free + more, self.first + more, self.arrival + more, lags)

    def at(self, unit: int) -> int:
        """Return the cycle at which ``unit`` has its data."""
        return self.arrival if self.lags is None else self.start + self.lags[unit]


class Blueprint:
    """The distribution networks of a level's clusters: one, or two where filters have one of their own."""

    def __init__(self, units: int, port: Distribution, *, multicast: bool) -> None:
        self._widths = [port.bandwidth] if port.filter_bandwidth is None else [port.bandwidth, port.filter_bandwidth]
        wirings = [TOPOLOGIES[port.topology](units, port, width) for width in self._widths]
        #: every network with the crossings that are known already
        self.parts: list[tuple[Wiring, dict[object, Crossing]]] = [(wiring, {}) for wiring in wirings]
        self._labels = ("",) if len(self.parts) == 1 else ("inputs ", "filters ")
        self.latency = port.latency
        self.whole = wirings[0].whole
        self._multicast = multicast
        self._occupations: dict[Activity, int] = {}
        self._lags: dict[object, Mapping[int, int]] = {}

    def occupation(self, activity: Activity) -> int:
        """Return for how many cycles a bus is occupied."""
        cycles = self._occupations.get(activity)
        if cycles is None:
            cycles = self._occupations[activity] = self.occupied(activity, 0)
        return cycles

    def occupied(self, activity: Activity, sums: int) -> int:
        """Return for how many cycles a bus is occupied with so many partial sums beside the operands."""
        amounts = [activity.distributed + sums]
        if len(self._widths) > 1:
            amounts = [self.crossing(activity.input) + sums, self.crossing(activity.filter)]
        return max([0 if width is None else -(-n // width) for n, width in zip(amounts, self._widths, strict=True)])

    def streams(self, activity: Activity, part: int, sums: Sequence[Stream] = ()) -> list[Stream]:
        """Return what a step sends over one of the networks; partial sums follow the inputs, or all operands."""
        tensors = [activity.input, activity.filter]
        chosen = tensors if len(self._widths) == 1 else [tensors[part]]
        return [stream for moved in chosen for stream in self._of_tensor(moved)] + (list(sums) if part == 0 else [])

    def deliveries(self, moved: Moved, part: int) -> list[tuple[int, int, int]]:
        """Return what a step sends of a tensor (part 0: inputs, 1: filters): receivers, those reached, elements."""
        connected = self.parts[part % len(self.parts)][0].connected
        return [(units, units & connected, elements) for units, elements in self._of_tensor(moved)]

    def lags(self, activity: Activity, crossings: Sequence[tuple[int, Crossing]]) -> Mapping[int, int]:
        """Return by active unit when the last of its data is here, in cycles since the start of the step's transfer.

        ``crossings`` begin so many cycles after that.
        """
        key = (activity, *((begin, id(crossing)) for begin, crossing in crossings))
        if key not in self._lags:
            found = dict.fromkeys(activity.active, 0)
            for begin, crossing in crossings:
                for unit, arrival in crossing.arrivals.items():
                    found[unit] = max(found[unit], begin + arrival + self.latency)
            self._lags[key] = found
        return self._lags[key]

    def loads(self, activity: Activity) -> dict[str, int]:
        """Return by link, of all but a bus, the elements that cross it for a step."""
        if self.whole:
            return {}
        return {
            f"{label}{name}": load
            for part, (label, (wiring, _)) in enumerate(zip(self._labels, self.parts, strict=True))
            for name, load in wiring.loads(self.streams(activity, part))
        }

    def loads_of(self, sums: Sequence[Stream]) -> dict[str, int]:
        """Return by link, of all but a bus, the partial sums that cross it."""
        wiring, _ = self.parts[0]
        return {} if self.whole else {f"{self._labels[0]}{name}": load for name, load in wiring.loads(sums)}

    def crossing(self, moved: Moved) -> int:
        """Return how many elements of what is moved cross the port: once each, or once per receiver."""
        return moved.distinct if self._multicast else moved.copies

    def _of_tensor(self, moved: Moved) -> list[Stream]:
        """Return streams by their receivers; without multicast, each receiver has its own."""
        if self._multicast:
            return list(moved.groups)
        return [
            (1 << unit, elements)
            for units, elements in moved.groups
            for unit in range(units.bit_length())
            if units >> unit & 1
        ]


class DistributionNetwork:
    """The networks of one cluster at work."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._fabrics = [Fabric(wiring, known) for wiring, known in blueprint.parts]

    def send(self, now: int, activity: Activity, sums: Sequence[Stream] = ()) -> Sent:
        """Send what a step needs, with the partial sums that return, from cycle ``now`` on; the port is free."""
        if not activity.distributed and not sums:
            return Sent(now, now, now, now, None)
        plan = self.blueprint
        if plan.whole:
            free = now + plan.occupation(activity)
            if sums:
                free = now + plan.occupied(activity, sum(elements for _, elements in sums))
            arrival = free + plan.latency
            return Sent(now, free, arrival, arrival, None)
        crossings, begin, free = [], 0, 0
        for part, fabric in reversed(list(enumerate(self._fabrics))):
            crossing = fabric.send(now + begin, (activity, sums), partial(plan.streams, activity, part, sums))
            crossings.append((begin, crossing))
            free = max(free, begin + crossing.free)
            begin = free if fabric.wiring.far_first else 0
        lags = plan.lags(activity, crossings)
        return Sent(now, now + free, now + min(lags.values()), now + max(lags.values()), lags)

    def twin(self) -> DistributionNetwork:
        """Return networks with the same on the way."""
        found = DistributionNetwork(self.blueprint)
        found._fabrics = [fabric.twin() for fabric in self._fabrics]
        return found

    def state(self, now: int) -> object:
        """Return what is on the way, relative to ``now``."""
        return () if self.blueprint.whole else tuple(fabric.state(now) for fabric in self._fabrics)
