"""What a unit works on at a step (§2): chunks of dimensions, and the box they cut out of a subspace.

A region of the iteration space is one box per subspace; a box is one half-open range per dimension of its
subspace. Maps of different subspaces cut independently, so everything here looks at one subspace at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from dataflow.layers import Layer, Subspace
from dataflow.levels import LevelMap

Range = tuple[int, int]
Box = tuple[Range, ...]


def whole(layer: Layer) -> tuple[Box, ...]:
    """Return the region of the whole layer: one box per subspace of ``layer.subspaces``."""
    return tuple(tuple((0, layer.sizes[d]) for d in subspace.dimensions) for subspace in layer.subspaces)


def chunks(extent: int, size: int, offset: int) -> int:
    """Return how many chunks of ``size``, ``offset`` apart, an extent has."""
    return 1 if extent <= size else 1 - (size - extent) // offset


def span(subspace: Subspace, box: Box, name: str) -> Range:
    """Return the range of the dimension ``name`` (iterated or windowed) in a box that is not empty."""
    if subspace.window is None or name != subspace.window.name:
        return box[subspace.dimensions.index(name)]
    (slide_low, slide_high), (tap_low, tap_high) = box
    low = subspace.window.stride * slide_low + subspace.window.dilation * tap_low
    return low, low + subspace.window.extent(slide_high - slide_low, tap_high - tap_low)


def trips(subspace: Subspace, box: Box, level_map: LevelMap, units: int) -> int:
    """Return the steps of the map's loop inside ``box``: its chunks, or for a spatial map its folds."""
    low, high = span(subspace, box, level_map.dimension)
    count = chunks(high - low, level_map.size, level_map.offset)
    return -(-count // units) if level_map.spatial else count


def cut(
    subspace: Subspace, box: Box, maps: Sequence[LevelMap], indices: Sequence[int], unit: int, units: int
) -> Box | None:
    """Return the part of ``box`` that ``unit`` works on when the loops of ``maps`` stand at ``indices``.

    ``maps`` are one level's maps of this subspace. None where nothing is left: the unit is idle.
    """
    ranges = dict(zip(subspace.dimensions, box, strict=True))
    window_chunk = None
    for level_map, index in zip(maps, indices, strict=True):
        low, high = span(subspace, box, level_map.dimension)
        chosen = index * units + unit if level_map.spatial else index
        if chosen >= chunks(high - low, level_map.size, level_map.offset):
            return None
        start = low + chosen * level_map.offset
        chunk = (start, min(start + level_map.size, high))
        if level_map.dimension in ranges:
            ranges[level_map.dimension] = chunk
        else:
            window_chunk = chunk
    if window_chunk is not None:
        ranges = _whole_windows(subspace, ranges, window_chunk)
    cut_box = tuple(ranges[dimension] for dimension in subspace.dimensions)
    return cut_box if all(low < high for low, high in cut_box) else None


def _whole_windows(subspace: Subspace, ranges: dict[str, Range], chunk: Range) -> dict[str, Range]:
    """Keep the slides whose whole window, over the taps of this step, lies in ``chunk``."""
    window = subspace.window
    assert window is not None, "only a windowed dimension is cut through its windows"
    slide_low, slide_high = ranges[window.slide]
    tap_low, tap_high = ranges[window.tap]
    first = -((window.dilation * tap_low - chunk[0]) // window.stride)
    last = (chunk[1] - 1 - window.dilation * (tap_high - 1)) // window.stride
    return ranges | {window.slide: (max(slide_low, first), min(slide_high, last + 1))}
