"""How one level cuts one parent region: its loops, and the boxes of the units at the indices of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from analytical.cases import Loop
from dataflow.layers import Layer
from dataflow.levels import Level
from dataflow.regions import Box, chunks, cut, span

#: One box per subspace of the layer, each starting at 0: the same work at another place is the same region.
Region = tuple[Box, ...]

Indices = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """What the units hold of one subspace in a step.

    ``box`` is that of the largest unit and ``other`` its box in a neighbouring step (None: nothing). Every
    ``spacing``-th unit is active, and its box is ``shift`` from that of the active unit before it.
    """

    box: Box
    other: Box | None
    shift: tuple[int, ...]
    spacing: int = 1


@dataclass(frozen=True)
class LevelRegion:
    """A level at work on a region: everything that follows from where its loops stand."""

    layer: Layer
    level: Level
    region: Region
    _parts: dict[tuple[int, Indices, Indices | None], Part | None] = field(default_factory=dict, compare=False)

    @cached_property
    def chunk_counts(self) -> tuple[int, ...]:
        """Chunks of each of the level's maps."""
        return tuple(chunks(extent, m.size, m.offset) for m, extent in zip(self.level.maps, self._extents, strict=True))

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """The loop of each of the level's maps."""
        return tuple(self._loop(place) for place in range(len(self.level.maps)))

    def active_units(self, indices: Indices) -> int:
        """Return how many units have a chunk of every spatial map where the loops stand at ``indices``."""
        left = [
            count - index * self.level.units
            for level_map, count, index in zip(self.level.maps, self.chunk_counts, indices, strict=True)
            if level_map.spatial
        ]
        return min([self.level.units, *left])

    def parts(self, indices: Indices, other: Indices | None) -> tuple[Part, ...] | None:
        """Return one part per subspace for a step and a neighbouring one, or None for an empty step.

        The other boxes are None together: a step that is empty in one subspace is empty.
        """
        found = []
        for place in range(len(self.layer.subspaces)):
            part = self._part(place, indices, other)
            if part is None:
                return None
            found.append(part)
        if other is not None and any(part.other is None for part in found):
            return self.parts(indices, None)
        return tuple(found)

    @cached_property
    def _extents(self) -> tuple[int, ...]:
        extents = []
        for level_map in self.level.maps:
            place = next(i for i, s in enumerate(self.layer.subspaces) if level_map.dimension in s.names)
            low, high = span(self.layer.subspaces[place], self.region[place], level_map.dimension)
            extents.append(high - low)
        return tuple(extents)

    def _loop(self, place: int) -> Loop:
        level_map, count, extent = self.level.maps[place], self.chunk_counts[place], self._extents[place]
        clipped = (count - 1) * level_map.offset + level_map.size > extent
        if not level_map.spatial:
            return Loop(count, count > 1 and clipped)
        folds = -(-count // self.level.units)
        units_in_last = count - (folds - 1) * self.level.units
        smaller = units_in_last < self.level.units or (units_in_last == 1 and clipped)
        return Loop(folds, folds > 1 and smaller)

    @cached_property
    def _places(self) -> tuple[tuple[int, ...], ...]:
        """For each subspace, the places of its maps in the loop order."""
        return tuple(
            tuple(i for i, m in enumerate(self.level.maps) if m.dimension in subspace.names)
            for subspace in self.layer.subspaces
        )

    def _part(self, place: int, indices: Indices, other: Indices | None) -> Part | None:
        own = tuple(indices[i] for i in self._places[place])
        own_other = None if other is None else tuple(other[i] for i in self._places[place])
        key = (place, own, own_other)
        if key not in self._parts:
            self._parts[key] = self._find_part(place, own, own_other, self.active_units(indices))
        return self._parts[key]

    def _find_part(self, place: int, own: Indices, other: Indices | None, units: int) -> Part | None:
        maps = self.level.maps_of(self.layer.subspaces[place])
        if not any(level_map.spatial for level_map in maps):
            units = 1
        candidates = []
        for unit in sorted({0, min(1, units - 1), units - 1}):
            box = self._box(place, own, unit)
            before = None if other is None else self._box(place, other, unit)
            if box is not None:
                candidates.append((_volume(box), before is not None, -unit, box, before))
        if not candidates:
            return None
        _, _, negated, box, before = max(candidates)
        return self._beside(place, own, Part(box, before, (0,) * len(box)), -negated, units)

    def _beside(self, place: int, own: Indices, part: Part, unit: int, units: int) -> Part:
        """Find the nearest active unit; strides that units step over leave some of them without work."""
        window = self.layer.subspaces[place].window
        if units == 1:
            return part
        for spacing in range(1, 1 + (window.stride if window else 1)):
            for direction in (1, -1):
                neighbour = unit + direction * spacing
                box = self._box(place, own, neighbour) if 0 <= neighbour < units else None
                if box is not None:
                    pairs = zip(box, part.box, strict=True)
                    return Part(part.box, part.other, tuple(direction * (a[0] - b[0]) for a, b in pairs), spacing)
        return Part(part.box, part.other, part.shift, units)

    def _box(self, place: int, own: Indices, unit: int) -> Box | None:
        subspace = self.layer.subspaces[place]
        return cut(subspace, self.region[place], self.level.maps_of(subspace), own, unit, self.level.units)


def at_origin(box: Box) -> Box:
    """Return a box of the same lengths that starts at 0."""
    return tuple((0, high - low) for low, high in box)


def _volume(box: Box) -> int:
    return prod(high - low for low, high in box)
