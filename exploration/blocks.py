"""Blocks: the valid designs of a piece of a space, worked out together.

The designs of a piece have everything in common but lanes, ports and sizes. Sizes decide about area, and about which
dataflows fit, never about time: a time is worked out once for all sizes with the same dataflows. What is excluded by
area or by what does not fit is excluded before any time is worked out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from dataflow.hardware import Machine
from dataflow.layers import Layer
from exploration.areas import Areas, Integers
from exploration.candidates import Candidate, Candidates
from exploration.choices import chosen, powerful
from exploration.space import Space
from exploration.times import Rows, Times

#: rows from which on it pays to ask first whether even the slowest machine takes too much power
MANY = 1 << 10

_NEVER = 1 << 62

#: candidates by layer
Fitting = list[list[Candidate]]


@dataclass(frozen=True)
class Piece:
    """Designs with these digits up to the buffers, and ``times`` of the combinations of lanes and ports.

    ``first`` is the number of the design whose other digits are 0.
    """

    first: int
    target: int
    group: int
    pes: int
    buffers: Mapping[str, int]
    times: range


@dataclass(frozen=True)
class Block:
    """Valid designs: row i stands for the first ``within[i]`` of the ``pairs`` of sizes, the smallest area first.

    A design's number is ``first`` + row · ``all_pairs`` + pair. ``base`` are areas without the sizes' ``areas``;
    energies and areas are in parts.
    """

    first: int
    rows: Integers
    cycles: Integers
    energy: Integers
    base: Integers
    within: Integers
    pairs: Integers
    areas: Integers
    all_pairs: int

    @property
    def valid(self) -> int:
        """The number of designs."""
        return int(self.within.sum())

    def numbers(self, rows: Integers, places: Integers) -> Integers:
        """Return the designs' numbers: each in a row, with the sizes at a place of ``pairs``."""
        return self.first + self.rows[rows] * self.all_pairs + self.pairs[places]


@dataclass
class Tally:
    """How many designs of a sub-range are valid, or why they are not: the first of the reasons in this order."""

    illegal: int = 0
    buffers: int = 0
    area: int = 0
    power: int = 0
    valid: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in TALLY)

    def add(self, other: Tally) -> None:
        """Add the designs of another sub-range."""
        for name in TALLY:
            setattr(self, name, getattr(self, name) + getattr(other, name))


TALLY = tuple(each.name for each in fields(Tally))


