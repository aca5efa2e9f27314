"""How many elements a step moves (§4): sizes of tiles less what is there already, over all units.

A tile is the product of one set of coordinates per axis. At most one axis moves with the unit; along the others all
active units hold the same. So new elements fall into few kinds: by which of the earlier tiles contain them as far as
the common axes go. For each kind the units' sets along the moving axis are united.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import prod

from analytical.neighbours import Boxes
from dataflow.layers import Layer
from dataflow.regions import Box

Runs = tuple[tuple[int, int], ...]
Group = tuple[Sequence[int], Sequence[Boxes]]

_POINT: Runs = ((0, 1),)


@dataclass(frozen=True)
class Amount:
    """Elements: different ones, and copies summed over units."""

    distinct: int
    copies: int


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

    def new(self, tensor: str, active: Sequence[int], boxes: Sequence[Boxes], before: Sequence[Group]) -> Amount:
        """Return the elements in the tiles of the ``active`` units that they did not hold ``before``."""
        moving = [(place, c) for place, c in self._axes[tensor] if len(boxes[place]) > 1 and len(active) > 1]
        common = [(place, c) for place, c in self._axes[tensor] if (place, c) not in moving]
        if len(moving) > 1:
            raise ValueError("two subspaces share the units of a level: no such dataflow computes its layer")
        unit = active[0]
        tile = tuple(_set(c, _of(boxes[place], unit)) for place, c in common)
        kept_by_unit: dict[int, tuple[Runs, ...]] = {}
        moved_by_unit: dict[int, Runs] = {}
        for units, there in before:
            kept = tuple(
                intersection(now, _set(c, _of(there[place], units[0])))
                for now, (place, c) in zip(tile, common, strict=True)
            )
            for each in units:
                kept_by_unit[each] = kept
                moved_by_unit[each] = _set(moving[0][1], _of(there[moving[0][0]], each)) if moving else _POINT
        total = Amount(0, 0)
        for elements, holds in _kinds(tile, set(kept_by_unit.values())):
            sets = []
            for each in active:
                now = _set(moving[0][1], _of(boxes[moving[0][0]], each)) if moving else _POINT
                known = each in kept_by_unit and holds(kept_by_unit[each])
                sets.append(difference(now, moved_by_unit[each]) if known else now)
            copies = sum(map(size, sets))
            distinct = size(union(sets)) if copies else 0
            total = Amount(total.distinct + elements * distinct, total.copies + elements * copies)
        return total

    def tile(self, tensor: str, box: Sequence[Box]) -> int:
        """Return the size of the tile that a region, a box per subspace, touches."""
        return prod(size(_set(c, box[place])) for place, c in self._axes[tensor])

    def differs(self, tensor: str, unit: int, boxes: Sequence[Boxes], other: Sequence[Boxes]) -> bool:
        """Tell whether a unit's tile is another one than in ``other``, where it may be idle."""
        for there in other:
            if _of(there, unit) is None:
                return True
        return any(_set(c, _of(boxes[p], unit)) != _set(c, _of(other[p], unit)) for p, c in self._axes[tensor])


def _kinds(
    tile: tuple[Runs, ...], kept: set[tuple[Runs, ...]]
) -> list[tuple[int, Callable[[tuple[Runs, ...]], bool]]]:
    """Split the coordinates of ``tile`` by which of the sets ``kept`` contain them, leaving out those that none is in.

    Returns the number of coordinates of each kind, and whether a set contains them.
    """
    filled = [each for each in kept if all(each)]
    inside = {
        chosen: prod(size(_common(axis)) for axis in zip(tile, *chosen, strict=True))
        for count in range(len(filled) + 1)
        for chosen in combinations(filled, count)
    }
    found = []
    for chosen in inside:
        exactly = sum(
            (-1) ** (len(more) - len(chosen)) * number for more, number in inside.items() if set(chosen) <= set(more)
        )
        if exactly:
            found.append((exactly, set(chosen).__contains__))
    return found


def _common(sets: Sequence[Runs]) -> Runs:
    first, *others = sets
    for other in others:
        first = intersection(first, other)
    return first


def _of(boxes: Boxes, unit: int) -> Box:
    box = boxes[unit if len(boxes) > 1 else 0]
    assert box is not None, "only active units have tiles"
    return box


def _set(coefficients: tuple[int, ...], box: Box) -> Runs:
    base = sum(c * low for c, (low, _) in zip(coefficients, box, strict=True))
    spans = tuple(high - low for low, high in box)
    return tuple([(base + low, base + high) for low, high in _from_zero(coefficients, spans)])


@lru_cache(maxsize=65536)
def _from_zero(coefficients: tuple[int, ...], spans: tuple[int, ...]) -> Runs:
    """Return {Σ coefficient · i : 0 ≤ i < span} as ascending runs."""
    found: list[tuple[int, int]] = [(0, 1)]
    for coefficient, span in sorted((c, n) for c, n in zip(coefficients, spans, strict=True) if c and n > 1):
        if len(found) == 1 and found[0][1] >= coefficient:
            found = [(0, found[0][1] + coefficient * (span - 1))]
        else:
            shifted = [(low + coefficient * i, high + coefficient * i) for i in range(span) for low, high in found]
            found = list(union([tuple(shifted)]))
    return tuple(found)


def size(runs: Runs) -> int:
    """Return how many coordinates there are in disjoint runs."""
    return sum([high - low for low, high in runs])


def union(sets: Sequence[Runs]) -> Runs:
    """Return the union as ascending disjoint runs."""
    found: list[tuple[int, int]] = []
    for low, high in sorted([run for runs in sets for run in runs]):
        if found and low <= found[-1][1]:
            if high > found[-1][1]:
                found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return tuple(found)


def intersection(runs: Runs, others: Runs) -> Runs:
    """Return what is in both; the arguments are ascending."""
    found = []
    i = j = 0
    while i < len(runs) and j < len(others):
        low, high = max(runs[i][0], others[j][0]), min(runs[i][1], others[j][1])
        if low < high:
            found.append((low, high))
        if runs[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(runs: Runs, others: Runs) -> Runs:
    """Return what is in ``runs`` only; the arguments are ascending."""
    found = []
    j = 0
    for low, high in runs:
        while j < len(others) and others[j][1] <= low:
            j += 1
        k = j
        while k < len(others) and others[k][0] < high:
            if low < others[k][0]:
                found.append((low, others[k][0]))
            low = max(low, others[k][1])
            k += 1
        if low < high:
            found.append((low, high))
    return tuple(found)
