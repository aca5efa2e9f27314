"""How many elements a step moves (§4): sizes of tiles less what is there already, over all units.

A tile is the product of one set of coordinates per axis. At most one axis moves with the unit; along the others all
active units hold the same. So new elements fall into few kinds: by which of the earlier tiles contain them as far as
the common axes go. For each kind the units' sets along the moving axis are united.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from math import prod

from analytical.neighbours import Scene
from analytical.positions import Leaf, Offset, minus
from analytical.runs import Runs, difference, intersection, size, union
from dataflow.layers import Layer
from dataflow.regions import Box

#: where units were along one axis: the leaf, and its origin relative to the current one
_Track = tuple[Leaf, Offset]

_POINT: Runs = ((0, 1),)


@dataclass(frozen=True)
class Amount:
    """Elements: different ones, and copies summed over units."""

    distinct: int
    copies: int

    def plus(self, other: Amount, times: int) -> Amount:
        """Return this amount and ``times`` the other."""
        return Amount(self.distinct + times * other.distinct, self.copies + times * other.copies)


NOTHING = Amount(0, 0)


class Before:
    """Tiles in ``scene`` beside those that units held before, or will hold: disjoint sets of them, each with its scene.

    ``groups`` are the sets; other units hold nothing. ``tracks`` are by subspace the leaf now, and where each set was.
    """

    def __init__(self, scene: Scene, others: Sequence[tuple[int, Scene]]) -> None:
        self.groups = tuple([units for units, _ in others])
        self.tracks: list[tuple[Leaf, tuple[_Track, ...]]] = [
            (leaf, tuple([(then[place][0], minus(then[place][1], origin)) for _, then in others]))
            for place, (leaf, origin) in enumerate(scene)
        ]


class Axes:
    """The axes of a layer's tensors, by subspace."""

    def __init__(self, layer: Layer) -> None:
        self._axes = {
            tensor: tuple(
                (place, subspace.coefficients(axis))
                for place, subspace in enumerate(layer.subspaces)
                for axis in layer.tensor_axes(tensor)
                if axis in subspace.names
            )
            for tensor in layer.operation.axes
        }
        self._new = cache(_new)

    def new(self, tensor: str, active: int, before: Before) -> Amount:
        """Return the elements in the tiles of the units ``active`` that they did not hold before."""
        tracks = before.tracks
        axes = tuple([(coefficients, *tracks[place]) for place, coefficients in self._axes[tensor]])
        return self._new(active, before.groups, axes)

    def keeps(self, tensor: str, unit: int, scene: Scene, other: Scene) -> bool:
        """Tell whether all elements of a unit's tile in ``scene`` are in its tile in ``other``, too."""
        for place, coefficients in self._axes[tensor]:
            (leaf, origin), (there, elsewhere) = scene[place], other[place]
            if (leaf is not there or origin != elsewhere) and difference(
                _set(coefficients, _box(leaf, unit), origin), _set(coefficients, _box(there, unit), elsewhere)
            ):
                return False
        return True

    def tile(self, tensor: str, region: Sequence[Box]) -> int:
        """Return the size of the tile that a region, a box per subspace, touches."""
        return prod(size(_set(c, region[place])) for place, c in self._axes[tensor])

    def differing(self, tensor: str, scene: Scene, other: Scene) -> int:
        """Return the units that are active in ``scene`` and have another tile, or none, in ``other``."""
        differing = 0
        for (leaf, _), (there, _) in zip(scene, other, strict=True):
            differing |= leaf.units & ~there.units
        for place, coefficients in self._axes[tensor]:
            (leaf, origin), (there, elsewhere) = scene[place], other[place]
            differing |= _differing(coefficients, leaf, there, minus(elsewhere, origin))
        return differing


_Axis = tuple[tuple[int, ...], Leaf, tuple[_Track, ...]]


def _new(active: int, groups: tuple[int, ...], axes: tuple[_Axis, ...]) -> Amount:
    alone, lowest = active & (active - 1) == 0, _lowest(active)
    moving: list[_Axis] = []
    common: list[_Axis] = []
    for axis in axes:
        (common if alone or len(axis[1].boxes) == 1 else moving).append(axis)
    if len(moving) > 1:
        raise ValueError("two subspaces share the units of a level: no such dataflow computes its layer")
    tile = tuple([_set(c, _box(leaf, lowest)) for c, leaf, _ in common])
    kept = [
        tuple([_kept(now, axis, number, group & active) for now, axis in zip(tile, common, strict=True)])
        for number, group in enumerate(groups)
    ]
    distinct = copies = 0
    for elements, containing in _kinds(tile, kept):
        keeping = 0
        for number in containing:
            keeping |= groups[number]
        if moving:
            one = _along(moving[0], active, keeping, groups)
            distinct += elements * one.distinct
            copies += elements * one.copies
        else:
            takers = (active & ~keeping).bit_count()
            distinct += elements * min(takers, 1)
            copies += elements * takers
    return Amount(distinct, copies)


def _kept(now: Runs, axis: _Axis, group: int, units: int) -> Runs:
    """Return those of the coordinates ``now`` that units of a group hold along an axis that they all share."""
    coefficients, leaf, tracks = axis
    then, distance = tracks[group]
    if then is leaf and not any(distance):
        return now
    return intersection(now, _set(coefficients, _box(then, _lowest(units)), distance))


