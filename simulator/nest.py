"""From directives to steps (§2): the loop nest of one level, walked lazily.

`Nest` belongs to a level and serves all its clusters. Since a nest looks the same wherever its region lies,
footprints are worked out once per size of region and position of the loops, and shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from operator import add
from typing import NamedTuple

from dataflow.layers import Layer, Subspace
from dataflow.levels import Level, LevelMap
from dataflow.regions import Box, cut, trips
from simulator.tiles import Footprint, Held, Origin

Lengths = tuple[tuple[int, ...], ...]


class Region(NamedTuple):
    """A region of the iteration space that is not empty: its lengths per subspace, and where it begins."""

    lengths: Lengths
    origin: Origin

    @classmethod
    def whole(cls, layer: Layer) -> Region:
        """Return the region of the whole layer."""
        lengths = tuple(tuple(layer.sizes[d] for d in subspace.dimensions) for subspace in layer.subspaces)
        return cls(lengths, (0,) * sum(map(len, lengths)))


class Shape:
    """What all units of a cluster do in a step, apart from where: one object per distinct shape and level.

    ``active`` is the set of units that work, ``members`` lists them. ``work`` are their multiply-accumulates, ``macs``
    all of these together, ``largest`` the most that one of them does. ``tiles`` are their tiles, at the origin.
    """

    def __init__(self, footprints: tuple[Footprint, ...], units: int) -> None:
        self.footprints = footprints
        self.active = (1 << units) - 1
        for footprint in footprints:
            self.active &= footprint.active
        self.members = tuple(unit for unit in range(units) if self.active >> unit & 1)
        self._regions: dict[int, tuple[Lengths, Origin]] = {}
        self.work = tuple([prod(map(prod, self.region(unit)[0])) for unit in self.members])
        self.macs = sum(self.work)
        self.largest = max(self.work, default=0)
        dimensions = len(self.region(self.members[0])[1]) if self.members else 0
        self.tiles = Held(self.active, footprints, (0,) * dimensions)

    def region(self, unit: int) -> tuple[Lengths, Origin]:
        """Return the lengths of an active unit's region and its origin relative to the step's."""
        found = self._regions.get(unit)
        if found is None:
            boxes = [footprint.box(unit) for footprint in self.footprints]
            found = self._regions[unit] = (
                tuple([tuple([high - low for low, high in box]) for box in boxes if box is not None]),
                tuple([low for box in boxes if box is not None for low, _ in box]),
            )
        return found


@dataclass(slots=True, eq=False)
class Step:
    """A step of a cluster: a shape somewhere in the iteration space, and where its loops stand."""

    shape: Shape
    origin: Origin
    indices: tuple[int, ...] = field(repr=False)

    def region(self, unit: int) -> Region | None:
        """Return what ``unit`` works on, None where it is idle."""
        if not self.shape.active >> unit & 1:
            return None
        lengths, offset = self.shape.region(unit)
        return Region(lengths, tuple(map(add, self.origin, offset)))

    def displaced(self, by: Origin) -> Step:
        """Return the step as it is ``by`` further on."""
        return Step(self.shape, tuple(map(add, self.origin, by)), self.indices)


#: positions up to which a nest is remembered
REMEMBERED = 256


class Walk(NamedTuple):
    """All steps inside a region that lies at the origin, and the units that work in any of them."""

    steps: tuple[Step, ...]
    reach: int


class Nest:
    """The loops of one level, outermost first."""

    def __init__(self, layer: Layer, level: Level) -> None:
        self.units = level.units
        self._cutters = [_Cutter(subspace, level) for subspace in layer.subspaces]
        #: the subspace, by its index in ``layer.subspaces``, that each loop cuts
        self.places = [
            next(i for i, cutter in enumerate(self._cutters) if level_map in cutter.maps) for level_map in level.maps
        ]
        self._loops = [
            tuple([loop for loop, its_place in enumerate(self.places) if its_place == place])
            for place in range(len(self._cutters))
        ]
        #: by loop, the subspaces that are cut anew when it turns, and those inside it with it; none if none turns
        self._turning = [tuple(sorted({*self.places[loop:]})) for loop in range(len(self.places) + 1)]
        self._shapes: dict[tuple[Footprint, ...], Shape] = {}
        self._walks: dict[Lengths, Walk | None] = {}

    def trips(self, lengths: Lengths) -> tuple[int, ...]:
        """Return the number of iterations of every loop inside a region of these lengths."""
        by_cutter = [iter(cutter.trips(length)) for cutter, length in zip(self._cutters, lengths, strict=True)]
        return tuple(next(by_cutter[place]) for place in self.places)

    def odometer(self, lengths: Lengths) -> Odometer:
        """Return the loops of the nest at their first position in a region of these lengths at the origin."""
        return Odometer(self.trips(lengths), (0,) * sum(map(len, lengths)))

    def steps(self, lengths: Lengths, odometer: Odometer | None = None) -> Iterator[Step]:
        """Yield the steps inside a region that are not empty, in loop order, as ``odometer`` turns.

        The region has these lengths and lies at the origin.
        """
        odometer = odometer or self.odometer(lengths)
        cuts = [self.cut(place, lengths, odometer.indices) for place in range(len(self._cutters))]
        while not odometer.finished:
            indices = tuple(odometer.indices)
            for place in self._turning[odometer.turned]:
                cuts[place] = self.cut(place, lengths, indices)
            odometer.turned = len(indices)
            footprints = tuple([footprint for footprint, _ in cuts])
            shape = self._shapes.get(footprints)
            if shape is None:
                shape = self._shapes[footprints] = Shape(footprints, self.units)
            if shape.active:
                offset = chain.from_iterable([offset for _, offset in cuts])
                yield Step(shape, tuple(map(add, odometer.origin, offset)), indices)
            odometer.advance()

    def walk(self, lengths: Lengths) -> Walk | None:
        """Return all steps inside a region of these lengths at the origin; None if they are too many to remember.

        Most clusters below the top have few steps under each step of their parent, and the same ones every time.
        """
        if lengths not in self._walks:
            trips = self.trips(lengths)
            found = None
            if prod(trips) <= REMEMBERED:
                steps = tuple(self.steps(lengths))
                reach = 0
                for step in steps:
                    reach |= step.shape.active
                found = Walk(steps, reach)
            self._walks[lengths] = found
        return self._walks[lengths]

    def first(self, lengths: Lengths) -> Step | None:
        """Return the first step inside a region of these lengths that is not empty, None if there is none."""
        walk = self.walk(lengths)
        steps = self.steps(lengths) if walk is None else iter(walk.steps)
        return next(steps, None)

    def cut(self, place: int, lengths: Lengths, indices: Sequence[int]) -> tuple[Footprint, Origin]:
        """Return the footprint in one subspace, and its origin in the region, at ``indices``."""
        own = tuple([indices[loop] for loop in self._loops[place]])
        return self._cutters[place].footprint(lengths[place], own)


class Odometer:
    """Where the loops of a nest stand, the last one turning fastest, and where their region begins.

    ``turned`` is the outermost loop that has turned since somebody looked, and set it to their number.
    """

    def __init__(self, trips: Sequence[int], origin: Origin) -> None:
        self.trips = tuple(trips)
        self.origin = origin
        self.indices = [0] * len(trips)
        self.turned = len(trips)
        self.finished = False

    def advance(self) -> None:
        """Turn to the next position, or to ``finished`` after the last."""
        for loop in reversed(range(len(self.trips))):
            self.turned = min(self.turned, loop)
            self.indices[loop] += 1
            if self.indices[loop] < self.trips[loop]:
                return
            self.indices[loop] = 0
        self.finished = True

    def skip(self, loop: int, iterations: int, displacement: Origin) -> None:
        """Leave out ``iterations`` of ``loop``, each of which is ``displacement`` away from the one before.

        The steps go on as if what is left out had no width: whoever compares tiles sees no gap.
        """
        self.indices[loop] += iterations
        self.turned = min(self.turned, loop)
        self.origin = tuple(o - iterations * d for o, d in zip(self.origin, displacement, strict=True))


class _Cutter:
    """The maps of one level that cut one subspace."""

    def __init__(self, subspace: Subspace, level: Level) -> None:
        self.maps: tuple[LevelMap, ...] = level.maps_of(subspace)
        self._subspace = subspace
        self._units = level.units
        self._spatial = any(level_map.spatial for level_map in self.maps)
        self._footprints: dict[object, tuple[Footprint, Origin]] = {}
        self._distinct: dict[object, Footprint] = {}

    def trips(self, lengths: tuple[int, ...]) -> list[int]:
        box = _box(lengths)
        return [trips(self._subspace, box, level_map, self._units) for level_map in self.maps]

    def footprint(self, lengths: tuple[int, ...], indices: tuple[int, ...]) -> tuple[Footprint, Origin]:
        """Return the units' boxes in a box of these lengths, and their origin in it."""
        key = (lengths, indices)
        found = self._footprints.get(key)
        if found is None:
            found = self._footprints[key] = self._cut(_box(lengths), indices)
        return found

    def _cut(self, box: Box, indices: tuple[int, ...]) -> tuple[Footprint, Origin]:
        boxes = [
            cut(self._subspace, box, self.maps, indices, unit, self._units)
            for unit in range(self._units if self._spatial else 1)
        ]
        first = next((b for b in boxes if b is not None), box)
        origin = tuple(low for low, _ in first)
        relative = tuple(
            [b and tuple([(low - o, high - o) for (low, high), o in zip(b, origin, strict=True)]) for b in boxes]
        )
        active = sum([1 << unit for unit, b in enumerate(boxes) if b is not None])
        if not self._spatial:
            active *= (1 << self._units) - 1
        footprint = self._distinct.get(relative)
        if footprint is None:
            footprint = self._distinct[relative] = Footprint(relative, active)
        return footprint, origin


def _box(lengths: tuple[int, ...]) -> Box:
    return tuple((0, length) for length in lengths)
