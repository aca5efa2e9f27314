"""Steps and traffic of every level: the counts of one region, as often as such regions occur."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from analytical.regions import Region
from analytical.reuse import Steps
from analytical.runtime import Analysis
from dataflow.metrics import Boundary, Downstream, Network, Upstream


class LevelCounts(NamedTuple):
    """Steps of a level, elements sent and received by tensor, and outputs drained and collected."""

    steps: int = 0
    input_sent: int = 0
    filter_sent: int = 0
    input_received: int = 0
    filter_received: int = 0
    drained: int = 0
    collected: int = 0

    def plus(self, other: LevelCounts, times: int = 1) -> LevelCounts:
        """Return these counts and ``times`` the others."""
        return LevelCounts(*(a + times * b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Counting:
    """Counts by region shape, each worked out once."""

    analysis: Analysis
    _known: dict[tuple[int, Region], tuple[LevelCounts, ...]] = field(default_factory=dict)

    def within(self, level: int, region: Region) -> tuple[LevelCounts, ...]:
        """Return the counts of ``level`` and of every level below it inside one of its parent regions."""
        key = (level, region)
        if key not in self._known:
            self._known[key] = self._count(level, region)
        return self._known[key]

    def _count(self, level: int, region: Region) -> tuple[LevelCounts, ...]:
        steps = self.analysis.steps(level, region)
        below = [LevelCounts()] * (len(self.analysis.mapping.levels) - level - 1)
        for step in steps.kinds if below else ():
            inner = self.within(level + 1, step.region)
            below = [a.plus(b, step.occurrences * step.units) for a, b in zip(below, inner, strict=True)]
        return (self._own(level, steps), *below)

    def _own(self, level: int, steps: Steps) -> LevelCounts:
        analysis = self.analysis
        last = steps.last_drained
        total = LevelCounts(drained=last.summed, collected=analysis.collected(level, last))
        for step in steps.kinds:
            input_, filter_ = step.received["input"], step.received["filter"]
            one = LevelCounts(
                steps=1,
                input_sent=analysis.distributed(input_),
                filter_sent=analysis.distributed(filter_),
                input_received=input_.summed,
                filter_received=filter_.summed,
                drained=step.drained.summed,
                collected=analysis.collected(level, step.drained),
            )
            total = total.plus(one, step.occurrences)
        return total


def boundary(counts: LevelCounts, first_arrivals: int) -> Boundary:
    """Return the counts as metrics; ``first_arrivals`` outputs are written upstream without being read first.

    Where a level's cases overstate how much leaves the level above, no output is read.
    """
    return Boundary(
        upstream=Upstream(
            input_read=counts.input_sent,
            filter_read=counts.filter_sent,
            output_write=counts.collected,
            output_read=max(0, counts.collected - first_arrivals),
        ),
        downstream=Downstream(
            input_write=counts.input_received,
            filter_write=counts.filter_received,
            output_drained=counts.drained,
        ),
        network=Network(distributed=counts.input_sent + counts.filter_sent, collected=counts.collected),
    )
