"""The schedule in closed form: every stretch of steps that differs from the others once.

The loops of a level are turned from the outermost to the innermost. Of a run of iterations that are alike the first,
the last, and one of those between are looked at, which stands for all of them: they have the same neighbours. And what
happens inside an iteration is the same wherever the loops outside stand, as long as they leave the same positions to
turn through, the same tiles before, and the same steps after it. Such a stretch is worked out once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from operator import attrgetter

from analytical.assumptions import Assumptions
from analytical.clusters import Kind
from analytical.neighbours import Spine, Turn
from analytical.positions import Fork, Place, Position, Tree, plus
from analytical.work import Work, Workbook
from dataflow.levels import Mapping
from dataflow.regions import Box, whole


@dataclass(frozen=True, eq=False)
class Below:
    """What the ``count`` units of the kind ``unit`` do under a step, each of them ``macs`` in all."""

    unit: int
    count: int
    macs: int
    stretch: Stretch


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a cluster of some kind, and what its units do under it: nothing is listed where they are PEs."""

    kind: Kind
    work: Work
    below: tuple[Below, ...]

    def working(self, assumptions: Assumptions) -> Sequence[Below]:
        """Return the units that count: those that work, or as many of the one with most to do."""
        if not self.below or not assumptions.worst_unit:
            return self.below
        return [replace(max(self.below, key=attrgetter("macs")), count=sum(each.count for each in self.below))]


@dataclass(frozen=True, eq=False)
class Series:
    """Stretches in the life of a cluster after one another, each with how many times in a row."""

    parts: tuple[tuple[Stretch, int], ...]


Stretch = Step | Series

#: what lies before a stretch, or after it, as far as it matters: a number for each that there is
Side = int

#: nothing: before the first step of all, and after the last
_NOTHING: Side = 0


#: visits of a stretch after which it is visited often, and those of an iteration for all that are like it
_FEW = 8
_ROUNDS = 5


