"""Where the loops that cut one subspace can stand, without listing every position.

A loop visits the chunks of its map. All but those at the rims of the region are cut alike, each displaced from the
one before by the same offset: a run. So the positions of all loops of a level that cut a subspace are a tree of
runs, whose size depends on the maps and not on the extents. What a run looks like is `dataflow.regions.cut` at its
ends and in its middle: the bounds of a chunk are the larger, or smaller, of a constant and an even progression, so
that where two positions are one displacement apart, everything between them is too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from operator import add, sub

from dataflow.layers import Subspace
from dataflow.levels import Level, LevelMap
from dataflow.regions import Box, cut, trips

Offset = tuple[int, ...]
Lengths = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Leaf:
    """Where units are in one subspace: a box each, None where idle, or a single one that all share.

    Boxes are relative to the leaf's origin. ``units`` is the set of units (bit u = unit u) that have one.
    """

    boxes: tuple[Box | None, ...]

    @cached_property
    def units(self) -> int:
        """The set of units that are not idle."""
        if len(self.boxes) == 1:
            return -1
        return sum(1 << unit for unit, box in enumerate(self.boxes) if box is not None)

    @cached_property
    def lengths(self) -> tuple[Lengths, ...]:
        """The lengths of every box; of none where a unit is idle."""
        return tuple([tuple([high - low for low, high in box or ()]) for box in self.boxes])

    def box(self, unit: int) -> Box | None:
        """Return the box of ``unit``."""
        return self.boxes[unit if len(self.boxes) > 1 else 0]


@dataclass(frozen=True)
class Run:
    """``count`` successive iterations of a loop that look alike, each ``step`` away from the one before."""

    origin: Offset
    step: Offset
    count: int
    below: Fork | Leaf

    def at(self, index: int) -> Offset:
        """Return where an iteration lies, relative to the fork."""
        return tuple([o + index * s for o, s in zip(self.origin, self.step, strict=True)])


@dataclass(frozen=True, eq=False)
class Fork:
    """A loop: the runs of its iterations that are not empty, in order."""

    runs: tuple[Run, ...]

    @cached_property
    def still(self) -> bool:
        """Whether the loop has a single iteration."""
        return len(self.runs) == 1 and self.runs[0].count == 1


Position = Fork | Leaf
Place = tuple[Position, Offset]


class Tree:
    """The positions of the loops that cut one subspace, for every level and every length of region."""

    def __init__(self, subspace: Subspace, levels: tuple[Level, ...]) -> None:
        self._subspace = subspace
        self._levels = levels
        self._maps = [level.maps_of(subspace) for level in levels]
        self._known: dict[object, Fork | Leaf] = {}
        self.root = cache(self._root)

    def spatial(self, level: int) -> bool:
        """Tell whether the units of a level work on different parts of the subspace."""
        return any(level_map.spatial for level_map in self._maps[level])

    def _root(self, level: int, lengths: Lengths) -> Place | None:
        """Return the positions inside a region of these lengths, and where they begin; None if it is empty."""
        return self._place(level, tuple((0, length) for length in lengths), ())

    def _place(self, level: int, box: Box, indices: tuple[int, ...]) -> Place | None:
        maps, units = self._maps[level], self._levels[level].units
        if len(indices) == len(maps):
            sharing = range(units if self.spatial(level) else 1)
            return self._leaf([cut(self._subspace, box, maps, indices, unit, units) for unit in sharing])
        count = trips(self._subspace, box, maps[len(indices)], units)
        known: dict[int, Place | None] = {}

        def place(index: int) -> Place | None:
            if index not in known:
                known[index] = self._place(level, box, (*indices, index))
            return known[index]

        runs = list(_runs(0, count, place, regular=self._regular(box, maps, len(indices), units)))
        if not runs:
            return None
        origin = runs[0].origin
        relative = tuple(Run(minus(run.origin, origin), run.step, run.count, run.below) for run in runs)
        key = tuple((run.origin, run.step, run.count, id(run.below)) for run in relative)
        return self._known.setdefault(key, Fork(relative)), origin

    def _leaf(self, boxes: list[Box | None]) -> Place | None:
        first = next((box for box in boxes if box is not None), None)
        if first is None:
            return None
        origin = tuple(low for low, _ in first)
        relative = tuple(None if box is None else _moved_back(box, origin) for box in boxes)
        return self._known.setdefault(relative, Leaf(relative)), origin

    def _regular(self, box: Box, maps: tuple[LevelMap, ...], loop: int, units: int) -> bool:
        """Tell whether successive chunks of a loop look alike wherever they lie: only then do positions repeat.

        A map of the window cuts the slides at bounds of its own. Where the loop steps by a fraction of a stride, or
        from one of the bounds of a loop inside it towards the next, positions differ that have the same neighbours.
        """
        window = self._subspace.window
        if window is None or all(each.dimension != window.name for each in maps):
            return True
        scale = {window.name: 1, window.slide: window.stride, window.tap: window.dilation}

        def distance(each: LevelMap) -> int:
            return scale[each.dimension] * each.offset * (units if each.spatial else 1)

        inside = [
            distance(each)
            for each in maps[loop + 1 :]
            if each.dimension != window.tap and trips(self._subspace, box, each, units) > 1
        ]
        return all(distance(maps[loop]) % each == 0 for each in (window.stride, *inside))


#: fewer iterations than this are looked at one by one
_FEW = 5


def _runs(low: int, high: int, place: Callable[[int], Place | None], *, regular: bool) -> Iterator[Run]:
    """Yield the runs of the iterations from ``low`` up to ``high``, not included."""
    if low >= high:
        return
    middle = (low + high) // 2
    found, beyond = place(middle), place(min(middle + 1, high - 1))
    if not regular or high - low < _FEW or found is None or beyond is None or beyond[0] is not found[0]:
        yield from _one_by_one(low, high, place)
        return
    step = minus(beyond[1], found[1])

    def alike(index: int) -> bool:
        there = place(index)
        return (
            there is not None
            and there[0] is found[0]
            and all(o == f + (index - middle) * s for o, f, s in zip(there[1], found[1], step, strict=True))
        )

    first, last = _furthest(middle, low, alike), _furthest(middle, high - 1, alike)
    yield from _runs(low, first, place, regular=regular)
    origin = tuple(f + (first - middle) * s for f, s in zip(found[1], step, strict=True))
    yield Run(origin, step, last - first + 1, found[0])
    yield from _runs(last + 1, high, place, regular=regular)


def _furthest(inside: int, limit: int, alike: Callable[[int], bool]) -> int:
    """Return the index furthest from ``inside`` towards ``limit`` up to which all are alike, by bisection."""
    towards = 1 if limit >= inside else -1
    near, far = 0, abs(limit - inside)
    while near < far:
        tried = (near + far + 1) // 2
        if alike(inside + towards * tried):
            near = tried
        else:
            far = tried - 1
    return inside + towards * near


def _one_by_one(low: int, high: int, place: Callable[[int], Place | None]) -> Iterator[Run]:
    run: Run | None = None
    for index in range(low, high):
        there = place(index)
        if run is not None and there is not None and there[0] is run.below:
            step = minus(there[1], run.at(run.count - 1))
            if run.count == 1 or step == run.step:
                run = Run(run.origin, step, run.count + 1, run.below)
                continue
        if run is not None:
            yield run
        run = None if there is None else Run(there[1], (0,) * len(there[1]), 1, there[0])
    if run is not None:
        yield run


def minus(offset: Offset, other: Offset) -> Offset:
    """Return the difference of two offsets."""
    return tuple(map(sub, offset, other))


def plus(offset: Offset, other: Offset) -> Offset:
    """Return the sum of two offsets."""
    return tuple(map(add, offset, other))


def _moved_back(box: Box, offset: Offset) -> Box:
    return tuple([(low - o, high - o) for (low, high), o in zip(box, offset, strict=True)])
