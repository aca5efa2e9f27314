"""Sub-ranges: the units of work of an exploration. Which there are depends on the space alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from time import perf_counter

from exploration.blocks import Block, Explorer, Piece, Tally
from exploration.fronts import Point, front, front_of
from exploration.samples import Sample, merged, sample_of
from exploration.space import Space

#: the most times (rows) of a sub-range, the most designs, and the most pieces: none takes longer than some seconds
MOST_ROWS, MOST_DESIGNS, MOST_PIECES = 1 << 17, 1 << 23, 1 << 6


@dataclass(frozen=True)
class Finding:
    """What is found in a sub-range: by target the front and a sample of the valid designs, and all in numbers.

    ``points`` is a Parquet file with all valid designs, where these were asked for.
    """

    number: int
    tally: Tally
    fronts: dict[int, list[Point]]
    samples: dict[int, Sample]
    seconds: float
    points: bytes | None = None


def rows_each(space: Space) -> int:
    """Return how many rows a sub-range has: all but the last one have as many."""
    return max(1, min(MOST_ROWS, MOST_DESIGNS // space.pairs, MOST_PIECES * space.times))


def subranges(space: Space) -> int:
    """Return how many sub-ranges there are."""
    return -(-space.rows // rows_each(space))


def pieces(space: Space, number: int) -> Iterator[Piece]:
    """Yield the pieces of a sub-range."""
    each = rows_each(space)
    row, end = number * each, min((number + 1) * each, space.rows)
    while row < end:
        prefix, begin = divmod(row, space.times)
        stop = min(space.times, begin + end - row)
        yield piece(space, prefix, range(begin, stop))
        row += stop - begin


def piece(space: Space, prefix: int, times: range) -> Piece:
    """Return the designs with the same digits up to the buffers, and ``times`` of the lanes and ports."""
    first = prefix * space.times * space.pairs
    design = space.design(first)
    keys = ("pes", *(axis.key for axis in space.buffer_axes))
    pes, *buffers = (design.values[key] or 1 for key in keys)
    return Piece(first, design.target, design.instance or 0, pes, dict(zip(keys[1:], buffers, strict=True)), times)


def explore_subrange(
    explorer: Explorer, number: int, seed: int, keep: Callable[[Block], None] | None = None
) -> Finding:
    """Work out a sub-range; ``keep`` is called with every block of valid designs."""
    start, space, generator, tally = perf_counter(), explorer.space, Random(f"{seed} {number}"), Tally()
    points: dict[int, list[Point]] = {}
    samples: dict[int, list[Sample]] = {}
    for part in pieces(space, number):
        for block in explorer.blocks(part, tally):
            points.setdefault(part.target, []).extend(front_of(block, space.objectives))
            samples.setdefault(part.target, []).append(sample_of(block, generator))
            if keep is not None:
                keep(block)
    fronts = {target: front(found, space.objectives) for target, found in points.items()}
    drawn = {target: merged(parts, generator) for target, parts in samples.items()}
    return Finding(number, tally, fronts, drawn, perf_counter() - start)
