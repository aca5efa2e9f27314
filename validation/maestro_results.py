"""Reads the table of results that MAESTRO writes: one row per layer, in the order of its mapping file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from types import MappingProxyType

from dataflow.errors import InputError
from dataflow.text_files import read_text

LAYER = "Layer Number"

#: The heading of every number that is read, by the name that the audit calls it.
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "pes": "NumPEs",
        "cycles": "Runtime (Cycles)",
        "throughput": "Throughput (MACs/Cycle)",
        "macs": "Num MACs",
        "active_pes": "Avg number of utilized PEs",
        "input_l2_read": "input l2 read",
        "filter_l2_read": "filter l2 read",
        "output_l2_write": "output l2 write",
        "output_l2_read": "output l2 read",
        "input_l1_write": "input l1 write",
        "filter_l1_write": "filter l1 write",
    }
)
_FRACTIONS = ("throughput", "active_pes")


@dataclass(frozen=True)
class Row:
    """One layer's results: ``numbers`` by the names of `HEADINGS`, as far as the file has these columns.

    ``name`` is as the file has it; ``line`` counts from 1.
    """

    name: str
    line: int
    numbers: Mapping[str, int | float] = field(hash=False)


@dataclass(frozen=True)
class Results:
    """A file of results: its rows in file order, and the names of `HEADINGS` for which it has no column."""

    file: str
    rows: tuple[Row, ...]
    missing: tuple[str, ...]


def read_results(path: str | Path) -> Results:
    """Read the table in a file; columns may be absent or stand in any order, others are ignored.

    Raises `InputError` with file and line for a number that is none, a row that is too short, and a table without
    layer names, rows or any known number.
    """
    return parse_results(read_text(path), str(path))


def parse_results(text: str, file: str = "<string>") -> Results:
    """Read the table in ``text``; ``file`` is its name in errors."""
    lines = csv.reader(text.splitlines(), skipinitialspace=True)
    rows: list[Row] = []
    head: list[str] | None = None
    places: dict[str, int] = {}
    try:
        for cells in lines:
            stripped = [cell.strip() for cell in cells]
            if not any(stripped) or stripped == head:
                continue
            if head is None:
                head, places = stripped, _places(stripped, f"{file}:{lines.line_num}")
            else:
                rows.append(_row(stripped, len(head), places, file, lines.line_num))
    except csv.Error as error:
        raise InputError(f"not a table of comma-separated values: {error}", f"{file}:{lines.line_num}") from None
    if not rows:
        raise InputError("no results: a line of headings and a line for each layer are needed", file)
    return Results(file, tuple(rows), tuple(name for name in HEADINGS if name not in places))


def _places(head: Sequence[str], where: str) -> dict[str, int]:
    """Return where each known number stands, the layer's name under `LAYER`; the first of equal headings counts."""
    wanted = {LAYER: LAYER, **HEADINGS}
    places = {name: head.index(heading) for name, heading in wanted.items() if heading in head}
    if LAYER not in places:
        raise InputError(f"no column {LAYER}, which names the layers, among the headings", where)
    if len(places) == 1:
        raise InputError(f"none of the columns that can be compared is here: {', '.join(HEADINGS.values())}", where)
    return places


def _row(cells: Sequence[str], width: int, places: Mapping[str, int], file: str, line: int) -> Row:
    if len(cells) < width:
        raise InputError(f"{len(cells)} values in a row of a table with {width} headings", f"{file}:{line}")
    numbers = {
        name: _number(cells[place], name, f"{file}:{line}") for name, place in places.items() if name in HEADINGS
    }
    return Row(cells[places[LAYER]], line, numbers)


def _number(text: str, name: str, where: str) -> int | float:
    """Read a number that is not negative, and whole unless its column is one of fractions."""
    heading = HEADINGS[name]
    try:
        number = int(text) if text.isascii() and text.isdigit() else float(text)
    except ValueError:
        raise InputError(f"{heading} is {text!r}; a number is needed", where) from None
    if not isfinite(number) or number < 0:
        raise InputError(f"{heading} is {text}; a number that is not negative is needed", where)
    if name in _FRACTIONS or isinstance(number, int):
        return number
    if not number.is_integer():
        raise InputError(f"{heading} is {text}; a whole number is needed", where)
    return int(number)