def _along(axis: _Axis, active: int, keeping: int, groups: tuple[int, ...]) -> Amount:
    """Return the new coordinates along the axis that moves with the units; ``keeping`` are those that keep some."""
    coefficients, leaf, tracks = axis
    if not keeping:
        return _spread(coefficients, leaf, active)
    if len(groups) == 1 and tracks[0][0] is leaf and not any(tracks[0][1]):
        return _spread(coefficients, leaf, active & ~keeping)
    units = members(active)
    wanted = _sets(coefficients, leaf)
    held = {
        unit: _moved(_sets(coefficients, then)[unit if len(then.boxes) > 1 else 0], coefficients, distance)
        for group, (then, distance) in zip(groups, tracks, strict=True)
        for unit in units
        if (group & keeping) >> unit & 1
    }
    return _amount([difference(wanted[unit], held[unit]) if unit in held else wanted[unit] for unit in units])


@lru_cache(maxsize=4096)
def _spread(coefficients: tuple[int, ...], leaf: Leaf, units: int) -> Amount:
    """Return the coordinates of some units of a leaf."""
    wanted = _sets(coefficients, leaf)
    return _amount([wanted[unit] for unit in members(units)])


def _amount(sets: list[Runs]) -> Amount:
    copies = sum(map(size, sets))
    return Amount(size(union(sets)) if copies else 0, copies)


@lru_cache(maxsize=4096)
def _sets(coefficients: tuple[int, ...], leaf: Leaf) -> tuple[Runs, ...]:
    """Return the coordinates of every box of a leaf; an idle unit has none."""
    return tuple(() if box is None else _set(coefficients, box) for box in leaf.boxes)


def _moved(runs: Runs, coefficients: tuple[int, ...], distance: Offset) -> Runs:
    base = sum([c * d for c, d in zip(coefficients, distance, strict=True)])
    return tuple([(low + base, high + base) for low, high in runs]) if base else runs


def _kinds(tile: tuple[Runs, ...], kept: list[tuple[Runs, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    """Split the coordinates of ``tile`` by which of the sets ``kept`` they lie in.

    Returns for each kind the number of coordinates, and the numbers of the sets that contain them.
    """
    if len(kept) < 2:
        everything, common = prod(map(size, tile)), prod(map(size, kept[0])) if kept else 0
        return [each for each in ((everything - common, ()), (common, (0,))) if each[0]]
    alike: dict[tuple[Runs, ...], list[int]] = {}
    for number, each in enumerate(kept):
        if all(each):
            alike.setdefault(each, []).append(number)
    inside = {
        chosen: prod(size(_common(axis)) for axis in zip(tile, *chosen, strict=True))
        for count in range(len(alike) + 1)
        for chosen in combinations(alike, count)
    }
    found = []
    for chosen in inside:
        exactly = sum(
            (-1) ** (len(more) - len(chosen)) * number for more, number in inside.items() if set(chosen) <= set(more)
        )
        if exactly:
            found.append((exactly, tuple(number for each in chosen for number in alike[each])))
    return found


@lru_cache(maxsize=4096)
def _differing(coefficients: tuple[int, ...], leaf: Leaf, other: Leaf, distance: Offset) -> int:
    if len(leaf.boxes) == 1:
        return 0 if _set(coefficients, _box(leaf, 0)) == _set(coefficients, _box(other, 0), distance) else -1
    return sum(
        1 << unit
        for unit in members(leaf.units & other.units)
        if _set(coefficients, _box(leaf, unit)) != _set(coefficients, _box(other, unit), distance)
    )


def _lowest(units: int) -> int:
    return (units & -units).bit_length() - 1


def members(units: int) -> list[int]:
    """Return the units of a set, ascending."""
    found = []
    while units:
        lowest = units & -units
        found.append(lowest.bit_length() - 1)
        units ^= lowest
    return found


def _common(sets: Sequence[Runs]) -> Runs:
    first, *others = sets
    for other in others:
        first = intersection(first, other)
    return first


def _box(leaf: Leaf, unit: int) -> Box:
    box = leaf.box(unit)
    assert box is not None, "only active units have tiles"
    return box


def _set(coefficients: tuple[int, ...], box: Box, distance: Offset | None = None) -> Runs:
    if len(box) == 1:  # a dimension is its own axis
        low, high = box[0]
        return ((low, high),) if distance is None else ((low + distance[0], high + distance[0]),)
    runs = _set_of(coefficients, box)
    return runs if distance is None else _moved(runs, coefficients, distance)


@lru_cache(maxsize=65536)
def _set_of(coefficients: tuple[int, ...], box: Box) -> Runs:
    base = sum([c * low for c, (low, _) in zip(coefficients, box, strict=True)])
    runs = _from_zero(coefficients, tuple([high - low for low, high in box]))
    return tuple([(base + low, base + high) for low, high in runs])


@lru_cache(maxsize=65536)
def _from_zero(coefficients: tuple[int, ...], spans: tuple[int, ...]) -> Runs:
    """Return {Σ coefficient · i : 0 ≤ i < span} as ascending runs."""
    found: Runs = _POINT
    for coefficient, span in sorted((c, n) for c, n in zip(coefficients, spans, strict=True) if c and n > 1):
        if len(found) == 1 and found[0][1] >= coefficient:
            found = ((0, found[0][1] + coefficient * (span - 1)),)
        else:
            found = union(
                [tuple((low + coefficient * i, high + coefficient * i) for low, high in found) for i in range(span)]
            )
    return found
