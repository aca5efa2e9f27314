"""The audit of another tool's results as a command: what it reads, and what it writes where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import typer
from rich.console import Console

from dataflow.errors import InputError
from dataflow.hardware import Machine
from metronome.audit_report import Question, Report, listed, notes, tables
from metronome.files import ensure_writable, write
from metronome.progress import progress_bar
from metronome.workers import mapper
from metronome.workload import load
from validation.audit import COLUMNS, Match, Subject, audit, check_array, match
from validation.maestro_results import Results, read_results


@dataclass(frozen=True)
class Outputs:
    """Where to write the audit, None for nowhere, and how far off (in percent) the tool may be."""

    json: str | None = None
    csv: str | None = None
    quiet: bool = False
    limit: float | None = None


def run_audit(question: Question, outputs: Outputs, console: Console, *, columns: Sequence[str], workers: int) -> int:
    """Audit, write and print; return the exit status: 1 where the tool is beyond the limit in a column."""
    if outputs.limit is not None and not (isfinite(outputs.limit) and outputs.limit >= 0):
        raise InputError(f"{outputs.limit} %; a number of percent that is not negative is needed", "--limit")
    if outputs.json is not None and outputs.json == outputs.csv:
        raise InputError("--json and --csv write to the same place; name two", outputs.json)
    for path in (outputs.json, outputs.csv):
        if path is not None:
            ensure_writable(path)
    with progress_bar(len(question.subjects), question.workload) as progress:
        report = answer(question, columns=columns, workers=workers, progress=progress)
    if outputs.json is not None:
        write(report.to_json(), outputs.json)
    if outputs.csv is not None:
        write(report.to_csv(), outputs.csv)
    if not outputs.quiet and "-" not in (outputs.json, outputs.csv):
        console.print(tables(report))
    for note in notes(report):
        typer.echo(note, err=True)
    return int(outputs.limit is not None and report.beyond(outputs.limit))


def ask(
    results_file: str | Path,
    workload: str,
    machine: Machine,
    *,
    layers: Sequence[str] = (),
    compat_maestro: bool = False,
) -> Question:
    """Read results and workload, and match them; only layers that match one of the globs ``layers`` are kept.

    Raises `InputError`, also where no row has a layer or the rows are for another number of PEs.
    """
    results = read_results(results_file)
    check_array(results, machine)
    whole = load(workload, compat_maestro=compat_maestro)
    chosen = load(workload, layers=layers, compat_maestro=compat_maestro) if layers else whole
    names = {task.layer.name for task in chosen.tasks}
    found = match([row.name for row in results.rows], [task.layer.name for task in whole.tasks])
    subjects = tuple(
        Subject(whole.tasks[layer].layer, whole.tasks[layer].dataflow, results.rows[row])
        for row, layer in found.pairs
        if whole.tasks[layer].layer.name in names
    )
    if not subjects:
        raise InputError(
            f"no row is for a layer of {whole.name}; its layers are {listed([t.layer.name for t in chosen.tasks])}",
            results.file,
        )
    unmatched = () if layers else tuple(_unmatched(found, results, [task.layer.name for task in whole.tasks]))
    return Question(results, whole.name, machine, subjects, unmatched)


def answer(
    question: Question,
    *,
    columns: Sequence[str] = (),
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Audit the matched layers in ``workers`` processes; all columns without ``columns``.

    Raises `InputError` for a column that there is not.
    """
    for column in columns:
        if column not in COLUMNS:
            raise InputError(f"no column {column}; the columns are {', '.join(COLUMNS)}", "--column")
    with mapper(workers, len(question.subjects)) as mapped:
        layers = audit(question.subjects, question.machine, mapped=mapped, progress=progress)
    return Report(question, layers, tuple(columns) or tuple(COLUMNS))


def _unmatched(found: Match, results: Results, layers: Sequence[str]) -> Iterator[str]:
    for row in found.rows:
        yield f"{results.file}:{results.rows[row].line}: no layer {results.rows[row].name} in the workload"
    if found.layers:
        yield f"{results.file}: no row for the layers {', '.join(layers[layer] for layer in found.layers)}"
