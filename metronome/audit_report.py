"""What an audit found: as tables, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isfinite
from types import MappingProxyType
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from dataflow.hardware import Machine
from metronome.tables import printable
from validation.audit import MODELS, TOOL, LayerAudit, Statistics, Subject, outliers, statistics
from validation.maestro_results import Results

LABELS = MappingProxyType(
    {
        "cycles": "runtime",
        "l2_read": "L2 reads (inputs and filters)",
        "input_l2_read": "L2 input reads",
        "filter_l2_read": "L2 filter reads",
        "output_l2_write": "L2 output writes",
        "output_l2_read": "L2 output reads",
        "input_l1_write": "L1 input writes",
        "filter_l1_write": "L1 filter writes",
        "utilization": "utilization",
    }
)
#: Names of layers that a table lists before it counts the rest.
_LISTED = 4


@dataclass(frozen=True)
class Question:
    """What is to be audited: the rows matched to layers, and those that were not, in words."""

    results: Results
    workload: str
    machine: Machine
    subjects: tuple[Subject, ...]
    unmatched: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """An audited file; ``columns`` are those that are looked at."""

    question: Question
    layers: tuple[LayerAudit, ...]
    columns: tuple[str, ...]

    def statistics(self, column: str, model: str) -> Statistics | None:
        """Return how far a model is off in a column."""
        return statistics(self.layers, column, model)

    def beyond(self, limit: float) -> bool:
        """Whether the tool is more than ``limit`` percent off anywhere in the columns."""
        found = (self.statistics(column, TOOL) for column in self.columns)
        return any(each is not None and abs(each.worst) > limit for each in found)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a JSON file; differences from 0 are null."""
        return {
            "schema": 1,
            "metronome": version("metronome"),
            "results": self.question.results.file,
            "workload": self.question.workload,
            "hardware": self.question.machine.to_dict(),
            "unmatched": list(self.question.unmatched),
            "layers": [self._layer(layer) for layer in self.layers],
            "statistics": {
                column: {model: _finite(asdict(found)) for model in MODELS if (found := self.statistics(column, model))}
                for column in self.columns
            },
        }

    def to_json(self) -> str:
        """Return the text of a JSON file."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def _layer(self, layer: LayerAudit) -> dict[str, Any]:
        head = {"name": layer.name, "line": layer.line, "legal": layer.illegal is None}
        if layer.illegal is not None:
            return head | {"error": layer.illegal}
        cells = {column: layer.cells[column] for column in self.columns if column in layer.cells}
        return head | {
            "columns": {
                column: {
                    "simulated": cell.simulated,
                    **cell.values,
                    "difference_percent": _finite({model: cell.difference(model) for model in MODELS}),
                    "explanation": cell.explanation,
                }
                for column, cell in cells.items()
            }
        }

    def to_csv(self) -> str:
        """Return a row per layer and column."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            ["layer", "line", "column", "simulated", *MODELS, *(f"{m}_percent" for m in MODELS), "explanation"]
        )
        for layer in self.layers:
            for column in self.columns:
                if column in layer.cells:
                    cell = layer.cells[column]
                    off = [cell.difference(model) for model in MODELS]
                    values = [cell.simulated, *(cell.values[model] for model in MODELS), *off]
                    writer.writerow([layer.name, layer.line, column, *values, cell.explanation or ""])
        return text.getvalue()


def tables(report: Report) -> Group:
    """Return the statistics by column, and the outliers with what explains them."""
    return Group(_summary(report), _reasons(report))


def notes(report: Report) -> Iterator[str]:
    """Yield what could not be compared, a line each: rows, layers, columns, illegal dataflows."""
    yield from report.question.unmatched
    for layer in report.layers:
        if layer.illegal is not None:
            yield f"not compared: {layer.illegal}"
    absent = [column for column in report.columns if report.statistics(column, TOOL) is None]
    if absent and any(layer.illegal is None for layer in report.layers):
        yield f"{report.question.results.file}: no numbers for {', '.join(LABELS[column] for column in absent)}"


def _summary(report: Report) -> Table:
    compared = sum(layer.illegal is None for layer in report.layers)
    title = (
        f"{report.question.results.file} against the simulation on {report.question.machine.name}: "
        f"{compared} of {len(report.layers)} layers, differences in %"
    )
    table = Table(title=Text(printable(title)), title_justify="left")
    table.add_column("Column")
    for heading in ("Model", "Median", "95th", "Worst"):
        table.add_column(heading, justify="left" if heading == "Model" else "right")
    table.add_column("in layer")
    for column in report.columns:
        found = {model: each for model in MODELS if (each := report.statistics(column, model)) is not None}
        if not found:
            continue
        lines = found.values()
        cells = (
            list(found),
            [_percent(each.median) for each in lines],
            [_percent(each.percentile95) for each in lines],
            [_percent(each.worst, signed=True) for each in lines],
            [printable(each.worst_layer) if each.worst else "" for each in lines],
        )
        table.add_row(LABELS[column], *(Text("\n".join(cell)) for cell in cells))
    return table


def _reasons(report: Report) -> Table:
    table = Table(
        title="Outliers: where the tool is more than 1 % off, and what gives its number", title_justify="left"
    )
    for heading in ("Column", "Layers", "Up to", "Explanation", "in"):
        table.add_column(heading, justify="right" if heading in ("Layers", "Up to") else "left")
    for column in report.columns:
        for explanation, layers in outliers(report.layers, column):
            worst = max((layer.cells[column].difference(TOOL) for layer in layers), key=abs)
            table.add_row(
                LABELS[column],
                str(len(layers)),
                _percent(worst, signed=True),
                Text(explanation or "not explained"),
                Text(printable(listed([layer.name for layer in layers]))),
            )
    return table


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many there are besides."""
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _percent(value: float, *, signed: bool = False) -> str:
    if not isfinite(value):
        return "not 0"
    return f"{value:+.1f}" if signed else f"{value:.1f}"


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in values.items()}
