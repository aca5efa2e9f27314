"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from dataflow.metrics import Metrics
from metronome.frames import difference
from metronome.runs import LayerRun, Run

_TRAFFIC: MappingProxyType[str, Callable[[Metrics], int]] = MappingProxyType(
    {
        "L2 input reads": lambda m: m.boundaries[0].upstream.input_read,
        "L2 filter reads": lambda m: m.boundaries[0].upstream.filter_read,
        "L2 output writes": lambda m: m.boundaries[0].upstream.output_write,
        "L2 output reads": lambda m: m.boundaries[0].upstream.output_read,
    }
)
_HEADINGS = ("Layer", "MACs", "Model", "Cycles", "Difference", *_TRAFFIC, "Utilization")
_TO_THE_LEFT = ("Layer", "Model")
#: What a narrow table does without, the first first.
_DISPENSABLE = (*reversed(_TRAFFIC), "MACs", "Utilization")

#: The cells of a row by heading, each with a line per model.
_Row = dict[str, str]


def results(run: Run, width: int | None = None) -> Table:
    """Return one row per layer: in every cell the simulated value above the analytical ones.

    A table wider than ``width`` characters does without some columns, and says so. Names stand there literally.
    """
    rows = [_row(run, layer.name, [layer]) for layer in run.layers]
    measured = [layer for layer in run.layers if layer.simulator is not None]
    total = [_row(run, f"{len(measured)} layers", measured)] if len(measured) > 1 else []
    headings = _fitting([*rows, *total], width)
    table = Table(
        title=Text(printable(f"{run.workload} on {run.machine.name} ({run.machine.pes} PEs)")), title_justify="left"
    )
    if len(headings) < len(_HEADINGS):
        left_out = ", ".join(heading for heading in _HEADINGS if heading not in headings)
        table.caption, table.caption_justify = f"Too wide for this terminal: {left_out}; --csv has everything", "left"
    for heading in headings:
        table.add_column(heading, justify="left" if heading in _TO_THE_LEFT else "right")
    for layer, row in zip(run.layers, rows, strict=True):
        _add(table, headings, row, style=None if layer.legal else "red")
    for row in total:
        table.add_section()
        _add(table, headings, row)
    return table


def printable(text: str) -> str:
    """Return ``text`` without what would control a terminal instead of standing there."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _add(table: Table, headings: Iterable[str], row: _Row, style: str | None = None) -> None:
    table.add_row(*(Text(row.get(heading, "")) for heading in headings), style=style)


def _fitting(rows: list[_Row], width: int | None) -> list[str]:
    """Return the headings of the columns that fit."""
    headings = list(_HEADINGS)
    for dispensable in _DISPENSABLE:
        if width is None or _width(headings, rows) <= width:
            break
        headings.remove(dispensable)
    return headings


def _width(headings: list[str], rows: list[_Row]) -> int:
    """Return how many characters wide a table is: its columns, each with a margin on both sides, and the lines."""
    columns = ([heading, *(line for row in rows for line in row.get(heading, "").split("\n"))] for heading in headings)
    return 1 + sum(3 + max(map(cell_len, column)) for column in columns)


def _row(run: Run, name: str, layers: list[LayerRun]) -> _Row:
    """Return the cells for one layer, or for the sum of several."""
    macs = sum(layer.macs for layer in layers)
    row = {"Layer": printable(name), "MACs": f"{macs:,}"}
    models: dict[str, list[Metrics]] = {}
    for layer in layers:
        if layer.simulator is not None:
            for model, metrics in {"simulated": layer.simulator, **layer.analytical}.items():
                models.setdefault(model, []).append(metrics)
    if not models:
        return row | {"Model": "illegal"}
    cycles = {model: sum(m.cycles for m in metrics) for model, metrics in models.items()}
    peak = run.machine.pes * run.machine.lanes
    compared = (f"{difference(value, cycles['simulated']):+.1f} %" for value in list(cycles.values())[1:])
    columns = {
        "Model": list(models),
        "Cycles": [f"{value:,}" for value in cycles.values()],
        "Difference": ["", *compared],
        "Utilization": [f"{macs / (value * peak):.1%}" for value in cycles.values()],
    }
    for heading, count in _TRAFFIC.items():
        columns[heading] = [f"{sum(map(count, metrics)):,}" for metrics in models.values()]
    return row | {heading: "\n".join(lines) for heading, lines in columns.items()}
