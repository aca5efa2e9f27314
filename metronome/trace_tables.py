"""What happens in a layer as tables: events, and accesses of buffers element by element."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pandas as pd

from dataflow.errors import InputError
from dataflow.layers import TENSORS
from dataflow.levels import Mapping as Mapped
from metronome.files import write, write_bytes
from metronome.trace_files import details
from simulator.accesses import Access
from simulator.events import Event, Path, Step

#: columns of text of the events' table, and of whole numbers, which may be missing
NUMBERS = ("unit", "macs", "input", "filter", "sums", "output", "upstream")
COLUMNS = ("event", "begin", "end", "cluster", "step", "unit", "indices", *NUMBERS[1:], "cause")

#: the files of an SRAM trace, by tensor and whether they are of what is written
SRAM_FILES = {
    ("input", False): "input_sram_read.csv",
    ("filter", False): "filter_sram_read.csv",
    ("output", True): "output_sram_write.csv",
    ("output", False): "output_sram_read.csv",
}


def event_table(events: Sequence[Event]) -> pd.DataFrame:
    """Return a row per event, in the order in which they begin."""
    ordered = sorted(events, key=lambda event: (event.begin, event.cluster, event.end))
    table = pd.DataFrame([_row(event) for event in ordered], columns=list(COLUMNS))
    return table.astype(dict.fromkeys(NUMBERS, "Int64"))


def access_table(accesses: Sequence[Access], mapping: Mapped, shapes: Mapping[str, tuple[int, ...]]) -> pd.DataFrame:
    """Return a row per element that is read or written: cycle, buffer, tensor, coordinates, read or write."""
    parts = []
    for access in accesses:
        coordinates = np.unravel_index(access.elements, shapes[access.tensor])
        places = [" ".join(map(str, place)) for place in zip(*(axis.tolist() for axis in coordinates), strict=True)]
        parts.append(
            pd.DataFrame(
                {
                    "cycle": access.cycles,
                    "buffer": buffer_name(access.buffer, len(mapping.levels)),
                    "tensor": access.tensor,
                    "coordinates": places,
                    "access": "write" if access.write else "read",
                }
            )
        )
    return pd.concat(parts).sort_values("cycle", kind="stable", ignore_index=True)


def buffer_name(buffer: Path, levels: int) -> str:
    """Return what a buffer is called: L2, L1 with the units that lead to it, or C1, C2, … for those of clusters."""
    kind = "L2" if not buffer else "L1" if len(buffer) == levels else f"C{len(buffer)}"
    return f"{kind} {'.'.join(map(str, buffer))}".rstrip()


def write_table(table: pd.DataFrame, output: str) -> None:
    """Write a table as CSV or, where the name says so, as Parquet."""
    if output.endswith(".parquet"):
        content = io.BytesIO()
        table.to_parquet(content, index=False)
        write_bytes(content.getvalue(), output)
    else:
        write(table.to_csv(index=False, lineterminator="\n"), output)


def write_sram(accesses: Sequence[Access], sizes: Mapping[str, int], folder: str) -> None:
    """Write the L2's accesses as SCALE-Sim does: a file per tensor, a row per cycle with the addresses of that cycle.

    Filters lie behind the inputs, outputs behind the filters, each tensor in row-major order. Raises `InputError` where
    the folder cannot be made.
    """
    try:
        FilePath(folder).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"is no folder and cannot be made one: {(error.strerror or '').lower()}", folder) from None
    first = dict(zip(TENSORS, np.cumsum([0, *(sizes[tensor] for tensor in TENSORS[:-1])]).tolist(), strict=True))
    for (tensor, written), name in SRAM_FILES.items():
        chosen = [a for a in accesses if a.buffer == () and (a.tensor, a.write) == (tensor, written)]
        write("".join(_sram_rows(chosen, first[tensor])), str(FilePath(folder) / name))


def _sram_rows(accesses: Sequence[Access], first: int) -> Iterator[str]:
    if not accesses:
        return
    cycles = np.concatenate([access.cycles for access in accesses])
    addresses = np.concatenate([access.elements for access in accesses]) + first
    order = np.argsort(cycles, kind="stable")
    cycles, addresses = cycles[order], addresses[order]
    starts = np.flatnonzero(np.diff(cycles, prepend=-1))
    for cycle, of_cycle in zip(cycles[starts].tolist(), np.split(addresses, starts[1:]), strict=True):
        yield ",".join(map(str, [cycle, *of_cycle.tolist()])) + "\n"


def _row(event: Event) -> dict[str, Any]:
    head = {"event": type(event).__name__.lower(), "begin": event.begin, "end": event.end}
    indices = {"indices": " ".join(map(str, event.indices))} if isinstance(event, Step) else {}
    return {**head, "cluster": ".".join(map(str, event.cluster)), "step": event.number, **details(event), **indices}
