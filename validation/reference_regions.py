"""Regions, tiles and steps written out point by point: the ground on which the naive reference counts.

Nothing here is clever. A region is a range for every iteration dimension, a tile is the set of elements that a
region touches, and a cluster is the list of all the steps that it ever takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from dataflow.layers import TENSORS, Layer, Window
from dataflow.levels import Level, LevelMap, Mapping

Region = dict[str, range]
Element = tuple[int, ...]
Tile = frozenset[Element]


@dataclass(frozen=True)
class Step:
    """One step of a cluster: the parent's step that encloses it, and each unit's region, None where idle."""

    parent: int
    regions: tuple[Region | None, ...]


@dataclass(frozen=True)
class Cluster:
    """A cluster of ``level`` with its whole life, and the clusters that are its units (none at the innermost)."""

    level: int
    steps: tuple[Step, ...]
    units: tuple[Cluster, ...]


def life(mapping: Mapping) -> Cluster:
    """Return the top cluster of ``mapping``; the whole layer is the one region that it works through."""
    return _cluster(mapping, 0, [whole(mapping.layer)])


def whole(layer: Layer) -> Region:
    """Return the region of the whole layer."""
    return {dimension: range(layer.sizes[dimension]) for dimension in layer.dimensions}


def steps_under(layer: Layer, level: Level, parent: Region) -> Iterator[tuple[Region | None, ...]]:
    """Yield each unit's region, step by step in loop order; steps in which every unit is idle do not exist."""
    chunks = [_chunks(extent(layer, parent, level_map.dimension), level_map) for level_map in level.maps]
    trips = [
        -(-len(found) // level.units) if level_map.spatial else len(found)
        for level_map, found in zip(level.maps, chunks, strict=True)
    ]
    for indices in product(*(range(count) for count in trips)):
        regions = tuple(_unit_region(layer, level, parent, chunks, indices, unit) for unit in range(level.units))
        if any(regions):
            yield regions


def extent(layer: Layer, region: Region, dimension: str) -> range:
    """Return the range of a dimension in ``region``; a windowed one spans every coordinate that is touched."""
    for window in layer.windows:
        if window.name == dimension:
            touched = coordinates(layer, region, dimension)
            return range(min(touched), max(touched) + 1)
    return region[dimension]


def coordinates(layer: Layer, region: Region, axis: str) -> set[int]:
    """Return the coordinates along ``axis`` that the points of ``region`` touch."""
    for window in layer.windows:
        if window.name == axis:
            return {_coordinate(window, slide, tap) for slide in region[window.slide] for tap in region[window.tap]}
    return set(region[axis])


class Tiles:
    """The elements that regions of a layer touch; what was seen before is looked up."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self._touching = {
            tensor: [dimension for axis in layer.tensor_axes(tensor) for dimension in _dimensions(layer, axis)]
            for tensor in TENSORS
        }
        self._known: dict[tuple[str, tuple[range, ...]], Tile] = {}

    def of(self, region: Region | None, tensor: str) -> Tile:
        """Return the elements of ``tensor`` that ``region`` touches; an idle unit touches none.

        The axes of a tensor have no dimension in common, so every combination of touched coordinates occurs.
        """
        if region is None:
            return frozenset()
        key = (tensor, tuple([region[dimension] for dimension in self._touching[tensor]]))
        if key not in self._known:
            axes = (coordinates(self.layer, region, axis) for axis in self.layer.tensor_axes(tensor))
            self._known[key] = frozenset(product(*axes))
        return self._known[key]


def points(layer: Layer, region: Region) -> Iterator[tuple[int, ...]]:
    """Yield the points of ``region``, coordinates in the order of ``layer.dimensions``."""
    yield from product(*(region[dimension] for dimension in layer.dimensions))


def _cluster(mapping: Mapping, number: int, parents: Sequence[Region | None]) -> Cluster:
    """Enumerate a cluster of level ``number`` whose own unit has the regions ``parents``, one per parent step."""
    level = mapping.levels[number]
    steps = tuple(
        Step(index, regions)
        for index, parent in enumerate(parents)
        if parent is not None
        for regions in steps_under(mapping.layer, level, parent)
    )
    if number + 1 == len(mapping.levels):
        return Cluster(number, steps, ())
    units = (_cluster(mapping, number + 1, [step.regions[unit] for step in steps]) for unit in range(level.units))
    return Cluster(number, steps, tuple(units))


def _chunks(whole_range: range, level_map: LevelMap) -> list[range]:
    """Cut a range into chunks; slicing a range clips to it."""
    beyond_first = max(0, len(whole_range) - level_map.size)
    count = 1 + -(-beyond_first // level_map.offset)
    starts = (index * level_map.offset for index in range(count))
    return [whole_range[start : start + level_map.size] for start in starts]


def _unit_region(
    layer: Layer, level: Level, parent: Region, chunks: list[list[range]], indices: tuple[int, ...], unit: int
) -> Region | None:
    """Cut the parent's region by the unit's chunks: first the iteration dimensions, then whole windows."""
    cuts = {}
    for level_map, found, index in zip(level.maps, chunks, indices, strict=True):
        chosen = index * level.units + unit if level_map.spatial else index
        if chosen >= len(found):
            return None
        cuts[level_map.dimension] = found[chosen]
    region = {dimension: cuts.get(dimension, parent[dimension]) for dimension in parent}
    for window in layer.windows:
        if window.name in cuts:
            region[window.slide] = _whole_windows(window, region, cuts[window.name])
    return region if all(region.values()) else None


def _whole_windows(window: Window, region: Region, chunk: range) -> range:
    """Keep the slides whose every coordinate, over the taps of the region, lies in the chunk."""
    kept = [
        slide
        for slide in region[window.slide]
        if all(_coordinate(window, slide, tap) in chunk for tap in region[window.tap])
    ]
    return range(kept[0], kept[-1] + 1) if kept else range(0)


def _dimensions(layer: Layer, axis: str) -> tuple[str, ...]:
    """Return the iteration dimensions on which the coordinate along an axis depends."""
    for window in layer.windows:
        if window.name == axis:
            return (window.slide, window.tap)
    return (axis,)


def _coordinate(window: Window, slide: int, tap: int) -> int:
    return window.stride * slide + window.dilation * tap
