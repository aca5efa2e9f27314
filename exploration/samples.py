"""Random samples of designs that are known only in parts, without keeping the parts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import numpy as np

from exploration.blocks import Block

#: designs that are kept of each part
LARGEST = 100


@dataclass(frozen=True)
class Sample:
    """Of ``size`` designs, `LARGEST` ones drawn at random, in random order; all if there are fewer.

    Each of the ``members`` is a design's number, its cycles, and in parts its energy and area.
    """

    size: int
    members: tuple[tuple[int, int, int, int], ...]


def sample_of(block: Block, generator: Random) -> Sample:
    """Return a sample of a block."""
    ends = np.cumsum(block.within)
    ranks = generator.sample(range(block.valid), min(LARGEST, block.valid))
    rows = np.searchsorted(ends, ranks, side="right")
    begins = ends[rows] - block.within[rows]
    places = np.array(ranks, np.int64) - begins
    columns = (
        block.numbers(rows, places),
        block.cycles[rows],
        block.energy[rows],
        block.base[rows] + block.areas[places],
    )
    return Sample(block.valid, tuple(zip(*(column.tolist() for column in columns), strict=True)))


def merged(samples: Sequence[Sample], generator: Random) -> Sample:
    """Return a sample of all parts together: every subset of their designs is as likely as any other."""
    ends = list(accumulate(sample.size for sample in samples))
    total = ends[-1] if ends else 0
    taken = [0] * len(samples)
    found = []
    for rank in generator.sample(range(total), min(LARGEST, total)):
        part = bisect_right(ends, rank)
        found.append(samples[part].members[taken[part]])
        taken[part] += 1
    return Sample(total, tuple(found))
