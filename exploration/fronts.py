"""Pareto fronts: designs that no valid design beats in one objective without being worse in another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def front(
    points: Iterable[Point], objectives: Sequence[str], keys_of: Callable[[Point], tuple[Any, ...]] | None = None
) -> list[Point]:
    """Return the points that no other is better than in one objective and as good as in all, in order of objectives.

    Points with the same objectives become one. The result does not depend on the order of the points, nor on whether
    parts of them went through this function before. ``keys_of`` replaces the points' own objectives.
    """
    alike: dict[tuple[Any, ...], Point] = {}
    for point in points:
        keys = point.keys(objectives) if keys_of is None else keys_of(point)
        other = alike.get(keys)
        if other is None:
            alike[keys] = point
        else:
            best = min(point, other, key=lambda each: each.rank)
            alike[keys] = replace(best, ties=point.ties + other.ties)
    if not alike:
        return []
    ordered = sorted(alike)
    unbeaten = _unbeaten(_ranks(ordered))
    return [alike[keys] for keys, good in zip(ordered, unbeaten, strict=True) if good]


def _ranks(keys: Sequence[tuple[Any, ...]]) -> NDArray[np.float64]:
    """Return the places of exact numbers among those of their column: small numbers with the same order."""
    columns = []
    for column in zip(*keys, strict=True):
        places = {value: place for place, value in enumerate(sorted(set(column)))}
        columns.append([places[value] for value in column])
    return np.array(columns, np.float64).T


def front_of(block: Block, objectives: Sequence[str]) -> list[Point]:
    """Return the front of a block, in exact numbers."""
    rows = np.arange(len(block.rows))
    if len(rows) > _FEW:
        keys = _keys(block, objectives)
        rows = np.flatnonzero(_unbeaten(keys, _certain(keys, objectives)))
    return front(_grouped(block, rows, objectives), objectives)


def _keys(block: Block, objectives: Sequence[str]) -> NDArray[np.float64]:
    """Return a row of objectives per row of the block, of its smallest sizes, as floats."""
    cycles, energy = block.cycles.astype(np.float64), block.energy.astype(np.float64)
    area = (block.base + block.areas[0]).astype(np.float64)
    return np.stack([OBJECTIVES[name].key(cycles, energy, area) for name in objectives], axis=1)


def _certain(keys: NDArray[np.float64], objectives: Sequence[str]) -> NDArray[np.float64]:
    """Return what another key has to reach to be no better than a key, whatever was rounded."""
    rounded = np.array([name == "power" for name in objectives])
    return np.where(rounded | (keys >= _EXACT), np.nextafter(keys, np.inf), keys)


def _unbeaten(keys: NDArray[np.float64], certain: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
    """Return which rows no other row beats: one that is no larger anywhere, and not the same.

    With ``certain``, a row beats only those that reach these larger keys of its own.
    """
    certain = keys if certain is None else certain
    unbeaten = np.zeros(len(keys), bool)
    remaining = np.argsort(np.log(keys + 1).sum(axis=1), kind="stable")
    while len(remaining):
        first, left = remaining[0], keys[remaining]
        equal = (left == keys[first]).all(axis=1)
        unbeaten[remaining[equal]] = True
        remaining = remaining[~equal & ~(left >= certain[first]).all(axis=1)]
    return unbeaten


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
    smallest_place = np.zeros_like(new)
    columns = (
        block.numbers(rows[order[new]], smallest_place),
        cycles[new],
        energy[new],
        base[new] + block.areas[0],
        np.add.reduceat(within, new),
    )
    return [Point(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
