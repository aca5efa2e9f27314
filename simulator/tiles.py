"""Tiles of many units at once, and what moves between two sets of them (§4).

A tile is the product, over the subspaces, of one set of coordinates per tensor axis. Units are bits of an
integer: along one axis every coordinate belongs to the tiles of some set of units, and coordinates that belong
to the same units are alike. So "what do the units need that they do not hold" is answered by combining a few
classes of coordinates per axis, with the exact elements behind every class, whatever the shapes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from operator import mul
from typing import NamedTuple

from dataflow.layers import Layer, Subspace
from dataflow.regions import Box, Range

Origin = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Footprint:
    """What the units of a cluster work on in one subspace during a step, relative to the step's origin.

    ``boxes`` holds one box per unit, None where it is idle, or a single box that all units share. ``active`` is
    the set of units (bit u = unit u) whose box is not empty.
    """

    boxes: tuple[Box | None, ...]
    active: int
    _turns: dict[tuple[int, ...], tuple[tuple[int, int], ...]] = field(default_factory=dict, repr=False)

    def box(self, unit: int) -> Box | None:
        """Return the box of ``unit``."""
        return self.boxes[unit if len(self.boxes) > 1 else 0]

    def holders(self) -> Iterable[tuple[Box, int]]:
        """Yield every box with the set of units that work on it."""
        if len(self.boxes) > 1:
            return ((box, 1 << unit) for unit, box in enumerate(self.boxes) if box is not None)
        return ((box, self.active) for box in self.boxes if box is not None)

    def turns(self, coefficients: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Return where tiles begin or end along an axis, relative to the origin, and the units whose tiles do."""
        found = self._turns.get(coefficients)
        if found is None:
            ends: dict[int, int] = {}
            for box, owners in self.holders():
                for run in runs(coefficients, box):
                    for end in run:
                        ends[end] = ends.get(end, 0) ^ owners
            found = self._turns[coefficients] = tuple(ends.items())
        return found