class Schedule:
    """The steps of a mapping; ``top`` is the whole life of the cluster at the top, which is of ``kind``.

    With ``restart`` every step of the level above is taken to be the only one: nothing comes before or after it.
    """

    def __init__(self, mapping: Mapping, trees: list[Tree], kind: Kind, workbook: Workbook, *, restart: bool) -> None:
        subspaces = mapping.layer.subspaces
        self.kind = kind
        self._trees = trees
        self._workbook = workbook
        self._restart = restart
        self._loops = [
            [next(i for i, s in enumerate(subspaces) if m.dimension in s.names) for m in level.maps]
            for level in mapping.levels
        ]
        self._first_loop = [sum(map(len, self._loops[:level])) for level in range(len(self._loops))]
        self._spines = [Spine() for _ in subspaces]
        self._sides: dict[object, Side] = {}
        self._known: dict[object, Stretch] = {}
        self._covered: dict[object, bool] = {}
        #: every stretch after those that it is made of
        self.stretches: list[Stretch] = []
        self.top = self._cluster(kind, list(whole(mapping.layer)), _NOTHING, _NOTHING)

    def often(self) -> set[Stretch]:
        """Return the stretches to come back to again and again, but for single steps of PEs, which take no longer.

        Nobody comes back to what is inside one of them on its account, and goes round a loop a few times at most.
        """
        found = set()
        visits: Counter[Stretch] = Counter({self.top: 1})
        for stretch in reversed(self.stretches):
            number = visits[stretch]
            if number > _FEW and (isinstance(stretch, Series) or stretch.below):
                found.add(stretch)
                number = 1
            if isinstance(stretch, Series):
                for part, times in stretch.parts:
                    visits[part] += number * min(times, _ROUNDS)
            else:
                for below in stretch.below:
                    visits[below.stretch] += number
        return found

    def _cluster(self, kind: Kind, region: list[Box], before: Side, after: Side) -> Stretch:
        """Return what a cluster does under one step of its parent."""
        places: list[Place] = []
        for tree, box in zip(self._trees, region, strict=True):
            root = tree.root(kind.level, tuple([high - low for low, high in box]))
            if root is None:
                return Series(())
            places.append((root[0], plus(root[1], tuple([low for low, _ in box]))))
        if self._restart:
            before = after = _NOTHING
        return self._turned(kind, 0, places, before, after)

    def _turned(self, kind: Kind, loop: int, here: list[Place], before: Side, after: Side) -> Stretch:
        """Return what happens while the loops of the cluster's level turn, from number ``loop`` on.

        ``here`` are the positions left, by subspace.
        """
        loops = self._loops[kind.level]
        while loop < len(loops):
            fork, origin = here[loops[loop]]
            assert isinstance(fork, Fork), "every map of a level has a fork"
            if not fork.still:
                break
            here = _replaced(here, loops[loop], (fork.runs[0].below, origin))
            loop += 1
        positions = tuple([position for position, _ in here])
        key = (kind.path, loop, positions, before, after)
        found = self._known.get(key)
        if found is None:
            if loop == len(loops):
                found = self._step(kind, here, before, after)
            else:
                found = Series(tuple(self._iterations(kind, loop, here, positions, before, after)))
            self._known[key] = found
            self.stretches.append(found)
        return found

    def _iterations(
        self, kind: Kind, loop: int, here: list[Place], positions: tuple[Position, ...], before: Side, after: Side
    ) -> Iterator[tuple[Stretch, int]]:
        """Yield what happens in the iterations of a loop, each with how many in a row are alike."""
        subspace, number = self._loops[kind.level][loop], self._first_loop[kind.level] + loop
        fork, origin = here[subspace]
        assert isinstance(fork, Fork), "every map of a level has a fork"
        turns = self._spines[subspace].turns
        for run_number, run in enumerate(fork.runs):
            for index, alike in _representatives(run.count):
                turn = Turn(number, kind.level, subspace, fork, origin, run_number, index)
                turns.append(turn)
                yield (
                    self._turned(
                        kind,
                        loop + 1,
                        _replaced(here, subspace, (run.below, plus(origin, run.at(index)))),
                        self._before(kind, turn, positions, before),
                        self._after(turn, positions, after),
                    ),
                    alike,
                )
                turns.pop()

    def _before(self, kind: Kind, turn: Turn, positions: tuple[Position, ...], outside: Side) -> Side:
        """Return what lies before an iteration; ``positions`` are those of all subspaces where its loop begins.

        If the loop has been where all units will work that do in this iteration, nothing outside of it matters.
        """
        if turn.run == 0 and turn.index == 0:
            return outside
        if turn.index or self._all_have_worked(kind, turn):
            side: object = (turn.loop, positions, turn.run, turn.index > 0)
        else:
            side = (turn.loop, positions, turn.run, outside)
        return self._sides.setdefault(("before", side), len(self._sides) + 1)

    def _after(self, turn: Turn, positions: tuple[Position, ...], outside: Side) -> Side:
        """Return what comes after an iteration: the next one of the loop, or what comes after the loop."""
        last_of_run = turn.index == turn.fork.runs[turn.run].count - 1
        if last_of_run and turn.run == len(turn.fork.runs) - 1:
            return outside
        return self._sides.setdefault(("after", turn.loop, positions, turn.run, last_of_run), len(self._sides) + 1)

    def _all_have_worked(self, kind: Kind, turn: Turn) -> bool:
        """Tell whether all units, of the clusters below too, that work in a run have done so in one of those before."""
        key = kind.path, turn.fork, turn.run
        if key not in self._covered:
            runs = turn.fork.runs
            self._covered[key] = all(
                not self._workbook.units(below, turn.subspace, runs[turn.run].below, kind.level)
                & ~_union(self._workbook.units(below, turn.subspace, run.below, kind.level) for run in runs[: turn.run])
                for below in kind.all()
            )
        return self._covered[key]

    def _step(self, kind: Kind, here: list[Place], before: Side, after: Side) -> Stretch:
        """Return the step at which all loops of the cluster's level stand still, nothing if no unit is active."""
        for spine, (leaf, origin) in zip(self._spines, here, strict=True):
            assert not isinstance(leaf, Fork), "all loops of the level have been turned"
            spine.leaves.append((leaf, origin))
        work = self._workbook.work(kind, self._spines)
        step: Stretch = Series(())
        if work is not None:
            below = []
            for unit, units in kind.units.items():
                if work.active >> unit & 1:
                    region = work.region(unit)
                    macs = prod([high - low for box in region for low, high in box])
                    below.append(Below(unit, units.count, macs, self._cluster(units, region, before, after)))
            step = Step(kind, work, tuple(below))
        for spine in self._spines:
            spine.leaves.pop()
        return step


def _replaced(places: list[Place], subspace: int, place: Place) -> list[Place]:
    return [*places[:subspace], place, *places[subspace + 1 :]]


def _representatives(count: int) -> Iterator[tuple[int, int]]:
    """Yield the iterations of a run to look at, with how many each stands for, in order."""
    yield 0, 1
    if count > 2:
        yield 1, count - 2
    if count > 1:
        yield count - 1, 1


def _union(sets: Iterator[int]) -> int:
    found = 0
    for each in sets:
        found |= each
    return found