class Explorer:
    """Works out pieces of a space, in one thread: it keeps what neighbouring pieces share."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.areas = Areas(space)
        self.candidates = Candidates(space)
        self.times = Times(space)

    def blocks(self, piece: Piece, tally: Tally) -> Iterator[Block]:
        """Yield the valid designs of a piece, and count all of its designs in ``tally``."""
        alike = self.space.machine.model_copy(update={"pes": piece.pes, **piece.buffers})
        for l2_bytes, places in self.space.l2_groups:
            machine = alike.model_copy(update={"l2": alike.l2.model_copy(update={"bytes": l2_bytes})})
            yield from self._blocks(piece, machine, self._pairs(places), tally)

    def _blocks(self, piece: Piece, machine: Machine, pairs: Integers, tally: Tally) -> Iterator[Block]:
        """Yield the valid designs of a piece with some pairs of sizes; ``machine`` lacks lanes, ports and these."""
        number = len(piece.times)
        layers = self.space.targets[piece.target][1]
        candidates = [self._candidates(layer, piece.group, machine) for layer in layers]
        if not all(candidates):
            tally.illegal += number * len(pairs)
            return
        values = self._values(piece.times)
        shapes = {candidate.units for of_layer in candidates for candidate in of_layer}
        base = self.areas.without_sizes(piece.pes, shapes, values)
        areas = self._areas_of_sizes(piece.pes, candidates)
        cells = list(self._priced(self._cells(candidates, pairs), areas, base, tally))
        rows = np.flatnonzero(np.logical_or.reduce([cell.within > 0 for cell in cells], initial=False))
        if not len(rows):
            return
        times = self.times.on(machine, {key: array[rows] for key, array in values.items()})
        for cell in cells:
            yield from self._timed(piece, cell, rows, times, base[rows], tally)

    def _pairs(self, l2_places: Sequence[int]) -> Integers:
        """Return the pairs of sizes with these of the L2."""
        l1_axis, l2_axis = self.space.sizes
        l1_places = np.arange(len(l1_axis.values)) * len(l2_axis.values)
        found: Integers = (l1_places[:, np.newaxis] + np.array(l2_places)).ravel()
        return found

    def _priced(
        self, cells: Iterator[tuple[Integers, Fitting | None]], areas: Integers, base: Integers, tally: Tally
    ) -> Iterator[_Cell]:
        """Yield the cells into which tiles fit, and how many of their sizes are small enough in each of the rows."""
        limit = self.areas.limit(self.space.limits.area_um2)
        for pairs, fitting in cells:
            if fitting is None:
                tally.buffers += len(base) * len(pairs)
                continue
            order = np.lexsort((pairs, areas[pairs]))
            sorted_areas = areas[pairs[order]]
            within = np.searchsorted(sorted_areas, limit - base, side="right")
            tally.area += len(base) * len(pairs) - int(within.sum())
            yield _Cell(pairs[order], sorted_areas, within, fitting)

    def _candidates(self, layer: Layer, group: int, machine: Machine) -> list[Candidate]:
        found = (self.candidates.find(layer, instance, machine) for instance in self.space.candidates(group))
        return [candidate for candidate in found if candidate is not None]

    def _values(self, times: range) -> dict[str, Integers]:
        """Return the values of lanes and ports, an entry per combination."""
        axes = self.space.time_axes
        places = np.unravel_index(np.arange(times.start, times.stop), [len(axis.values) for axis in axes])
        return {axis.key: np.array(axis.values, np.int64)[place] for axis, place in zip(axes, places, strict=True)}

    def _areas_of_sizes(self, pes: int, candidates: Sequence[Sequence[Candidate]]) -> Integers:
        """Return the areas of all pairs of sizes; an unbounded scratchpad is as large as what needs most."""
        every = [candidate for of_layer in candidates for candidate in of_layer]
        l1_need, l2_need = max(c.l1_bytes for c in every), max(c.l2_bytes for c in every)
        l1_axis, l2_axis = self.space.sizes
        return np.array(
            [
                self.areas.of_sizes(pes, l1_bytes or l1_need, l2_bytes or l2_need)
                for l1_bytes in l1_axis.values
                for l2_bytes in l2_axis.values
            ],
            np.int64,
        )

    def _cells(
        self, candidates: Sequence[Sequence[Candidate]], pairs: Integers
    ) -> Iterator[tuple[Integers, Fitting | None]]:
        """Yield the ``pairs`` of sizes into which the same candidates fit, and these; None where a layer has none."""
        every = [candidate for of_layer in candidates for candidate in of_layer]
        l1_bytes, l2_bytes = (
            np.array([_NEVER if each is None else each for each in axis.values]) for axis in self.space.sizes
        )
        ignored = not self.space.limits.fit
        fits = np.array(
            [
                np.logical_and.outer((l1_bytes >= c.l1_bytes) | ignored, (l2_bytes >= c.l2_bytes) | ignored).ravel()
                for c in every
            ]
        )
        patterns, which = np.unique(fits[:, pairs], axis=1, return_inverse=True)
        for number, pattern in enumerate(patterns.T):
            marked = iter(pattern)
            fitting = [[c for c in of_layer if next(marked)] for of_layer in candidates]
            yield pairs[which.ravel() == number], fitting if all(fitting) else None

    def _timed(
        self, piece: Piece, cell: _Cell, rows: Integers, times: Rows, base: Integers, tally: Tally
    ) -> Iterator[Block]:
        """Yield the designs of a cell that take no more power than they may; ``base`` are the areas of the ``rows``."""
        within = cell.within[rows]
        if len(rows) > MANY and self._all_powerful(cell, times):
            tally.power += int(within.sum())
            return
        cycles, energy = chosen(
            [[(candidate.energy, times.cycles(candidate)) for candidate in each] for each in cell.fitting],
            self.space.best_by,
            self.candidates.parts,
        )
        fine = powerful(self.space, self.candidates.parts, cycles, energy)
        tally.power += int(within[~fine].sum())
        kept = np.flatnonzero(fine & (within > 0))
        if len(kept):
            block = Block(
                first=piece.first + piece.times.start * self.space.pairs,
                rows=rows[kept],
                cycles=cycles[kept],
                energy=energy[kept],
                base=base[kept],
                within=within[kept],
                pairs=cell.pairs,
                areas=cell.areas,
                all_pairs=self.space.pairs,
            )
            tally.valid += block.valid
            yield block

    def _all_powerful(self, cell: _Cell, times: Rows) -> bool:
        """Whether even the slowest lanes and ports together take too much power: then all the faster ones do."""
        if self.space.limits.power_mw is None or not cell.alone:
            return False
        most = sum(times.slowest(candidate) for (candidate,) in cell.fitting)
        least = sum(candidate.energy for (candidate,) in cell.fitting)
        return not powerful(self.space, self.candidates.parts, np.array([most]), np.array([least])).any()


@dataclass(frozen=True)
class _Cell:
    """Pairs of sizes, the smallest areas first, how many are small enough by row, and by layer what fits into them."""

    pairs: Integers
    areas: Integers
    within: Integers
    fitting: Fitting

    @property
    def alone(self) -> bool:
        """Whether no layer has a choice."""
        return all(len(each) == 1 for each in self.fitting)
