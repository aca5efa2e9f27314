"""Audits every results file of the released MAESTRO: prints the tables of docs/accuracy.md, as Markdown.

    python benchmarks/accuracy.py FOLDER

FOLDER holds results/NAME__MACHINE.csv and mappings/NAME.m; MACHINE is one of `MACHINES`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path

from dataflow import catalog
from dataflow.hardware import Machine
from metronome.audit import answer, ask
from metronome.audit_report import LABELS, Report
from validation.audit import MODELS, TOOL, LayerAudit, outliers

#: The shipped machine, and what is set in it, by what stands after the underscores in the name of a results file.
MACHINES: Mapping[str, tuple[str, tuple[tuple[str, int], ...]]] = {
    "pe256_bw16": ("reference-256", ()),
    "pe256_bw64": ("reference-256", (("bandwidth", 64),)),
    "pe256_unbounded": ("reference-256", (("bandwidth", 10**9), ("latency", 0))),
    "eyeriss": ("eyeriss-168", ()),
}
#: What is published; the audit looks at more.
COLUMNS = ("cycles", "l2_read", "output_l2_write", "input_l1_write", "filter_l1_write", "utilization")
HEADINGS = {TOOL: "released program", "published": "`published`", "refined": "`refined`"}
OTHER_WORK = "the row is for another number of MACs than the layer has"


def machine_of(tag: str) -> Machine:
    """Return the machine that results are for; raises KeyError for an unknown tag."""
    name, values = MACHINES[tag]
    ports = ("distribution", "collection")
    return catalog.machine(name, [f"levels.0.{port}.{key}={value}" for key, value in values for port in ports])


def reports(folder: Path, columns: Sequence[str], workers: int) -> Iterator[tuple[str, Report]]:
    """Audit the results files in ``folder``, in the order of their names."""
    for file in sorted((folder / "results").glob("*.csv")):
        name, _, tag = file.stem.partition("__")
        workload = str(folder / "mappings" / f"{name}.m")
        question = ask(file, workload, machine_of(tag), compat_maestro=True)
        yield file.stem, answer(question, columns=columns, workers=workers)


def page(audited: Sequence[tuple[str, Report]]) -> str:
    """Return a table for every column, and one of the outliers by what gives the released program's number."""
    blocks = [_numbers(audited, column) for column in COLUMNS] + [_outliers(audited)]
    return "\n\n".join(blocks) + "\n"


def _numbers(audited: Sequence[tuple[str, Report]], column: str) -> str:
    lines = [
        f"{LABELS[column][0].upper()}{LABELS[column][1:]}:\n",
        f"| results file | layers | {' | '.join(HEADINGS[model] for model in MODELS)} |",
        "|---|---|---|---|---|",
    ]
    for name, report in audited:
        found = {model: report.statistics(column, model) for model in MODELS}
        cells = [
            f"{percent(each.median)} · {percent(each.percentile95)} · {percent(each.worst, sign='+')}"
            for each in found.values()
            if each is not None
        ]
        layers = sum(layer.illegal is None for layer in report.layers)
        lines.append(f"| `{name}` | {layers} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _outliers(audited: Sequence[tuple[str, Report]]) -> str:
    lines = [
        "Outliers of the released program:\n",
        "| column | layers | in files | up to | what gives its number |",
        "|---|---|---|---|---|",
    ]
    for column in COLUMNS:
        grouped: dict[str, list[tuple[str, LayerAudit]]] = {}
        for name, report in audited:
            for explanation, layers in outliers(report.layers, column):
                grouped.setdefault(_general(explanation), []).extend((name, layer) for layer in layers)
        for explanation, cases in sorted(grouped.items(), key=lambda pair: (-len(pair[1]), pair[0])):
            worst = max((layer.cells[column].difference(TOOL) for _, layer in cases), key=abs)
            files = len({name for name, _ in cases})
            lines.append(f"| {LABELS[column]} | {len(cases)} | {files} | {percent(worst, sign='+')} | {explanation} |")
    return "\n".join(lines)


def _general(explanation: str | None) -> str:
    if explanation is None:
        return "not explained"
    return OTHER_WORK if explanation.startswith("the row is for ") else explanation


def percent(value: float, sign: str = "") -> str:
    """Return a number of percent with one decimal, ``0`` where nothing is off, ``∞`` where the true number is 0."""
    if abs(value) == inf:
        return "∞"
    return f"{value:{sign}.1f}" if value else "0"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/accuracy.py FOLDER")
    print(page(list(reports(Path(sys.argv[1]), COLUMNS, os.cpu_count() or 1))), end="")
