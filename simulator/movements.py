"""Which elements of which units' tiles move, stay and leave, as positions in arrays of values.

The values of all units' tiles of a step lie in one array, unit by unit, in ascending order of elements (`Layout`). How
a step's array comes from the ones before it depends only on how the steps lie to each other, so each such plan is made
once. What moves is what the simulator says that moves: an `Activity` gives sets of units and numbers of elements, and
an element for which it has no room is not moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.activities import Activity
from simulator.elements import PIECE, Elements, Integers, Products
from simulator.nest import Shape

#: A movement: a set of units, those of them that it reaches, and how many elements it has for them.
Movement = tuple[int, int, int]

#: Units whose sets are told apart by one integer.
_WORD = 62


class Layout(NamedTuple):
    """The tiles of a step's units: by entry its unit and its element relative to the step's; by unit its entries."""

    units: Integers
    elements: Integers
    entries: dict[int, slice]


class Copies(NamedTuple):
    """Entries ``to`` of an array come from the entries ``source`` of another."""

    to: Integers
    source: Integers


@dataclass(frozen=True, eq=False)
class Transfer:
    """How the operands of a step come about.

    ``kept`` are copied from what the units hold (by its number), ``received`` are the entries that come from upstream,
    where they are ``elements``, and ``lost`` those that nobody sends. ``unchanged``: the array is that of the first.
    """

    size: int
    kept: tuple[Copies, ...]
    received: Integers
    elements: Integers
    lost: Integers
    unchanged: bool
    known: dict[object, Integers] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Departure:
    """How outputs leave: the entries ``leaving`` by element, each beginning at ``starts``, and those that stay."""

    leaving: Integers
    starts: Integers
    elements: Integers
    staying: Integers
    known: dict[object, Integers] = field(default_factory=dict)


class Movements:
    """The plans of one level."""

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        self._layouts: dict[tuple[str, Shape], Layout] = {}
        self._products: dict[Shape, Products] = {}
        self._transfers: dict[object, Transfer] = {}
        self._departures: dict[object, Departure] = {}
        self._carried: dict[object, Copies] = {}

    def layout(self, tensor: str, shape: Shape) -> Layout:
        """Return where the elements of the units' tiles stand."""
        key = (tensor, shape)
        if key not in self._layouts:
            tiles = []
            for unit in shape.members:
                lengths, origin = shape.region(unit)
                tiles.append(self._elements.tile(tensor, lengths) + self._elements.base(tensor, origin))
            sizes = [len(tile) for tile in tiles]
            ends = np.cumsum(sizes).tolist()
            entries = {u: slice(end - n, end) for u, n, end in zip(shape.members, sizes, ends, strict=True)}
            self._layouts[key] = Layout(np.repeat(shape.members, sizes), np.concatenate(tiles), entries)
        return self._layouts[key]

    def products(self, shape: Shape) -> Products | None:
        """Return all PEs' points, as positions in their operands; None where that would take too much room."""
        if shape.macs > PIECE:
            return None
        if shape not in self._products:
            parts, starts = [], 0
            for pe in shape.members:
                found = self._elements.products(shape.region(pe)[0])
                begin = [self.layout(tensor, shape).entries[pe].start for tensor in ("input", "filter")]
                parts.append(Products(found.input + begin[0], found.filter + begin[1], found.starts + starts))
                starts += len(found.input)
            self._products[shape] = Products(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        return self._products[shape]

    def transfer(
        self,
        tensor: str,
        shape: Shape,
        held: tuple[tuple[int, Shape, int], ...],
        activity: Activity,
        movements: Callable[[], Sequence[Movement]],
    ) -> Transfer:
        """Return how the units get a step's tiles of ``tensor``.

        ``held`` is what they have: sets of units, and the shape and the relative place of the step that it is from.
        ``movements`` are those of ``activity``.
        """
        key = (tensor, shape, held, activity)
        if key not in self._transfers:
            self._transfers[key] = self._transfer(tensor, shape, held, movements())
        return self._transfers[key]

    def _transfer(
        self, tensor: str, shape: Shape, held: tuple[tuple[int, Shape, int], ...], movements: Sequence[Movement]
    ) -> Transfer:
        layout = self.layout(tensor, shape)
        kept = [self._copies(tensor, shape, last, away, units) for units, last, away in held]
        needed = np.ones(len(layout.units), bool)
        for copies in kept:
            needed[copies.to] = False
        wanted = np.flatnonzero(needed)
        moved = claimed(layout.units[wanted], layout.elements[wanted], movements)
        received = wanted[moved]
        size = len(layout.units)
        unchanged = len(held) == 1 and np.array_equal(kept[0].to, kept[0].source) and len(kept[0].to) == size
        unchanged = unchanged and len(self.layout(tensor, held[0][1]).units) == size
        return Transfer(size, tuple(kept), received, layout.elements[received], wanted[~moved], unchanged)

    def departure(self, shape: Shape, upcoming: tuple[Shape, int] | None, activity: Activity) -> Departure:
        """Return how outputs leave after a step of this shape, if the next one is ``upcoming`` (shape, place)."""
        key = (shape, upcoming, activity)
        if key not in self._departures:
            layout = self.layout("output", shape)
            staying = np.zeros(len(layout.units), bool)
            if upcoming is not None:
                staying[self._copies("output", shape, *upcoming, -1).to] = True
            wanted = np.flatnonzero(~staying)
            movements = [(units, units, number) for units, number in activity.output.groups]
            moved = claimed(layout.units[wanted], layout.elements[wanted], movements)
            staying[wanted[~moved]] = True
            leaving = wanted[moved]
            leaving = leaving[np.argsort(layout.elements[leaving], kind="stable")]
            elements, starts = np.unique(layout.elements[leaving], return_index=True)
            self._departures[key] = Departure(leaving, starts, elements, np.flatnonzero(staying))
        return self._departures[key]

    def carried(self, shape: Shape, last: Shape, away: int, departure: Departure | None) -> Copies:
        """Return which outputs of the step before are still there, and in the units' tiles of this one."""
        key = (shape, last, away, departure)
        if key not in self._carried:
            found = self.common("output", shape, last, away)
            if departure is not None:
                remain = np.isin(found.source, departure.staying)
                found = Copies(found.to[remain], found.source[remain])
            self._carried[key] = found
        return self._carried[key]

    def common(self, tensor: str, shape: Shape, last: Shape, away: int) -> Copies:
        """Return which entries a step has in common with another one ``away``."""
        return self._copies(tensor, shape, last, away, -1)

    def _copies(self, tensor: str, shape: Shape, last: Shape, away: int, units: int) -> Copies:
        """Return which entries a step has in common with another one ``away``, on some units."""
        mine, theirs = self.layout(tensor, shape), self.layout(tensor, last)
        span = 4 * self._elements.sizes[tensor]
        wanted = mine.units * span + mine.elements
        there = theirs.units * span + theirs.elements + away
        found = places(there, wanted)
        to = np.flatnonzero(found >= 0)
        if units != -1:
            chosen = [bool(units >> unit & 1) for unit in range(int(mine.units[-1]) + 1)]
            to = to[np.array(chosen)[mine.units[to]]]
        return Copies(to, found[to])


def places(among: Integers, wanted: Integers) -> Integers:
    """Return where in ``among``, which is in ascending order, the ``wanted`` are; -1 for those that are not there."""
    found = np.searchsorted(among, wanted)
    found[found == len(among)] = 0
    if len(among):
        found[among[found] != wanted] = -1
    else:
        found[:] = -1
    return found


def claimed(units: Integers, elements: Integers, movements: Sequence[Movement]) -> NDArray[np.bool_]:
    """Tell which of the wanted elements (of a unit each) the movements bring.

    A movement takes elements that exactly its units want, in ascending order, and then such that others want as well.
    """
    carried = np.zeros(len(units), bool)
    if not len(units):
        return carried
    order = np.lexsort((units, elements))
    wanted = _by_units(units[order], elements[order])
    if _as_many(movements, wanted):
        carried[:] = True
        return carried
    # by the units that still want them, the elements: who wanted them at first, and their first entries in the order
    pool = {mask: [(mask, starts)] for mask, starts in wanted.items()}
    for receivers, reached, number in movements:
        missing = number
        for mask in sorted((m for m in pool if m & receivers == receivers), key=lambda m: (m != receivers, m)):
            if not missing:
                break
            rest = []
            for original, starts in pool.pop(mask):
                taken, left = starts[:missing], starts[missing:]
                missing -= len(taken)
                for unit in members(reached):
                    carried[order[taken + (original & ((1 << unit) - 1)).bit_count()]] = True
                if mask != receivers and len(taken):
                    pool.setdefault(mask & ~receivers, []).append((original, taken))
                if len(left):
                    rest.append((original, left))
            if rest:
                pool.setdefault(mask, []).extend(rest)
    return carried


def _as_many(movements: Sequence[Movement], wanted: dict[int, Integers]) -> bool:
    """Tell whether the movements bring just what is wanted: the same sets of units, or unit by unit."""
    if any(receivers != reached for receivers, reached, _ in movements):
        return False
    offered: Counter[int] = Counter()
    for receivers, _, number in movements:
        offered[receivers] += number
    if all(receivers & (receivers - 1) == 0 for receivers in offered):
        alone: Counter[int] = Counter()
        for mask, starts in wanted.items():
            for unit in members(mask):
                alone[1 << unit] += len(starts)
        return offered == alone
    return offered == {mask: len(starts) for mask, starts in wanted.items()}


def _by_units(units: Integers, elements: Integers) -> dict[int, Integers]:
    """Return by set of units where the elements begin that exactly these want; entries are in order of elements."""
    if units.min() == units.max():
        return {1 << int(units[0]): np.arange(len(units))}
    starts = np.flatnonzero(np.concatenate(([True], elements[1:] != elements[:-1])))
    words = []
    for low in range(0, int(units.max()) + 1, _WORD):
        inside = (units >= low) & (units < low + _WORD)
        bits = np.where(inside, np.int64(1) << np.where(inside, units - low, 0), 0)
        words.append(np.add.reduceat(bits, starts))
    order = np.lexsort(words)
    changes = np.any([word[order][1:] != word[order][:-1] for word in words], axis=0)
    found = {}
    for group in np.split(order, np.flatnonzero(changes) + 1):
        mask = sum(int(word[group[0]]) << (number * _WORD) for number, word in enumerate(words))
        found[mask] = starts[group]
    return found


def members(units: int) -> list[int]:
    """Return the units of a set, in ascending order."""
    return [unit for unit in range(units.bit_length()) if units >> unit & 1]
