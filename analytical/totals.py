"""Sums over all steps of a level."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from analytical.assumptions import Assumptions
from analytical.ports import Ports
from analytical.schedule import Schedule, Series, Stretch
from analytical.traffic import NOTHING, Amount
from analytical.work import Work


@dataclass
class Totals:
    """Sums over all steps of all clusters of a level, and the largest sizes of a step's tiles by tensor.

    ``least`` and ``most`` are the extremes of what a step distributes, collects and lets its busiest unit compute.
    """

    steps: int = 0
    input: Amount = NOTHING
    filter: Amount = NOTHING
    output: Amount = NOTHING
    distributed: int = 0
    collected: int = 0
    busiest_macs: int = 0
    largest: tuple[int, ...] = (0, 0, 0)
    together: tuple[int, ...] = (0, 0, 0)
    least: tuple[int, ...] = ()
    most: tuple[int, ...] = ()

    def add(self, work: Work, distributed: int, collected: int, times: int) -> None:
        """Add ``times`` steps, with what crosses the two ports in each."""
        self.steps += times
        self.input = self.input.plus(work.input, times)
        self.filter = self.filter.plus(work.filter, times)
        self.output = self.output.plus(work.output, times)
        self.distributed += times * distributed
        self.collected += times * collected
        self.busiest_macs += times * work.size.macs
        self.largest = tuple(map(max, self.largest, work.size.largest))
        self.together = tuple(map(max, self.together, work.size.together))
        one = (distributed, collected, work.size.macs)
        self.least = tuple(map(min, self.least or one, one))
        self.most = tuple(map(max, self.most or one, one))


def totals(schedule: Schedule, levels: int, ports: Ports, assumptions: Assumptions) -> list[Totals]:
    """Return the totals of each level, the outermost first."""
    found = [Totals() for _ in range(levels)]
    times: Counter[Stretch] = Counter({schedule.top: 1})
    for stretch in reversed(schedule.stretches):
        if isinstance(stretch, Series):
            for part, number in stretch.parts:
                times[part] += times[stretch] * number
        elif times[stretch]:
            level, work = stretch.kind.level, stretch.work
            found[level].add(work, ports.distributed(work), ports.collected(level, work), times[stretch])
            for below in stretch.working(assumptions):
                times[below.stretch] += times[stretch] * below.count
    return found
