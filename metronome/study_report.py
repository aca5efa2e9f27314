"""A study as JSON, as CSV, and as the commands that repeat its worst cases."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from analytical import NAMES
from dataflow.hardware import Machine
from validation.study import MEASURES, Case, Family, Finding, LeftOut, Summary


@dataclass(frozen=True)
class Report:
    """What a study found, with the choices that it was made under.

    ``machines`` are the resolved machines by the name they were called by; ``families`` have a finding or more each.
    """

    machines: dict[str, Machine]
    families: tuple[Family, ...]
    left_out: tuple[LeftOut, ...] = ()
    overrides: tuple[str, ...] = ()
    simulate: bool = False
    allow_overflow: bool = False

    @property
    def yardstick(self) -> str:
        """What errors are measured against."""
        return "simulator" if self.simulate else "refined"

    def label(self, family: Family) -> str:
        """Return the dataflow, with the machine where there are several."""
        return family.dataflow if len(self.machines) == 1 else f"{family.dataflow} on {family.machine}"

    def command(self, case: Case) -> str:
        """Return what to type to see the case simulated and analysed."""
        network, layer = case.layers[0]
        options = ["--dataflow", case.dataflow_name, "--hardware", case.machine_name]
        for override in self.overrides:
            options += ["--set", override]
        overflow = ["--allow-overflow"] if self.allow_overflow else []
        return shlex.join(["metronome", "run", network, *options, "--layer", layer, *overflow])

    def notes(self) -> Iterator[str]:
        """Yield a line for every dataflow of which layers are left out."""
        by_family: dict[str, list[LeftOut]] = {}
        for each in self.left_out:
            by_family.setdefault(f"{each.case.dataflow_name} on {each.case.machine_name}", []).append(each)
        for family, cases in by_family.items():
            number = sum(len(each.case.layers) for each in cases)
            network, layer = cases[0].case.layers[0]
            layers = "1 layer" if number == 1 else f"{number} layers"
            yield f"{family}: {layers} left out; the first one is {layer} of {network}: {cases[0].reason}"

    def to_json(self) -> str:
        """Return the result file's text."""
        content = {
            "schema": 1,
            "metronome": version("metronome"),
            "yardstick": self.yardstick,
            "measures": list(MEASURES),
            "assumptions": list(NAMES),
            "hardware": {name: machine.to_dict() for name, machine in self.machines.items()},
            "families": [self._family(family) for family in self.families],
            "layers": [_finding(finding) for family in self.families for finding in family.findings],
            "left_out": [_case(each.case) | {"reason": each.reason} for each in self.left_out],
        }
        return json.dumps(content, indent=1) + "\n"

    def to_csv(self) -> str:
        """Return a header and a row per finding."""
        rows = [_row(finding) for family in self.families for finding in family.findings]
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue()

    def _family(self, family: Family) -> dict[str, Any]:
        contributions = {measure: family.contributions(measure) for measure in MEASURES}
        return {
            "dataflow": family.dataflow,
            "hardware": family.machine,
            "layers": family.layers,
            "distinct_layers": len(family.findings),
            "error": {m: {"mean": float(family.mean_error(m))} | _summary(family.error(m)) for m in MEASURES},
            "alone": {name: {m: _summary(family.alone_error(name, m)) for m in MEASURES} for name in NAMES},
            "in_order": {
                name: {measure: float(found[name]) for measure, found in contributions.items()}
                for name in family.findings[0].in_order
            },
            "worst": {measure: self._worst(family.worst(measure), measure) for measure in MEASURES},
        }

    def _worst(self, finding: Finding, measure: str) -> dict[str, Any]:
        network, layer = finding.case.layers[0]
        error = float(finding.error(measure))
        return {"network": network, "layer": layer, "error": error, "command": self.command(finding.case)}


def _summary(found: Summary) -> dict[str, float]:
    return {name: float(value) for name, value in vars(found).items()}


def _case(case: Case) -> dict[str, Any]:
    return {
        "dataflow": case.dataflow_name,
        "hardware": case.machine_name,
        "network": case.layers[0][0],
        "layer": case.layers[0][1],
        "type": case.layer.type,
        "macs": case.layer.macs,
        "occurrences": [{"network": network, "layer": layer} for network, layer in case.layers],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return _case(finding.case) | {
        "yardstick": dict(finding.yardstick),
        "published": dict(finding.published),
        "alone": {name: dict(counts) for name, counts in finding.alone.items()},
        "in_order": {name: dict(counts) for name, counts in finding.in_order.items()},
    }


def _row(finding: Finding) -> dict[str, Any]:
    row = _case(finding.case)
    row["occurrences"] = len(finding.case.layers)
    for measure in MEASURES:
        row[f"{measure}.yardstick"] = finding.yardstick[measure]
        row[f"{measure}.published"] = finding.published[measure]
        row[f"{measure}.error_percent"] = float(finding.error(measure))
        row |= {f"{measure}.alone.{name}": counts[measure] for name, counts in finding.alone.items()}
        row |= {f"{measure}.in_order.{name}": counts[measure] for name, counts in finding.in_order.items()}
    return row