class Held(NamedTuple):
    """Tiles that some units hold: those of ``units`` at a step with these footprints and this origin."""

    units: int
    footprints: tuple[Footprint, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Moved:
    """Elements on the move: different ones, copies summed over units, the units, and any unit that shares one.

    ``groups`` are the sets of units that have elements in common, each with how many, in order of their first units.
    """

    distinct: int
    copies: int
    units: int
    shared: bool
    groups: tuple[tuple[int, int], ...] = field(default=(), compare=False)


#: units whose wanted tiles coordinates of an axis lie in, those whose held ones they do, and how many coordinates
Class = tuple[int, int, int]


class TileSpace:
    """The tensor axes of a layer, laid out along its subspaces."""

    def __init__(self, layer: Layer) -> None:
        self.slices = slices(layer.subspaces)
        self._axes = {
            tensor: tuple(
                (index, subspace.coefficients(axis))
                for index, subspace in enumerate(layer.subspaces)
                for axis in layer.tensor_axes(tensor)
                if axis in subspace.names
            )
            for tensor in layer.operation.axes
        }
        #: of a subspace that is a single point every unit has the same: its axes add nothing to a comparison
        self.axes = {
            tensor: tuple(axis for axis in axes if any(layer.sizes[d] > 1 for d in layer.subspaces[axis[0]].dimensions))
            for tensor, axes in self._axes.items()
        }
        self.known: dict[object, Line] = {}

    def compare(self, wanted: Sequence[Held], held: Sequence[Held]) -> Comparison:
        """Set the units' ``wanted`` tiles, which lie in the layer, beside their ``held`` ones."""
        return Comparison(self, wanted, held)

    def elements(self, tensor: str, lengths: Sequence[tuple[int, ...]]) -> int:
        """Return the number of elements of ``tensor`` that a region of these lengths touches."""
        elements = 1
        for index, coefficients in self._axes[tensor]:
            elements *= sum([high - low for low, high in _runs_from_zero(coefficients, lengths[index])])
        return elements


class Comparison:
    """What units want beside what they hold: the difference of their tiles, tensor by tensor."""

    def __init__(self, space: TileSpace, wanted: Sequence[Held], held: Sequence[Held]) -> None:
        self._space = space
        self._wanted = wanted
        self._held = held
        self._units = _units(wanted), _units(held)
        self._lines: dict[int, Line] = {}

    def moved(self, tensor: str) -> Moved:
        """Count the elements of ``tensor`` in the units' wanted tiles that are not in their held ones."""
        combined = {self._units: 1}
        for index, coefficients in self._space.axes[tensor]:
            combined = _combine(combined, self._line(index).classes(coefficients))
        groups: dict[int, int] = {}
        for (takers, holders), count in combined.items():
            receivers = takers & ~holders
            if receivers:
                groups[receivers] = groups.get(receivers, 0) + count
        return _moved(groups)

    def differing(self, tensor: str) -> int:
        """Return the set of units whose wanted tile of ``tensor`` is not the held one."""
        differing = self._units[0] ^ self._units[1]
        for index, coefficients in self._space.axes[tensor]:
            for wanted, held, _ in self._line(index).classes(coefficients):
                differing |= wanted ^ held
        return differing

    def _line(self, index: int) -> Line:
        line = self._lines.get(index)
        if line is None:
            place, known = self._space.slices[index], self._space.known
            wanted = tuple([(units, footprints[index], origin[place]) for units, footprints, origin in self._wanted])
            held = tuple([(units, footprints[index], origin[place]) for units, footprints, origin in self._held])
            key = (wanted, held)  # footprints belong to one subspace
            line = known.get(key)
            if line is None:
                line = known[key] = Line(wanted, held)
            self._lines[index] = line
        return line


_Group = tuple[int, Footprint, Origin]


class Line:
    """Wanted and held tiles along one subspace, with the classes of coordinates of its axes."""

    def __init__(self, wanted: Sequence[_Group], held: Sequence[_Group]) -> None:
        self._wanted = wanted
        self._held = held
        self._classes: dict[tuple[int, ...], tuple[Class, ...]] = {}

    def classes(self, coefficients: tuple[int, ...]) -> tuple[Class, ...]:
        """Return the classes of an axis, worked out when they are first asked for."""
        found = self._classes.get(coefficients)
        if found is None:
            found = self._classes[coefficients] = _classes(coefficients, self._wanted, self._held)
        return found


def _moved(groups: dict[int, int]) -> Moved:
    distinct = copies = units = 0
    shared = False
    for receivers, count in groups.items():
        distinct += count
        copies += count * receivers.bit_count()
        units |= receivers
        shared = shared or receivers.bit_count() > 1
    in_order = sorted(groups.items(), key=lambda group: (group[0] & -group[0], group[0]))
    return Moved(distinct, copies, units, shared, tuple(in_order))


def _units(groups: Sequence[Held]) -> int:
    units = 0
    for group in groups:
        units |= group.units
    return units


def _classes(coefficients: tuple[int, ...], wanted: Sequence[_Group], held: Sequence[_Group]) -> tuple[Class, ...]:
    """Sweep along the axis: between two ends of runs all coordinates belong to the same units' tiles."""
    taken, kept = _ends(coefficients, wanted), _ends(coefficients, held)
    counts: dict[tuple[int, int], int] = {}
    takers = holders = last = 0
    for position in sorted(taken.keys() | kept.keys()):
        if takers or holders:
            counts[takers, holders] = counts.get((takers, holders), 0) + position - last
        last = position
        takers ^= taken.get(position, 0)
        holders ^= kept.get(position, 0)
    return tuple([(takers, holders, count) for (takers, holders), count in counts.items()])


def _ends(coefficients: tuple[int, ...], groups: Sequence[_Group]) -> dict[int, int]:
    """Return where tiles along an axis begin or end, with the units whose tiles do."""
    found: dict[int, int] = {}
    for units, footprint, origin in groups:
        base = sum(map(mul, coefficients, origin))
        for end, owners in footprint.turns(coefficients):
            found[base + end] = found.get(base + end, 0) ^ owners & units
    return found


def _combine(combined: dict[tuple[int, int], int], table: tuple[Class, ...]) -> dict[tuple[int, int], int]:
    """Extend every class of partial coordinates by one axis; what no unit wants any more is dropped."""
    extended: dict[tuple[int, int], int] = {}
    for (takers, holders), number in combined.items():
        for wanted, held, count in table:
            both = takers & wanted
            if both:
                key = (both, holders & held)
                extended[key] = extended.get(key, 0) + number * count
    return extended


def runs(coefficients: tuple[int, ...], box: Box) -> tuple[Range, ...]:
    """Return {Σ coefficient · index : index in box} as disjoint half-open runs in ascending order."""
    base = sum([c * low for c, (low, _) in zip(coefficients, box, strict=True)])
    lengths = tuple([high - low for low, high in box])
    return tuple([(base + low, base + high) for low, high in _runs_from_zero(coefficients, lengths)])


@lru_cache(maxsize=65536)
def _runs_from_zero(coefficients: tuple[int, ...], lengths: tuple[int, ...]) -> tuple[Range, ...]:
    steps = sorted((c, n) for c, n in zip(coefficients, lengths, strict=True) if c and n > 1)
    reach = 1
    for coefficient, length in steps:
        if coefficient > reach:
            break
        reach += coefficient * (length - 1)
    else:
        return ((0, reach),)
    values = [0]
    for coefficient, length in steps:
        values = [value + coefficient * index for value in values for index in range(length)]
    found: list[list[int]] = []
    for value in sorted(set(values)):
        if found and found[-1][1] == value:
            found[-1][1] = value + 1
        else:
            found.append([value, value + 1])
    return tuple((low, high) for low, high in found)


def slices(subspaces: Sequence[Subspace]) -> list[slice]:
    """Return where each subspace's dimensions stand in an origin."""
    starts = [0]
    for subspace in subspaces:
        starts.append(starts[-1] + len(subspace.dimensions))
    return [slice(low, high) for low, high in pairwise(starts)]
