"""How long steps take (§5), as an update of the timeline, under the assumptions made."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise

from analytical.assumptions import Assumptions
from analytical.clusters import Kind
from analytical.durations import Durations
from analytical.schedule import Schedule, Step, Stretch
from analytical.timeline import Cycles, Matrix, Row, Timeline, after
from dataflow.hardware import Machine
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
    """The time of all kinds of clusters on a machine, after all of a schedule's steps."""

    def __init__(
        self,
        mapping: Mapping,
        machine: Machine,
        schedule: Schedule,
        assumptions: Assumptions,
        durations: Durations | None = None,
        timeline: type[Timeline] = Timeline,
    ) -> None:
        self._mapping = mapping
        self._machine = machine
        self._durations = durations or Durations(machine)
        self._assumptions = assumptions
        self._variables: dict[tuple[int, ...], Variables] = {}
        numbers = count(BEGINNING + 1)
        for kind in schedule.kind.all():
            ends = [next(numbers) for _ in range(machine.buffering)]
            slots = []
            if limits_outputs(kind, machine):
                slots = [next(numbers) for _ in range(machine.output_tiles + 1)]
            gates = Gates(next(numbers), next(numbers))
            own = Variables(gates, next(numbers), next(numbers), next(numbers), ends, slots)
            self._variables[kind.path] = own
        self._effects: dict[Stretch, Matrix] = {}
        self._often = schedule.often()
        self._timeline = timeline({variable: after(BEGINNING, 0) for variable in range(next(numbers))})
        self._pass(schedule.top, 1, Gates())

    def compute_end(self) -> Cycles:
        """Return the cycle at which the last compute ends."""
        return self._timeline.value(self._variables[()].ends[0])

    def ends(self) -> list[Cycles]:
        """Return the cycles at which computing has ended, and the drains of every kind of cluster."""
        return [self.compute_end(), *(self._timeline.value(own.upstream) for own in self._variables.values())]

    def _pass(self, stretch: Stretch, times: int, within: Gates) -> None:
        """Let a stretch happen ``times`` times between the gates of a step of the level above.

        What it does to the clock is worked out once if it happens often.
        """
        body = partial(self._happen, stretch, within)
        if stretch in self._often:
            effect = self._effects.get(stretch)
            if effect is None:
                effect = self._effects[stretch] = self._timeline.effect(body)
            body = partial(self._timeline.apply, effect)
        if times == 1:
            body()
        else:
            self._timeline.repeat(body, times)

    def _happen(self, stretch: Stretch, within: Gates) -> None:
        if isinstance(stretch, Step):
            self._step(stretch, within)
        else:
            for part, times in stretch.parts:
                self._pass(part, times, within)

    def _step(self, step: Step, within: Gates) -> None:
        pass_time = self._in_lockstep if self._assumptions.lockstep else self._in_pipeline
        end = pass_time(step, within)
        own, time = self._variables[step.kind.path], self._timeline
        for newer, older in reversed(list(pairwise(own.ends))):
            time.copy(newer, older)
        time.set(own.ends[0], end)
        time.leave(own.gates.arrival, own.gates.opened)
        if step.work.output.copies:
            self._drain(step)

    def _in_pipeline(self, step: Step, within: Gates) -> Row:
        """Transfer as soon as the port and a buffer are free, compute as soon as data are here; return the end."""
        own, time, level = self._variables[step.kind.path], self._timeline, step.kind.level
        occupied = self._durations.transfer(level, step.work)
        waits = [own.sent, within.arrival, own.ends[-1]]
        if step.work.filter.copies:
            waits.append(own.ends[self._machine.filter_tiles - 1])
        if self._assumptions.restart_pipeline:
            waits.append(within.opened)
        slot = self._begin_tile(own) if step.work.new_tile else []
        if step.below:
            waits += slot
        time.set(own.sent, time.latest([(wait, occupied) for wait in waits]))
        time.set(own.gates.arrival, time.later(own.sent, self._durations.arrival(level, step.work)))
        if step.below:
            time.set(own.gates.opened, time.latest([(within.opened, 0), (own.ends[0], 0)]))
            return self._units_end(step, own.gates)
        starts = [own.gates.arrival, own.ends[0], within.opened, *slot]
        duration = self._durations.compute(step.work)
        return time.latest([(start, duration) for start in starts])

    def _begin_tile(self, own: Variables) -> list[int]:
        """Begin an output tile, where there is a limit to their number; return what it waits for."""
        if not own.slots or self._assumptions.steady_drain:
            return []
        for older, newer in pairwise(own.slots):
            self._timeline.copy(newer, older)
        self._timeline.forget(own.slots[-1])
        return own.slots[:1]

    def _in_lockstep(self, step: Step, within: Gates) -> Row:
        """Take as long as the slowest of transfer, compute and the drain before; return the end.

        In the first step there is nothing beside which the transfer could go on.
        """
        own, time, level = self._variables[step.kind.path], self._timeline, step.kind.level
        transfer = self._durations.transfer(level, step.work) + self._durations.arrival(level, step.work)
        before = (own.ends[0], within.opened, within.arrival)
        time.set(own.sent, time.latest([(each, transfer) for each in before]))
        begin = time.latest([(own.sent, 0)] if step.work.first else [(each, 0) for each in before])
        time.set(own.gates.arrival, begin)
        time.set(own.gates.opened, begin)
        if step.below:
            computed = self._units_end(step, own.gates)
        else:
            computed = time.latest([(own.gates.arrival, self._durations.compute(step.work))])
        time.set(own.gates.arrival, computed)
        return time.latest([(own.gates.arrival, 0), (own.sent, 0), (own.upstream, 0)])

    def _units_end(self, step: Step, gates: Gates) -> Row:
        """Let the units work between the gates of a step, and return when the last one has ended."""
        ends = []
        for below in step.working(self._assumptions):
            self._pass(below.stretch, 1, gates)
            units = self._variables[step.kind.units[below.unit].path]
            ends.append((units.ends[0], 0))
            if self._assumptions.restart_pipeline:
                ends.append((units.upstream, 0))
        return self._timeline.latest(ends)

    def _drain(self, step: Step) -> None:
        """Let the outputs that leave after a step cross the collection port, in order."""
        own, time, level = self._variables[step.kind.path], self._timeline, step.kind.level
        delay = self._reduction_delay(step)
        occupied = self._durations.drain(level, step.work)
        ready = [(own.ends[0], delay + occupied)]
        if not self._assumptions.lockstep:
            units = [self._variables[step.kind.units[unit].path] for unit in step.work.leaving]
            ready += [(each.upstream, delay + occupied) for each in units]
            ready.append((own.collected, occupied))
        time.set(own.collected, time.latest(ready))
        time.set(own.upstream, time.later(own.collected, self._durations.upstream(level)))
        if own.slots:
            time.set(own.slots[-1], time.later(own.collected, -delay))

    def _reduction_delay(self, step: Step) -> int:
        """Return how long it takes to add what several units drain, if any element comes from more than one."""
        output, level = step.work.output, step.kind.level
        if self._assumptions.no_reduction_delay or output.copies == output.distinct:
            return 0
        units = self._mapping.levels[level].units
        delays = {"tree": (units - 1).bit_length(), "chain": units - 1, "none": 0}
        return delays[self._machine.network(level).collection.reduction]


def limits_outputs(kind: Kind, machine: Machine) -> bool:
    """Tell whether the units of a cluster have room for so many output tiles: PEs, and clusters that keep them there.

    Where wires are all that collects outputs in a cluster, they stay in its units until the level above takes them.
    """
    return not kind.units or machine.network(kind.level + 1).collection.bandwidth is None
