"""Which clusters behave alike: one of each kind is enough.

Two units of a cluster do the same work at the same times if, wherever the loops stand, what they work on has the
same size and lies equally far from where it lay before. Every unit of a kind then takes the same time and moves the
same amounts, and so do all clusters below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from analytical.positions import Leaf, Lengths, Offset, Place, Tree
from dataflow.levels import Mapping


@dataclass(frozen=True)
class Kind:
    """Clusters that behave alike.

    ``path`` leads to one of them: the unit to take at each level from the top; ``count`` says how many units of its
    parent are of this kind. ``units`` are the kinds of its own units by the unit that stands for them; empty if they
    are PEs.
    """

    path: tuple[int, ...]
    count: int
    units: dict[int, Kind]

    @cached_property
    def level(self) -> int:
        """The level of the clusters; 0 is the top."""
        return len(self.path)

    def all(self) -> Iterator[Kind]:
        """Yield this kind and those below it."""
        yield self
        for kind in self.units.values():
            yield from kind.all()


def kinds(mapping: Mapping, trees: list[Tree]) -> Kind:
    """Return the kind of the top-level cluster, with all those below."""
    whole = [{tuple(mapping.layer.sizes[d] for d in s.dimensions)} for s in mapping.layer.subspaces]
    return _kind(mapping, trees, (), 1, whole)


def _kind(mapping: Mapping, trees: list[Tree], path: tuple[int, ...], count: int, regions: list[set[Lengths]]) -> Kind:
    level = len(path)
    if level == len(mapping.levels) - 1:
        return Kind(path, count, {})
    leaves = [
        [place for lengths in sorted(each) if (root := tree.root(level, lengths)) for place in _leaves(root)]
        for tree, each in zip(trees, regions, strict=True)
    ]
    apart = [each for tree, each in zip(trees, leaves, strict=True) if tree.spatial(level)]
    alike: dict[object, list[int]] = {}
    for unit in range(mapping.levels[level].units):
        behaviour = tuple([_behaviour(each, unit) for each in apart])
        if all(leaves) and all(map(any, behaviour)):
            alike.setdefault(behaviour, []).append(unit)
    units = {}
    for members in alike.values():
        below = [{_lengths(leaf, members[0]) for leaf, _ in each} - {()} for each in leaves]
        units[members[0]] = _kind(mapping, trees, (*path, members[0]), len(members), below)
    return Kind(path, count, units)


def _leaves(place: Place) -> Iterator[tuple[Leaf, Offset]]:
    position, origin = place
    if isinstance(position, Leaf):
        yield position, origin
    else:
        for run in position.runs:
            yield from _leaves((run.below, tuple(o + r for o, r in zip(origin, run.origin, strict=True))))


def _lengths(leaf: Leaf, unit: int) -> Lengths:
    return leaf.lengths[unit if len(leaf.boxes) > 1 else 0]


def _behaviour(leaves: list[tuple[Leaf, Offset]], unit: int) -> tuple[object, ...]:
    """Return the unit's sizes, and its places relative to the first one; None where it is idle."""
    first: tuple[int, ...] | None = None
    found: list[object] = []
    for leaf, origin in leaves:
        box = leaf.box(unit)
        if box is None:
            found.append(None)
            continue
        place = tuple([o + low for o, (low, _) in zip(origin, box, strict=True)])
        first = first or place
        relative = tuple([p - f for p, f in zip(place, first, strict=True)])
        found.append((_lengths(leaf, unit), relative))
    return tuple(found)
