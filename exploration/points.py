"""All valid designs of a sub-range as a Parquet file: their numbers, their values, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow comes without types
from numpy.typing import NDArray
from pyarrow import parquet

from exploration.areas import Integers
from exploration.blocks import Block, Explorer
from exploration.objectives import power_scale

#: designs that are written at once
_TOGETHER = 1 << 18


class PointsFile:
    """A Parquet file in memory, to which blocks are added."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._space = explorer.space
        self._buffer = BytesIO()
        self._writer: parquet.ParquetWriter | None = None

    def add(self, block: Block) -> None:
        """Add all designs of a block."""
        ends = np.cumsum(block.within)
        begin = 0
        while begin < len(ends):
            taken = ends[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(ends, taken + _TOGETHER, side="right")))
            self._write(block, slice(begin, end))
            begin = end

    def content(self) -> bytes:
        """Return the file; of no use for adding afterwards."""
        if self._writer is None:
            return b""
        self._writer.close()
        return self._buffer.getvalue()

    def _write(self, block: Block, part: slice) -> None:
        within = block.within[part]
        rows = np.repeat(np.arange(len(block.rows))[part], within)
        places = np.arange(len(rows)) - np.repeat(np.cumsum(within) - within, within)
        table = pa.table(self._columns(block, rows, places))
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._buffer, table.schema)
        self._writer.write_table(table)

    def _columns(self, block: Block, rows: Integers, places: Integers) -> dict[str, object]:
        space, parts = self._space, self._explorer.candidates.parts
        numbers = block.numbers(rows, places)
        cycles, energy = block.cycles[rows], block.energy[rows]
        target = space.design(int(numbers[0])).target
        macs = sum(layer.macs for layer in space.targets[target][1])
        columns: dict[str, object] = {"design": numbers, **self._digits(numbers), "cycles": cycles}
        columns["macs_per_cycle"] = macs / cycles
        columns["energy"] = energy / parts
        columns["energy_delay"] = _each(cycles, energy, lambda c, e: e * c / parts)
        scale = power_scale(space.machine, space.technology)
        if scale is not None:
            up, down = scale.numerator, scale.denominator * parts
            columns["power_mw"] = _each(cycles, energy, lambda c, e: e * up / (c * down))
        if self._explorer.areas.known:
            area = block.base[rows] + block.areas[places]
            columns["area_mm2"] = area / (self._explorer.areas.parts * 10**6)
        return columns

    def _digits(self, numbers: Integers) -> dict[str, object]:
        """Return the columns of what the numbers stand for: target, dataflow, and the values of the axes."""
        space, found, rest = self._space, {}, numbers
        names = [name for name, _ in space.targets]
        dataflows = ["best per layer"] if space.best_by is not None else [each.name for each in space.instances]
        values = [names, dataflows, *(axis.values for axis in space.axes)]
        keys = ["target", "dataflow", *(axis.key for axis in space.axes)]
        for key, choices in reversed(list(zip(keys, values, strict=True))):
            rest, digit = np.divmod(rest, len(choices))
            dictionary = pa.array(choices)
            found[key] = pa.DictionaryArray.from_arrays(pa.array(digit.astype(np.int32)), dictionary)
            if key not in ("target", "dataflow"):
                found[key] = found[key].dictionary_decode()
        return dict(reversed(found.items()))


def _each(cycles: Integers, energy: Integers, ratio: Callable[[int, int], float]) -> NDArray[np.float64]:
    """Return a ratio of whole numbers of any size for each design, rounded once; equal ones are worked out once."""
    pairs, which = np.unique(np.stack([cycles, energy], axis=1), axis=0, return_inverse=True)
    return np.array([ratio(c, e) for c, e in pairs.tolist()])[which.ravel()]
