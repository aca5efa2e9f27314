"""How often a dataflow computes each point of the iteration space, without enumerating the points.

The space is a product of *factors* (a dimension, or the pair that shares a mapped window). Every map cuts one
factor only, so along one path of units the count of a point is a product over the factors. Factors whose maps
share the unit index of a level are *coupled*: their product is summed over the units.

A count over a box is held as its corners: the sparse differences whose running sums along every axis are the
counts. A box covered once has two corners per axis, however large it is, and the lexicographically first corner
in which two counts differ is the first point in which they differ, by that corner's weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from dataflow.errors import InputError
from dataflow.layers import Subspace
from dataflow.levels import Level, Mapping
from dataflow.placements import LIMIT, Integers, place
from dataflow.regions import chunks

#: Corners that are shifted at once, to bound memory.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Difference:
    """The first point that is not computed once (coordinates in the layer's order), and how often it is."""

    point: tuple[int, ...]
    times: int


@dataclass(frozen=True)
class Component:
    """Factors that are coupled, directly or through others, by the unit indices of ``levels``."""

    mapping: Mapping
    factors: tuple[Subspace, ...]
    levels: tuple[int, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The component's iteration dimensions, in the layer's order."""
        own = {dimension for factor in self.factors for dimension in factor.dimensions}
        return tuple(dimension for dimension in self.mapping.layer.dimensions if dimension in own)

    @cached_property
    def shared_units(self) -> dict[int, int]:
        """The units of each coupled level, without those that no chunk can reach."""
        sizes = self.mapping.layer.sizes
        return {
            index: min(level.units, max(chunks(sizes[m.dimension], m.size, m.offset) for m in level.maps if m.spatial))
            for index, level in enumerate(self.mapping.levels)
            if index in self.levels
        }


def components(mapping: Mapping) -> tuple[Component, ...]:
    """Return the groups of factors that can be checked apart; factors that no map names are left out."""
    factors = [f for f in _factors(mapping) if any(level.maps_of(f) for level in mapping.levels)]
    groups: list[tuple[set[int], set[int]]] = [({number}, set()) for number in range(len(factors))]
    for index, level in enumerate(mapping.levels):
        sharing = {number for number, factor in enumerate(factors) if _is_spatial(level, factor)}
        if level.units > 1 and len(sharing) > 1:
            joined = [group for group in groups if group[0] & sharing]
            groups = [group for group in groups if not group[0] & sharing]
            groups.append((set().union(*(g[0] for g in joined)), {index}.union(*(g[1] for g in joined))))
    return tuple(
        Component(mapping, tuple(factors[number] for number in sorted(numbers)), tuple(sorted(levels)))
        for numbers, levels in sorted(groups, key=lambda group: min(group[0]))
    )


def _factors(mapping: Mapping) -> list[Subspace]:
    """Return the layer's subspaces, those with a window taken apart where no map names the windowed dimension."""
    factors: list[Subspace] = []
    for subspace in mapping.layer.subspaces:
        window = subspace.window
        if window and not any(m.dimension == window.name for level in mapping.levels for m in level.maps):
            factors += [Subspace((dimension,)) for dimension in subspace.dimensions]
        else:
            factors.append(subspace)
    return factors


def _is_spatial(level: Level, factor: Subspace) -> bool:
    return any(m.spatial for m in level.maps_of(factor))


def first_difference(component: Component) -> Difference | None:
    """Return the component's first point, in the layer's order, that is not computed exactly once.

    Levels and factors outside the component are taken to count every point once; coordinates outside are 0.
    Raises `InputError` where there are too many chunks or units to look at.
    """
    layer = component.mapping.layer
    units = prod(component.shared_units.values())
    tables = []
    for factor in component.factors:
        lengths = tuple(layer.sizes[dimension] for dimension in factor.dimensions)
        shape = (*(length + 1 for length in lengths), units + 1)
        if units > LIMIT or max(prod(shape), *(layer.sizes[name] for name in factor.names)) >= 1 << 62:
            raise InputError(f"layer {layer.name}: {', '.join(factor.names)}: too large to check", layer.position)
        sums = _Sums(shape)
        origin = np.zeros((1, len(shape)), np.int64)
        sums.add(_FactorCoverage(component, factor).count(0, lengths), origin)
        origin[0, -1] = units  # what should be, subtracted as if it were one more unit
        sums.add(_once(lengths), origin)
        tables.append(sums.corners())
    agreed = np.ones(units + 1, np.int64)
    agreed[-1] = -1
    found = _Search(component).first(0, tuple(tables), agreed)
    if found is None:
        return None
    point = dict(zip(component.dimensions, found[0], strict=True))
    return Difference(tuple(point.get(dimension, 0) for dimension in layer.dimensions), 1 + found[1])


@dataclass(frozen=True)
class Corners:
    """Differences of a count: ``weight[i]`` at ``at[i]`` (one column per dimension) on units ``unit[i]``.

    ``unit`` numbers the tuples of units of the coupled levels. Rows are distinct and ordered, no weight is 0.
    """

    at: Integers
    unit: Integers
    weight: Integers

    def rows(self, start: int, end: int) -> Corners:
        """Return rows [start, end) without the first coordinate, which they have in common."""
        return Corners(self.at[start:end, 1:], self.unit[start:end], self.weight[start:end])

    def is_once(self, lengths: tuple[int, ...]) -> bool:
        """Whether this is a count of 1 in the whole box, and units do not matter."""
        once = _once(lengths)
        return all(
            np.array_equal(mine, theirs)
            for mine, theirs in ((self.at, once.at), (self.unit, once.unit), (self.weight, once.weight))
        )


def _once(lengths: tuple[int, ...]) -> Corners:
    """Return the count that is 1 in a box of these lengths, on unit 0."""
    ends = list(product((0, 1), repeat=len(lengths)))
    weight = np.array([(-1) ** sum(end) for end in ends], np.int64)
    return Corners(np.array(ends, np.int64) * np.array(lengths, np.int64), np.zeros_like(weight), weight)


class _FactorCoverage:
    """The count of one factor, kept by (level, lengths): a count moves with its box."""

    def __init__(self, component: Component, factor: Subspace) -> None:
        self.levels = component.mapping.levels
        self.shared_units = component.shared_units
        self.factor = factor
        self.known: dict[tuple[int, tuple[int, ...]], Corners] = {}

    def count(self, level: int, lengths: tuple[int, ...]) -> Corners:
        """Return how often the levels from ``level`` inwards compute each point of a box."""
        shared = self.shared_units
        while level < len(self.levels) and level not in shared and not self.levels[level].maps_of(self.factor):
            level += 1
        if level == len(self.levels):
            return _once(lengths)
        if (level, lengths) not in self.known:
            apart = level in shared or self.factor.window is not None
            self.known[level, lengths] = (None if apart else self._parted(level, *lengths)) or self._sum(level, lengths)
        return self.known[level, lengths]

    def _parted(self, level: int, length: int) -> Corners | None:
        """Return the count where chunks part the extent and each is covered once: no need to look at every chunk."""
        (level_map,) = self.levels[level].maps_of(self.factor)
        size, number = level_map.size, chunks(length, level_map.size, level_map.offset)
        parts = {min(size, length), length - (number - 1) * size}
        parted = number == 1 or level_map.offset == size
        once = parted and all(self.count(level + 1, (part,)).is_once((part,)) for part in parts)
        return _once((length,)) if once else None

    def _sum(self, level: int, lengths: tuple[int, ...]) -> Corners:
        inner = prod(units for index, units in self.shared_units.items() if index > level)
        outer = self.shared_units.get(level)
        sums = _Sums((*(length + 1 for length in lengths), inner * (outer or 1)))
        for child_lengths, part in place(self.factor, lengths, self.levels[level]).by_lengths():
            starts, unit = part.starts, np.zeros(len(part.starts), np.int64)
            if outer and part.units is not None:
                unit = part.units * inner
            elif outer:
                unit = np.repeat(np.arange(outer), len(starts)) * inner
                starts = np.tile(starts, (outer, 1))
            sums.add(self.count(level + 1, child_lengths), np.column_stack((starts, unit)))
        return sums.corners()


class _Sums:
    """Adds up shifted corners; ``shape`` bounds their coordinates and units."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.strides = np.array([prod(shape[i + 1 :]) for i in range(len(shape))], np.int64)
        self.flat = np.empty(0, np.int64)
        self.weight = np.empty(0, np.int64)

    def add(self, corners: Corners, shifts: Integers) -> None:
        """Add ``corners`` once per row of ``shifts`` (coordinates, unit), moved by it."""
        if len(corners.weight) == 0:
            return
        corner = np.column_stack((corners.at, corners.unit)) @ self.strides
        shift = shifts @ self.strides
        rows = max(1, _BLOCK // len(corner))
        for start in range(0, len(shift), rows):
            flat = shift[start : start + rows, None] + corner
            self._merge(flat.ravel(), np.broadcast_to(corners.weight, flat.shape).ravel())

    def _merge(self, flat: Integers, weight: Integers) -> None:
        flat, weight = np.concatenate((self.flat, flat)), np.concatenate((self.weight, weight))
        if prod(self.shape) <= 4 * len(flat):
            dense = np.zeros(prod(self.shape), np.int64)
            np.add.at(dense, flat, weight)
            self.flat = np.flatnonzero(dense)
            self.weight = dense[self.flat]
            return
        distinct, group = np.unique(flat, return_inverse=True)
        total = np.zeros(len(distinct), np.int64)
        np.add.at(total, group, weight)
        self.flat, self.weight = distinct[total != 0], total[total != 0]

    def corners(self) -> Corners:
        """Return the sum, ordered by coordinates and unit."""
        *at, unit = np.unravel_index(self.flat, self.shape)
        return Corners(np.column_stack(at), unit, self.weight)


class _Search:
    """Finds the first corner of Σ over units of sign · Π over factors, fixing one dimension at a time."""

    def __init__(self, component: Component) -> None:
        self.owner = [
            next(number for number, factor in enumerate(component.factors) if dimension in factor.dimensions)
            for dimension in component.dimensions
        ]
        self.all_zero: set[tuple[object, ...]] = set()

    def first(self, depth: int, tables: tuple[Corners, ...], agreed: Integers) -> tuple[tuple[int, ...], int] | None:
        """Return the first corner that is not 0 as (coordinates from dimension ``depth`` on, weight).

        ``agreed`` is, by unit, the product of the factors whose coordinates are all fixed.
        """
        table = tables[self.owner[depth]]
        value = table.at[:, 0]
        starts = np.flatnonzero(np.concatenate(([True], value[1:] != value[:-1]))) if len(value) else value
        if depth == len(self.owner) - 1:
            sums = np.add.reduceat(table.weight * agreed[table.unit], starts) if len(value) else value
            found = np.flatnonzero(sums)
            return ((int(value[starts[found[0]]]),), int(sums[found[0]])) if len(found) else None
        for start, end in zip(starts, [*starts[1:], len(value)], strict=True):
            below = self._fixed(depth, tables, agreed, table.rows(start, end))
            if below is not None:
                return (int(value[start]), *below[0]), below[1]
        return None

    def _fixed(
        self, depth: int, tables: tuple[Corners, ...], agreed: Integers, rest: Corners
    ) -> tuple[tuple[int, ...], int] | None:
        owner = self.owner[depth]
        if rest.at.shape[1] == 0:
            agreed, factor = np.zeros_like(agreed), agreed
            agreed[rest.unit] = factor[rest.unit] * rest.weight
            if not agreed.any():
                return None
        tables = (*tables[:owner], rest, *tables[owner + 1 :])
        pending = [tables[number] for number in sorted(set(self.owner[depth + 1 :]))]
        reached = np.flatnonzero(agreed)
        arrays = (reached, agreed[reached], *(array for t in pending for array in (t.at, t.unit, t.weight)))
        state = (depth, *(array.tobytes() for array in arrays))
        if state in self.all_zero:
            return None
        below = self.first(depth + 1, tables, agreed)
        if below is None:
            self.all_zero.add(state)
        return below
