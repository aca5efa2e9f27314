"""The table of costs: every line is defined in the documentation and shows what the cost says."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import metronome as mt
from dataflow.directives import Dataflow, Map
from dataflow.expressions import Number
from dataflow.layers import Layer
from metronome.cost_tables import LINES, costs
from metronome.runs import Run
from metronome.workload import Task, Workload

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"


def ran(*overrides: str) -> Run:
    """Return the run of 4 products of one output, a PE after the other, with scratchpads of 7 and 8 B."""
    task = Task(
        Layer.of("dot", "GEMM", {"K": 4}), Dataflow("dot", (Map(False, Number(1), Number(1), "K"),), position=None)
    )
    values: dict[str, object] = {"pes": 1, "l1.bytes": 7, "l2.bytes": 8, "technology": "maestro-28nm"}
    values |= dict(each.split("=") for each in overrides)
    return mt.run(Workload("net", (task,)), mt.hardware("reference-36", **values))


def printed(run: Run, width: int = 1000) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(costs(run, width))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def cells(text: str) -> dict[str, list[str]]:
    """Return the cells of every line by its label, which is in the second column."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    return {row[1]: row[2:] for row in rows}


def test_every_line_is_defined_in_the_documentation_and_no_other() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## The table")[2].partition("```")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows == ["line", *(label.strip() for label in LINES)]


def test_the_lines_of_a_layer_counted_by_hand() -> None:
    """4 MACs, 8 operands read in the L2 and 1 output written; L1: 8 written, 16 for the MACs, 1 read to drain.

    At 1.68 for the L1 and 18.61 for the L2: 4 + 25 · 1.68 + 9 · 18.61 = 213.49. An element of each tensor, twice, is
    6 B in the L1 and in the L2. A step brings 2 operands; one collects 1 output, and computes 1 cycle.
    """
    run = ran()
    found = cells(printed(run))
    cycles = run.layers[0].costs["simulator"].metrics.cycles
    assert list(found) == [label.strip() for label in LINES]
    assert {len(values) for values in found.values()} == {3}
    shown = {label: values[0] for label, values in found.items()}
    assert shown["cycles"] == str(cycles)
    assert shown["lower bound (cycles)"] == shown["compute bound (cycles)"] == "4"
    assert shown["lower bound reached"] == f"{4 / cycles:.1%}"
    assert (shown["energy (MACs)"], shown["MACs"]) == ("213", "1.9%")
    assert (shown["L1"], shown["networks"], shown["L2"]) == ("19.7%", "0.0%", "78.5%")
    assert (shown["MACs / L2 access"], shown["of inputs"], shown["of outputs"]) == ("0.44", "1.00", "4.00")
    assert shown["distribution average (elements/cycle)"] == f"{8 / cycles:.3f}"
    assert shown["distribution peak (elements/cycle)"] == "2.000"
    assert shown["collection peak (elements/cycle)"] == "1.000"
    assert (shown["L1 need (B)"], shown["L2 need (B)"]) == ("6 of 7", "6 of 8")


def test_what_is_not_known_and_what_does_not_fit() -> None:
    run = ran("technology=eyeriss-65nm", "l2.bytes=null")
    shown = cells(printed(run))
    assert shown["energy (nJ)"] == ["unknown"] * 3
    assert shown["power (mW)"] == ["unknown"] * 3
    assert shown["L2 need (B)"] == ["6 (unbounded)"] * 3
    small = run.machine.model_copy(update={"l1": run.machine.l1.model_copy(update={"bytes": 5})})
    (layer,) = run.layers
    tight = replace(layer, costs={name: replace(cost, machine=small) for name, cost in layer.costs.items()})
    assert cells(printed(replace(run, layers=(tight,))))["L1 need (B)"] == ["6 of 5: does not fit"] * 3


def test_a_narrow_terminal_shows_the_simulation_alone() -> None:
    text = printed(ran(), 80)
    assert {len(values) for values in cells(text).values()} == {1}
    assert "Too wide for this terminal: published, refined; --csv has everything" in " ".join(text.split())


def test_layers_without_costs_are_left_out() -> None:
    run = ran()
    illegal = replace(run.layers[0], costs={}, name="illegal")
    assert printed(replace(run, layers=(illegal, *run.layers))) == printed(run)


@pytest.mark.parametrize("name", mt.__all__)
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert getattr(mt, name).__class__ is not None
    assert name in dir(mt)
