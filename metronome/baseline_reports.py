"""What moved since a baseline was written, for people and for CI systems."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from rich.cells import cell_len

from metronome.baseline_runs import Comparison, LayerComparison
from metronome.tables import printable
from validation.baseline import Difference, Recipe

#: A job page shows at most 1 MiB, and nobody reads more.
MARKDOWN_ROWS = 200

_HEADINGS = ("Layer", "Model", "Metric", "Baseline", "Now", "Change")
_NUMBERS = _HEADINGS.index("Baseline")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&$^:])")


def recipe_text(recipe: Recipe) -> str:
    """Return the workload with the options it is run with, as they are typed."""
    words = [recipe.workload]
    if recipe.dataflow is not None:
        words += ["--dataflow", recipe.dataflow]
    words += ["--hardware", recipe.hardware]
    words += [word for override in recipe.overrides for word in ("--set", override)]
    words += [word for pattern in recipe.patterns for word in ("--layer", pattern)]
    if recipe.allow_overflow:
        words.append("--allow-overflow")
    return printable(shlex.join(words))


def diff(comparisons: Iterable[Comparison]) -> str:
    """Return a table per workload in which something moved; nothing if nothing did."""
    tables = []
    for comparison in comparisons:
        if comparison.moved:
            rows = [_HEADINGS, *(_cells(moved) for layer in comparison.moved for moved in layer.differences)]
            tables.append(_harmless(f"Workload {recipe_text(comparison.entry)}\n") + _aligned(rows))
    return "\n".join(tables)


def differences_text(differences: Sequence[Difference]) -> str:
    """Return a table of what moved in a layer."""
    return _aligned([_HEADINGS, *map(_cells, differences)])


def junit(comparisons: Sequence[Comparison]) -> str:
    """Return JUnit's XML: a suite per workload, a case per layer."""
    root = ElementTree.Element("testsuites", _tallies([layer for each in comparisons for layer in each.layers]))
    for comparison in comparisons:
        label = recipe_text(comparison.entry)
        suite = ElementTree.SubElement(root, "testsuite", {"name": label} | _tallies(comparison.layers))
        for layer in comparison.layers:
            case = ElementTree.SubElement(suite, "testcase", {"classname": label, "name": layer.result.name})
            if layer.differences:
                failure = ElementTree.SubElement(
                    case, "failure", {"type": "moved", "message": headline(layer.differences)}
                )
                failure.text = differences_text(layer.differences)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def markdown(comparisons: Sequence[Comparison]) -> str:
    """Return a summary for a job's page; of very many differences the first."""
    layers, moved = (sum(len(part) for part in parts) for parts in _parts(comparisons))
    counted = "1 layer" if layers == 1 else f"{layers} layers"
    blocks = [f"## Metronome baseline: {moved or 'none'} of {counted} moved"]
    left = MARKDOWN_ROWS
    hidden = 0
    for comparison in comparisons:
        rows = [_cells(each) for layer in comparison.moved for each in layer.differences]
        shown, left, hidden = rows[:left], max(0, left - len(rows)), hidden + max(0, len(rows) - left)
        if shown:
            blocks.append(f"Workload {_escaped(recipe_text(comparison.entry))}")
            blocks.append("\n".join(map(_table_row, [_HEADINGS, ("---",) * 3 + ("---:",) * 3, *shown])))
    if hidden:
        blocks.append(f"… and {hidden} more differences")
    return "\n\n".join(blocks) + "\n"


def github_annotations(comparisons: Iterable[Comparison], baseline: str, workspace: str | None) -> Iterator[str]:
    """Yield GitHub's command for every layer that moved, at the layer's line or else at the baseline file.

    Files are named as seen from ``workspace``, where they lie in it.
    """
    for comparison in comparisons:
        for layer in comparison.moved:
            place = layer.result.place
            file, line = (baseline, 1) if place is None else (place.file, place.line)
            file = _in_workspace(file, workspace)
            title = f"{comparison.entry.workload}: layer {layer.result.name} moved"
            text = headline(layer.differences)
            yield f"::error file={_property(file)},line={line},title={_property(title)}::{_data(text)}"


def headline(differences: Sequence[Difference]) -> str:
    """Return the differences of a layer in one line: its cycles or else the first, and how many more there are."""
    chosen = next((each for each in differences if each.metric == "cycles"), differences[0])
    _, model, metric, old, new, change = _cells(chosen)
    if chosen.note:
        first = f"layer {chosen.layer} {model}"
    else:
        first = f"{model} {metric}: {old} -> {new}{f' ({change})' if change else ''}"
    return first if len(differences) == 1 else f"{first}, and {len(differences) - 1} more"


def _parts(
    comparisons: Sequence[Comparison],
) -> tuple[list[Sequence[LayerComparison]], list[Sequence[LayerComparison]]]:
    return [each.layers for each in comparisons], [each.moved for each in comparisons]


def _cells(difference: Difference) -> tuple[str, ...]:
    if difference.note:
        return (difference.layer, printable(difference.note), "", "", "", "")
    old, new = ("-" if number is None else f"{number:,}" for number in (difference.old, difference.new))
    percent = difference.percent
    change = "" if percent is None else f"{percent:+.2f} %"
    return (difference.layer, difference.model, difference.metric, old, new, change)


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows as lines, numbers to the right; a note takes the room it needs."""
    whole = [row for row in rows if any(row[2:])]
    widths = [max(cell_len(row[column]) for row in whole) for column in range(len(_HEADINGS))]
    widths[0] = max(cell_len(row[0]) for row in rows)
    lines = []
    for row in rows:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * max(0, width - cell_len(cell))
            cells.append(room + cell if column >= _NUMBERS else cell + room)
        lines.append("  " + "  ".join(cells).rstrip() + "\n")
    return _harmless("".join(lines))


def _harmless(text: str) -> str:
    """Return text in which no CI system finds a command of its own."""
    return text.replace("##[", "## [")


def _tallies(layers: Sequence[LayerComparison]) -> dict[str, str]:
    failures = sum(bool(layer.differences) for layer in layers)
    return {"tests": str(len(layers)), "failures": str(failures), "errors": "0", "skipped": "0"}


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell if set(cell) <= set('-:') else _escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", printable(text))


def _in_workspace(file: str, workspace: str | None) -> str:
    """Return a file's path as GitHub knows it, where it lies in the workspace."""
    if workspace is None:
        return file
    path, root = Path(file).resolve(), Path(workspace).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


def _data(text: str) -> str:
    return printable(text.replace("\n", " ")).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
