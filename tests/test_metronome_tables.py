"""The table fits where it is printed, keeps its numbers whole, and prints names as they are."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from dataflow.hardware import Machine
from dataflow.hardware_files import parse_machine
from dataflow.metrics import L1, Boundary, Buffers, Downstream, Extremes, Metrics, Network, PerStep, Upstream
from metronome.runs import LayerRun, Run
from metronome.tables import printable, results

MACHINE = """\
name: small
pes: 4
lanes: 2
levels: [{distribution: {bandwidth: 4}, collection: {bandwidth: 4}}]
"""
#: What a table may do without, in the order in which it does.
DISPENSABLE = ("L2 output reads", "L2 output writes", "L2 filter reads", "L2 input reads", "MACs", "Utilization")


def _metrics(cycles: int, scale: int = 1) -> Metrics:
    """Return metrics whose four L2 counts are 1000, 200, 30 and 4 times ``scale``."""
    upstream = Upstream(1000 * scale, 200 * scale, 30 * scale, 4 * scale)
    boundary = Boundary(upstream, Downstream(0, 0, 0), Network(0, 0), PerStep(*[Extremes(1, 1)] * 3, 1))
    return Metrics(cycles, cycles, (1,), (boundary,), L1.of(1), Buffers(0, 0), 0.0)


def _layer(name: str, macs: int, simulated: int, published: int) -> LayerRun:
    analytical = {"published": _metrics(published, 2)}
    return LayerRun(name, "GEMM", macs, (4,), (), None, _metrics(simulated), analytical)


def _illegal(name: str) -> LayerRun:
    return LayerRun(name, "GEMM", 7, (4,), (), {"message": "wrong", "text": "wrong"}, None, {})


def _run(*layers: LayerRun, workload: str = "net", name: str = "small") -> Run:
    machine: Machine = parse_machine(MACHINE).model_copy(update={"name": name})
    return Run(workload, machine, layers)


def _printed(run: Run, width: int = 1000, *, color: bool = False) -> str:
    """Return what a table for ``width`` characters prints."""
    console = Console(file=StringIO(), width=width, force_terminal=color, color_system="standard" if color else None)
    console.print(results(run, width))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def _cells(printed: str) -> list[list[str]]:
    """Return the cells of every line that has some."""
    lines = (line.replace("┃", "│").split("│")[1:-1] for line in printed.splitlines())
    return [[cell.strip() for cell in line] for line in lines if line]


TWO = _run(_layer("a", 800, 200, 250), _illegal("b"), _layer("c", 1600, 1000, 500))


def test_every_cell_has_the_simulated_value_above_the_analysed_one() -> None:
    """Utilization: 800 / (200 · 4 · 2) = 50 %, in all (800 + 1600) / (1200 · 8) = 25 %."""
    printed = _printed(TWO)
    assert printed.splitlines()[0].rstrip() == "net on small (4 PEs)"
    assert _cells(printed) == [
        ["Layer", "MACs", "Model", "Cycles", "Difference", *reversed(DISPENSABLE[:4]), "Utilization"],
        ["a", "800", "simulated", "200", "", "1,000", "200", "30", "4", "50.0%"],
        ["", "", "published", "250", "+25.0 %", "2,000", "400", "60", "8", "40.0%"],
        ["b", "7", "illegal", "", "", "", "", "", "", ""],
        ["c", "1,600", "simulated", "1,000", "", "1,000", "200", "30", "4", "20.0%"],
        ["", "", "published", "500", "-50.0 %", "2,000", "400", "60", "8", "40.0%"],
        ["2 layers", "2,400", "simulated", "1,200", "", "2,000", "400", "60", "8", "25.0%"],
        ["", "", "published", "750", "-37.5 %", "4,000", "800", "120", "16", "40.0%"],
    ]


def test_one_layer_has_no_sum() -> None:
    assert [row[0] for row in _cells(_printed(_run(_layer("a", 1, 1, 1), _illegal("b"))))] == ["Layer", "a", "", "b"]


def test_illegal_layers_are_red() -> None:
    red = [line for line in _printed(TWO, color=True).splitlines() if "\033[31m" in line]
    assert ["illegal" in line for line in red] == [True]


def test_a_table_of_illegal_layers_has_no_numbers() -> None:
    assert _cells(_printed(_run(_illegal("a"), _illegal("b"))))[1:] == [
        [name, "7", "illegal", *[""] * 7] for name in ("a", "b")
    ]


# Width


def test_a_table_does_without_columns_until_it_fits() -> None:
    """Each column takes its widest text, its margins and a line; one character less, and a column is left out."""
    widths = {"Layer": 8, "Model": 9, "Cycles": 6, "Difference": 10, "MACs": 5, "Utilization": 11}
    widths |= {heading: len(heading) for heading in DISPENSABLE[:4]}
    for count in range(len(DISPENSABLE)):
        left_out = DISPENSABLE[:count]
        fitting = 1 + sum(3 + width for heading, width in widths.items() if heading not in left_out)
        assert set(_cells(_printed(TWO, fitting))[0]) == set(widths).difference(left_out)
        assert set(_cells(_printed(TWO, fitting - 1))[0]) == set(widths).difference(DISPENSABLE[: count + 1])


def test_a_narrow_table_says_what_is_missing() -> None:
    last = _printed(TWO, 114).splitlines()[-1]
    assert last.rstrip() == "Too wide for this terminal: L2 output writes, L2 output reads; --csv has everything"
    assert "Too wide" not in _printed(TWO)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 10**15), st.integers(1, 10**15)), min_size=1, max_size=3),
    width=st.integers(80, 200),
)
def test_a_table_fits_and_no_number_is_cut(sizes: list[tuple[int, int]], width: int) -> None:
    run = _run(*(_layer(f"layer{i}", macs, cycles, 2 * cycles) for i, (macs, cycles) in enumerate(sizes)))
    printed = _printed(run, width)
    assert all(cell_len(line) <= width for line in printed.splitlines())
    assert "…" not in printed
    for _, cycles in sizes:
        assert f" {cycles:,} " in printed


# Names


@pytest.mark.parametrize("name", ["[red]x", "[/red]", "[link=x]y[/link]", ":smile:", "a\\", "[bold", "{0}", "漢字"])
def test_names_are_no_markup(name: str) -> None:
    printed = _printed(_run(_layer(name, 1, 1, 1), workload=name, name=name))
    assert printed.splitlines()[0].rstrip() == f"{name} on {name} (4 PEs)"
    assert _cells(printed)[1][0] == name


@given(st.text(min_size=1))
def test_any_name_is_printed_without_controlling_the_terminal(name: str) -> None:
    shown = printable(name)
    assert len(shown) == len(name)
    assert all(old == new or not old.isprintable() for old, new in zip(name, shown, strict=True))
    printed = _printed(_run(_layer(name, 1, 1, 1), name=name))
    assert shown in printed
    assert all(character.isprintable() or character == "\n" for character in printed)
