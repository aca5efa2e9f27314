"""Pareto fronts: designs that no valid design beats, none of whose objectives can be had better at the price of none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exploration.areas import Integers
from exploration.blocks import Block
from exploration.objectives import OBJECTIVES

#: numbers of designs that are looked at with exact numbers at once
_FEW = 256

#: from here on floats are no longer exact for whole numbers
_EXACT = 1 << 53


@dataclass(frozen=True)
class Point:
    """A design of a front; ``ties`` are the valid designs with the same objectives, itself among them.

    Of these it is the one with the smallest area, then with the least energy, the fewest cycles, the smallest number.
    Energy and area are in parts.
    """

    number: int
    cycles: int
    energy: int
    area: int
    ties: int

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """What decides among designs with the same objectives."""
        return self.area, self.energy, self.cycles, self.number

    def keys(self, objectives: Sequence[str]) -> tuple[Any, ...]:
        """Return the objectives, exact, as quantities that are the smaller the better."""
        exact = Fraction(self.energy) if "power" in objectives else self.energy
        return tuple(OBJECTIVES[name].key(self.cycles, exact, self.area) for name in objectives)


def front(points: Iterable[Point], objectives: Sequence[str]) -> list[Point]:
    """Return the points that no other is better than in one objective and as good as in all, in order of objectives.

    Points with the same objectives become one. The result does not depend on the order of the points, nor on whether
    parts of them went through this function before.
    """
    alike: dict[tuple[Any, ...], Point] = {}
    for point in points:
        keys = point.keys(objectives)
        other = alike.get(keys)
        if other is not None:
            point = replace(min(point, other, key=lambda each: each.rank), ties=point.ties + other.ties)
        alike[keys] = point
    found: list[Point] = []
    best: list[tuple[Any, ...]] = []
    for keys in sorted(alike):
        if len(keys) == 2:  # sorted by the first, a point is beaten by nothing exactly if its second is a new minimum
            beaten = bool(best) and best[-1][1] <= keys[1]
        else:
            beaten = any(all(mine <= yours for mine, yours in zip(one, keys, strict=True)) for one in best)
        if not beaten:
            best.append(keys)
            found.append(alike[keys])
    return found


def front_of(block: Block, objectives: Sequence[str]) -> list[Point]:
    """Return the front of a block, in exact numbers."""
    rows = np.arange(len(block.rows))
    if len(rows) > _FEW:
        rows = np.flatnonzero(_unbeaten(_keys(block, objectives), objectives))
    return front(_grouped(block, rows, objectives), objectives)


def _keys(block: Block, objectives: Sequence[str]) -> NDArray[np.float64]:
    """Return a row of objectives per row of the block, of its smallest sizes, as floats."""
    cycles, energy = block.cycles.astype(np.float64), block.energy.astype(np.float64)
    area = (block.base + block.areas[0]).astype(np.float64)
    return np.stack([OBJECTIVES[name].key(cycles, energy, area) for name in objectives], axis=1)


def _unbeaten(keys: NDArray[np.float64], objectives: Sequence[str]) -> NDArray[np.bool_]:
    """Return which rows none is certain to beat: a superset of the front, for floats are rounded."""
    remaining = np.arange(len(keys))
    chosen = np.zeros(len(keys), bool)
    rounded = np.array([name == "power" for name in objectives])
    left = keys
    order = np.argsort(np.log(np.maximum(keys, 1)).sum(axis=1), kind="stable")
    remaining, left = remaining[order], keys[order]
    while len(remaining):
        best = left[0]
        certain = np.where(rounded | (best >= _EXACT), np.nextafter(best, np.inf), best)
        equal = (left == best).all(axis=1)
        chosen[remaining[equal]] = True
        kept = ~(left >= certain).all(axis=1) & ~equal
        remaining, left = remaining[kept], left[kept]
    return chosen


def _grouped(block: Block, rows: Integers, objectives: Sequence[str]) -> list[Point]:
    """Return a point for each of the different cycles and energies among ``rows``: that of the smallest area."""
    if not len(rows):
        return []
    with_area = any(OBJECTIVES[name].needs_area for name in objectives)
    cycles, energy, base, within = (each[rows] for each in (block.cycles, block.energy, block.base, block.within))
    order = np.lexsort((rows, base, energy, cycles))
    cycles, energy, base, within = cycles[order], energy[order], base[order], within[order]
    new = np.flatnonzero((np.diff(cycles, prepend=-1) != 0) | (np.diff(energy, prepend=-1) != 0))
    smallest = int(np.searchsorted(block.areas, block.areas[0], side="right"))
    if with_area:
        as_small = base == np.repeat(base[new], np.diff(new, append=len(base)))
        within = np.where(as_small, np.minimum(within, smallest), 0)
    ties = np.add.reduceat(within, new)
    pairs = int(block.pairs[0])
    return [
        Point(
            number=block.first + int(block.rows[rows[order[place]]]) * block.all_pairs + pairs,
            cycles=int(cycles[place]),
            energy=int(energy[place]),
            area=int(base[place]) + int(block.areas[0]),
            ties=int(tied),
        )
        for place, tied in zip(new, ties, strict=True)
    ]
