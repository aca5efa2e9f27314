"""How long steps take (§5), as an update of the timeline, under the assumptions made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

from analytical.assumptions import Assumptions
from analytical.clusters import Kind
from analytical.timeline import Row, Timeline
from analytical.traffic import Amount
from analytical.work import Work, limits_outputs
from dataflow.hardware import Distribution, LevelNetwork, Machine
from dataflow.levels import Mapping

#: the variable that is always 0: the L2 holds everything from the beginning, and nothing is in the way
BEGINNING = 0


@dataclass(frozen=True)
class Gates:
    """Variables of a step as the clusters below see it: when its data arrive, and when they may compute."""

    arrival: int = BEGINNING
    opened: int = BEGINNING


@dataclass
class Variables:
    """The variables of one kind of cluster.

    ``sent``: the distribution port is free; ``collected``: the collection port is free; ``upstream``: the latest drain
    has arrived; ``ends``: the latest d steps ended, the last one first; ``slots``: the last drain of each of the
    latest d + 1 output tiles has left the units, the current tile last (where these are PEs, or clusters whose
    outputs stay in their units).
    """

    gates: Gates
    sent: int
    collected: int
    upstream: int
    ends: list[int]
    slots: list[int] = field(default_factory=list)


class Clock:
    """The time of all kinds of clusters of a mapping on a machine."""

    def __init__(self, mapping: Mapping, machine: Machine, top: Kind, assumptions: Assumptions, *, wide: bool) -> None:
        self._mapping = mapping
        self._machine = machine
        self._assumptions = assumptions
        self._variables: dict[tuple[int, ...], Variables] = {}
        numbers = count(BEGINNING + 1)
        for kind in top.all():
            ends = [next(numbers) for _ in range(machine.buffering)]
            slots = []
            if limits_outputs(kind, machine):
                slots = [next(numbers) for _ in range(machine.output_tiles + 1)]
            gates = Gates(next(numbers), next(numbers))
            own = Variables(gates, next(numbers), next(numbers), next(numbers), ends, slots)
            self._variables[kind.path] = own
        self.timeline = Timeline(next(numbers), wide=wide)

    def compute_end(self) -> int:
        """Return the cycle at which the last compute ends."""
        return self.timeline.value(self._variables[()].ends[0])

    def end(self) -> int:
        """Return the cycle at which everything has ended, drains included."""
        return max(self.compute_end(), *(self.timeline.value(own.upstream) for own in self._variables.values()))

    def step(
        self, kind: Kind, work: Work, within: Gates, units: Sequence[int], compute: Callable[[Gates], None]
    ) -> None:
        """Let a step of a cluster happen.

        ``units`` are the kinds of units that work, and ``compute`` lets them do it between the gates of this step;
        at the innermost level there are none, and the PEs compute.
        """
        pass_time = self._in_lockstep if self._assumptions.lockstep else self._in_pipeline
        end = pass_time(kind, work, within, units, compute)
        own, time = self._variables[kind.path], self.timeline
        for newer, older in reversed(list(pairwise(own.ends))):
            time.copy(newer, older)
        time.set(own.ends[0], end)
        if work.collected:
            self._drain(kind, work)

    def _in_pipeline(
        self, kind: Kind, work: Work, within: Gates, units: Sequence[int], compute: Callable[[Gates], None]
    ) -> Row:
        """Transfer as soon as the port and a buffer are free, compute as soon as data are here; return the end."""
        own, time, network = self._variables[kind.path], self.timeline, self._machine.network(kind.level)
        occupied = self._transfer(work, network.distribution)
        waits = [own.sent, within.arrival, own.ends[-1]]
        if work.filter.copies:
            waits.append(own.ends[self._machine.filter_tiles - 1])
        if self._assumptions.restart_pipeline:
            waits.append(within.opened)
        slot = self._begin_tile(own) if work.new_tile else []
        if units:
            waits += slot
        time.set(own.sent, time.latest(*((wait, occupied) for wait in waits)))
        time.set(own.gates.arrival, time.latest((own.sent, network.distribution.latency if work.distributed else 0)))
        if units:
            time.set(own.gates.opened, time.latest((within.opened, 0), (own.ends[0], 0)))
            compute(own.gates)
            return self._units_end(kind, units)
        starts = [own.gates.arrival, own.ends[0], within.opened, *slot]
        return time.latest(*((start, self._duration(work)) for start in starts))

    def _begin_tile(self, own: Variables) -> list[int]:
        """Begin an output tile, where there is a limit to their number; return what it waits for."""
        if not own.slots or self._assumptions.steady_drain:
            return []
        for older, newer in pairwise(own.slots):
            self.timeline.copy(newer, older)
        self.timeline.forget(own.slots[-1])
        return own.slots[:1]

    def _in_lockstep(
        self, kind: Kind, work: Work, within: Gates, units: Sequence[int], compute: Callable[[Gates], None]
    ) -> Row:
        """Take as long as the slowest of transfer, compute and the drain before; return the end.

        In the first step there is nothing beside which the transfer could go on.
        """
        own, time, network = self._variables[kind.path], self.timeline, self._machine.network(kind.level)
        transfer = self._transfer(work, network.distribution)
        transfer += network.distribution.latency if work.distributed else 0
        before = (own.ends[0], within.opened, within.arrival)
        time.set(own.sent, time.latest(*((each, transfer) for each in before)))
        begin = time.latest((own.sent, 0)) if work.first else time.latest(*((each, 0) for each in before))
        time.set(own.gates.arrival, begin)
        time.set(own.gates.opened, begin)
        if units:
            compute(own.gates)
            computed = self._units_end(kind, units)
        else:
            computed = time.latest((own.gates.arrival, self._duration(work)))
        time.set(own.gates.arrival, computed)
        return time.latest((own.gates.arrival, 0), (own.sent, 0), (own.upstream, 0))

    def _units_end(self, kind: Kind, units: Sequence[int]) -> Row:
        below = [self._variables[kind.units[unit].path] for unit in units]
        ends = [each.ends[0] for each in below]
        if self._assumptions.restart_pipeline:
            ends += [each.upstream for each in below]
        return self.timeline.latest(*((end, 0) for end in ends))

    def _drain(self, kind: Kind, work: Work) -> None:
        """Let the outputs that leave after a step cross the collection port, in order."""
        own, time, port = self._variables[kind.path], self.timeline, self._machine.network(kind.level).collection
        delay = self._reduction_delay(kind.level, self._machine.network(kind.level)) if work.shared else 0
        occupied = _occupation(work.collected, port.bandwidth)
        ready = [(own.ends[0], delay + occupied)]
        if not self._assumptions.lockstep:
            ready += [(self._variables[kind.units[unit].path].upstream, delay + occupied) for unit in work.leaving]
            ready.append((own.collected, occupied))
        time.set(own.collected, time.latest(*ready))
        time.set(own.upstream, time.latest((own.collected, port.latency)))
        if own.slots:
            time.set(own.slots[-1], time.latest((own.collected, -delay)))

    def _transfer(self, work: Work, port: Distribution) -> int:
        """Return for how many cycles a step occupies the distribution port, or the slower of the two."""
        if port.filter_bandwidth is None:
            return _occupation(work.distributed, port.bandwidth)
        inputs, filters = (self._sent(amount) for amount in (work.input, work.filter))
        return max(_occupation(inputs, port.bandwidth), _occupation(filters, port.filter_bandwidth))

    def _sent(self, amount: Amount) -> int:
        return amount.distinct if self._machine.multicast else amount.copies

    def _duration(self, work: Work) -> int:
        return -(-work.size.macs // self._machine.lanes)

    def _reduction_delay(self, level: int, network: LevelNetwork) -> int:
        if self._assumptions.no_reduction_delay:
            return 0
        units = self._mapping.levels[level].units
        return {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}[network.collection.reduction]


def _occupation(elements: int, bandwidth: int | None) -> int:
    """Return for how many cycles elements occupy a port; wires take no time."""
    return 0 if bandwidth is None else -(-elements // bandwidth)
