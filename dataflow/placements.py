"""Where the units of a level stand in a box over all of its steps: `dataflow.regions.cut`, all steps at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dataflow.errors import InputError
from dataflow.layers import Subspace, Window
from dataflow.levels import Level, LevelMap
from dataflow.regions import chunks

Integers = npt.NDArray[np.int64]

#: Boxes that a level may have inside one box: a bound far beyond any layer, for the sake of memory.
LIMIT = 1 << 22


@dataclass(frozen=True)
class Placements:
    """Boxes that are not empty: starts and lengths with one column per dimension, and the unit of each.

    ``units`` is None where no map is spatial: every unit takes every box.
    """

    starts: Integers
    lengths: Integers
    units: Integers | None

    def by_lengths(self) -> Iterator[tuple[tuple[int, ...], Placements]]:
        """Yield the placements grouped by lengths."""
        distinct, group = np.unique(self.lengths, axis=0, return_inverse=True)
        for number, lengths in enumerate(distinct):
            rows = np.flatnonzero(group == number)
            units = None if self.units is None else self.units[rows]
            yield tuple(map(int, lengths)), Placements(self.starts[rows], self.lengths[rows], units)


def place(factor: Subspace, lengths: tuple[int, ...], level: Level) -> Placements:
    """Return the boxes that the units of ``level`` work on inside a box of these lengths, over all steps.

    Starts are relative to the box: what a level does to a box does not depend on where the box is. Raises
    `InputError` where there are more than `LIMIT`.
    """
    cuts = _window_cuts if factor.window else _plain_cuts
    extents = dict(zip(factor.dimensions, lengths, strict=True))
    if factor.window:
        extents[factor.window.name] = factor.window.extent(*lengths)
    index, low, high = cuts(factor, lengths, {m.dimension: _clipped(m, extents) for m in level.maps_of(factor)})
    units = None
    kept = np.all(low < high, axis=1)
    for level_map in (m for m in level.maps_of(factor) if m.spatial):
        unit = index[level_map.dimension] % level.units
        kept &= True if units is None else unit == units
        units = unit if units is None else units
    return Placements(low[kept], (high - low)[kept], None if units is None else units[kept])


def _clipped(level_map: LevelMap, extents: dict[str, int]) -> LevelMap:
    """Bound the numbers of a map by the extent, beyond which they change nothing, so that they fit an array."""
    extent = extents[level_map.dimension]
    return replace(level_map, size=min(level_map.size, extent), offset=min(level_map.offset, extent))


def _bounded(count: int, level_map: LevelMap | None) -> int:
    if count > LIMIT and level_map:
        raise InputError(
            f"{level_map.source}: {count} chunks in a level, more than the {LIMIT} that can be checked",
            level_map.source.position,
        )
    return count


_Cuts = tuple[dict[str, Integers], Integers, Integers]


def _plain_cuts(factor: Subspace, lengths: tuple[int, ...], maps: dict[str, LevelMap]) -> _Cuts:
    (dimension,), (length,) = factor.dimensions, lengths
    index, low, high = _chunks(maps.get(dimension), length)
    return {dimension: index}, low[:, None], high[:, None]


def _window_cuts(factor: Subspace, lengths: tuple[int, ...], maps: dict[str, LevelMap]) -> _Cuts:
    """Combine every chunk of the slides and of the taps with the window chunks that can hold a window of them."""
    window = factor.window
    assert window is not None, "only a factor with a window has window chunks"
    slide, slide_low, slide_high = _chunks(maps.get(window.slide), lengths[0])
    tap, tap_low, tap_high = _chunks(maps.get(window.tap), lengths[1])
    _bounded(len(slide) * len(tap), maps.get(window.tap))
    pairs = np.meshgrid(np.arange(len(slide)), np.arange(len(tap)), indexing="ij")
    s, t = pairs[0].ravel(), pairs[1].ravel()
    index = {window.slide: slide[s], window.tap: tap[t]}
    low, high = np.column_stack((slide_low[s], tap_low[t])), np.column_stack((slide_high[s], tap_high[t]))
    if window.name not in maps:
        return index, low, high
    pair, chosen = _chunks_in_reach(window, maps[window.name], lengths, low, high)
    low, high = _whole_windows(window, maps[window.name], chosen, lengths, low[pair], high[pair])
    return {name: column[pair] for name, column in index.items()} | {window.name: chosen}, low, high


def _chunks(level_map: LevelMap | None, length: int) -> tuple[Integers, Integers, Integers]:
    """Return index, low and high of every chunk of an extent that is not empty; without a map, the whole."""
    if level_map is None:
        return np.zeros(1, np.int64), np.zeros(1, np.int64), np.full(1, length, np.int64)
    index = np.arange(_bounded(chunks(length, level_map.size, level_map.offset), level_map), dtype=np.int64)
    low = index * level_map.offset
    held = low < length
    return index[held], low[held], np.minimum(low + level_map.size, length)[held]


def _chunks_in_reach(
    window: Window, level_map: LevelMap, lengths: Sequence[int], low: Integers, high: Integers
) -> tuple[Integers, Integers]:
    """Return (row of ``low``, chunk) for the window chunks that start early and end late enough to hold a window."""
    count = chunks(window.extent(lengths[0], lengths[1]), level_map.size, level_map.offset)
    first_end = window.stride * low[:, 0] + window.dilation * (high[:, 1] - 1) + 1
    last_start = window.stride * (high[:, 0] - 1) + window.dilation * low[:, 1]
    first = np.maximum(0, -((level_map.size - first_end) // level_map.offset))
    last = np.minimum(count - 1, last_start // level_map.offset)
    number = np.maximum(0, last - first + 1)
    _bounded(sum(number.tolist()), level_map)
    row = np.repeat(np.arange(len(low)), number)
    within = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    return row, first[row] + within


def _whole_windows(
    window: Window, level_map: LevelMap, chosen: Integers, lengths: Sequence[int], low: Integers, high: Integers
) -> tuple[Integers, Integers]:
    """Keep the slides whose whole window, over the taps of the step, lies in the chunk."""
    start = chosen * level_map.offset
    end = np.minimum(start + level_map.size, window.extent(lengths[0], lengths[1]))
    first = -((window.dilation * low[:, 1] - start) // window.stride)
    last = (end - 1 - window.dilation * (high[:, 1] - 1)) // window.stride
    slide_low, slide_high = np.maximum(low[:, 0], first), np.minimum(high[:, 0], last + 1)
    return np.column_stack((slide_low, low[:, 1])), np.column_stack((slide_high, high[:, 1]))
