"""The schedule in closed form: every kind of step once, with how often it occurs and what it does to the clock.

The walk turns the loops of a level from the outermost to the innermost. Of a run of iterations that are alike it
visits the first, the last, and one of those between, which stands for all of them: they have the same neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

from analytical.assumptions import Assumptions
from analytical.clock import Clock, Gates
from analytical.clusters import Kind, kinds
from analytical.neighbours import Spine, Turn
from analytical.positions import Fork, Place, Tree, plus
from analytical.traffic import NOTHING, Amount
from analytical.work import Work, Workbook
from dataflow.hardware import Machine
from dataflow.levels import Mapping
from dataflow.regions import Box, whole


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

    def add(self, work: Work, times: int) -> None:
        """Add ``times`` steps."""
        self.steps += times
        self.input = self.input.plus(work.input, times)
        self.filter = self.filter.plus(work.filter, times)
        self.output = self.output.plus(work.output, times)
        self.distributed += times * work.distributed
        self.collected += times * work.collected
        self.busiest_macs += times * work.size.macs
        self.largest = tuple(map(max, self.largest, work.size.largest))
        self.together = tuple(map(max, self.together, work.size.together))
        one = (work.distributed, work.collected, work.size.macs)
        self.least = tuple(map(min, self.least or one, one))
        self.most = tuple(map(max, self.most or one, one))


class Walk:
    """One pass over the schedule of a mapping on a machine: ``totals`` by level, and the ``clock`` at the end.

    Raises `TooLongError` without ``wide`` numbers, where the cycles take more than 64 bits.
    """

    def __init__(self, mapping: Mapping, machine: Machine, assumptions: Assumptions, *, wide: bool = False) -> None:
        subspaces = mapping.layer.subspaces
        self._assumptions = assumptions
        self._trees = [Tree(subspace, mapping.levels) for subspace in subspaces]
        self._loops = [
            [next(i for i, s in enumerate(subspaces) if m.dimension in s.names) for m in level.maps]
            for level in mapping.levels
        ]
        self._spines = [Spine() for _ in subspaces]
        self.workbook = Workbook(mapping, machine, self._trees, assumptions)
        self.totals = [Totals() for _ in mapping.levels]
        top = kinds(mapping, self._trees)
        self.clock = Clock(mapping, machine, top, assumptions, wide=wide)
        self._cluster(top, list(whole(mapping.layer)), 1, Gates())

    def _cluster(self, kind: Kind, region: list[Box], times: int, within: Gates) -> None:
        """Walk through the steps of a cluster under one step of its parent."""
        places: list[Place] = []
        for tree, box in zip(self._trees, region, strict=True):
            root = tree.root(kind.level, tuple(high - low for low, high in box))
            if root is None:
                return
            places.append((root[0], plus(root[1], tuple(low for low, _ in box))))
        self._turn(kind, 0, places, times, within)

    def _turn(self, kind: Kind, loop: int, here: list[Place], times: int, within: Gates) -> None:
        """Turn the loops of a cluster's level from number ``loop`` on; ``here`` are the positions left, by subspace."""
        if loop == len(self._loops[kind.level]):
            self._arrive(kind, here, times, within)
            return
        subspace = self._loops[kind.level][loop]
        fork, origin = here[subspace]
        assert isinstance(fork, Fork), "every map of a level has a fork"
        number = sum(map(len, self._loops[: kind.level])) + loop
        for run_number, run in enumerate(fork.runs):
            for index, alike in _representatives(run.count):
                below = [*here[:subspace], (run.below, plus(origin, run.at(index))), *here[subspace + 1 :]]
                self._spines[subspace].turns.append(Turn(number, kind.level, subspace, fork, origin, run_number, index))
                body = partial(self._turn, kind, loop + 1, below, times * alike, within)
                if alike == 1:
                    body()
                else:
                    self.clock.timeline.repeat(alike, body)
                self._spines[subspace].turns.pop()

    def _arrive(self, kind: Kind, here: list[Place], times: int, within: Gates) -> None:
        """Do the step at which all loops of the cluster's level stand still."""
        for spine, (leaf, origin) in zip(self._spines, here, strict=True):
            assert not isinstance(leaf, Fork), "all loops of the level have been turned"
            spine.leaves.append((leaf, origin))
        work = self.workbook.work(kind, self._spines)
        if work is not None:
            self.totals[kind.level].add(work, times)
            working = self._working(kind, work)
            compute = partial(self._compute, kind, work, working, times)
            self.clock.step(kind, work, within, [unit for unit, _ in working], compute)
        for spine in self._spines:
            spine.leaves.pop()

    def _working(self, kind: Kind, work: Work) -> list[tuple[int, int]]:
        """Return the kinds of units that work in a step, each with how many there are."""
        active = [(unit, below.count) for unit, below in kind.units.items() if work.active >> unit & 1]
        if active and self._assumptions.worst_unit:
            largest = max(active, key=lambda pair: _volume(work.region(pair[0])))
            return [(largest[0], sum(number for _, number in active))]
        return active

    def _compute(self, kind: Kind, work: Work, working: list[tuple[int, int]], times: int, gates: Gates) -> None:
        for unit, number in working:
            self._cluster(kind.units[unit], work.region(unit), times * number, gates)


def _representatives(count: int) -> Iterator[tuple[int, int]]:
    """Yield the iterations of a run to look at, with how many each stands for, in order."""
    yield 0, 1
    if count > 2:
        yield 1, count - 2
    if count > 1:
        yield count - 1, 1


def _volume(region: list[Box]) -> int:
    return prod(high - low for box in region for low, high in box)
