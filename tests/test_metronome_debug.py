"""The debugger: commands that move in time and ask, in scripts and on the screen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from switched import rich_cases
from textual.widgets import Input, Static
from typer.testing import CliRunner, Result

from dataflow.errors import InputError
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from metronome.debug.commands import COMMANDS, execute
from metronome.debug.screen import Screen
from metronome.debug.session import Session
from metronome.main import app
from metronome.moments.mapped import MappedLayer, mapped_layer
from metronome.moments.recording import record
from metronome.moments.states import array
from simulator.events import Window
from validation.strategies import Case

WORKLOAD = """Network net {
  Layer rows {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 6 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(2,2) K; Cluster(2, P); SpatialMap(1,1) K; }
  }
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.m").write_text(WORKLOAD)
    return tmp_path


@pytest.fixture
def session(folder: Path) -> Session:
    """Return a session at the beginning of a small layer: 4 clusters of 2 PEs, three steps, 17 cycles."""
    return Session(mapped_layer("rows", "net.m", None, "reference-36", ["pes=8"]))


def debug(*arguments: str, script: str | None = None) -> Result:
    options = ("--hardware", "reference-36", "--set", "pes=8", "--commands", "-" if script is not None else "s.txt")
    return CliRunner().invoke(app, ["debug", "net.m", *options, *arguments], input=script)


def test_a_script_prints_what_its_commands_say(folder: Path) -> None:
    """8 inputs and 4 weights cross the top's port in cycle 0, are there at 2, and in the PEs at 4."""
    (folder / "s.txt").write_text("# from the beginning\ngo 4\n\narray # all\nstep 3\n")
    result = debug()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        ": go 4",
        "cycle 4 of 17; PE 0.0: computing, in cycles 4 to 6",
        ": array",
        "## ## ## ##",
        "# 8 computing",
        ": step 3",
        "cycle 7 of 17; PE 0.0: computing, in cycles 6 to 8",
    ]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("go 4\nfly\n", f"standard input:2: fly is no command; the commands are {', '.join(COMMANDS)}"),
        ("go\n", "standard input:1: write go CYCLE"),
        ("step x\n", "standard input:1: x is no number; write step [CYCLES]"),
        ("next 2\n", "standard input:1: there is no level 2; the levels are 0 to 1"),
        ("pe 9\n", "standard input:1: PE: there is no PE 9; the last one is 3.1, or 7"),
        ("where I[9,9]\n", "standard input:1: I[9,9] is outside of input, which has the axes M 4, K 6"),
        ("where X\n", "standard input:1: X is no element; write one as I[0,3,5,7], W[0,3,1,1] or O[0,3,5,7]"),
        ("delete 3\n", "standard input:1: there is no breakpoint 3"),
    ],
)
def test_a_line_that_is_no_command_is_named(script: str, message: str) -> None:
    result = debug(script=script)
    assert (result.exit_code, result.stderr) == (2, f"metronome: {message}\n")


def test_a_screen_needs_a_terminal() -> None:
    result = CliRunner().invoke(app, ["debug", "net.m", "--hardware", "reference-36", "--set", "pes=8"])
    assert result.exit_code == 2
    assert result.stderr == (
        "metronome: metronome debug: the screen needs a terminal; give commands with --commands FILE instead\n"
    )


def test_time_goes_both_ways(session: Session) -> None:
    there = [session.cycle]
    while session.to_event(1):
        there.append(session.cycle)
    assert there == sorted(set(there))
    assert there[-1] == 17
    back = [session.cycle]
    while session.to_event(-1):
        back.append(session.cycle)
    assert back == there[::-1]


def test_steps_of_any_level_are_gone_along(session: Session) -> None:
    """Three steps of the top; in the cluster of PE 1.0, one under each of these."""
    execute(session, "pe 1.0")
    for level in (0, 1):
        begun = []
        while session.to_step(level, 1):
            begun.append(session.cycle)
        assert len(begun) == 3
        while session.to_step(level, -1):
            begun.pop()
        assert len(begun) == 1
        session.go(0)


@pytest.mark.parametrize(
    ("breakpoint_", "hit"),
    [
        ("cycle 9", [9]),
        ("step 1", [1]),
        ("pe 0.1", [4, 6, 10]),
        ("pe 0.1 distribution", [8]),
        ("stall 3", [3]),
        ("element W[5,0]", [8, 10]),
        ("when macs >= 48", [12]),
        ("when busy == 8", [4, 10]),
        ("when input > 15", None),
    ],
)
def test_breakpoints_are_hit_forwards_and_backwards(breakpoint_: str, hit: list[int] | None, session: Session) -> None:
    """PEs compute 2 MACs in each of three steps, 8 · 2 · 3 = 48 in all: from 4, from 6 on, and from 10 on.

    The third step's data get a buffer at 6: they are over the top's port at 8, and over those of the clusters at 10.
    """
    assert execute(session, f"break {breakpoint_}")[0].startswith("breakpoint 1: ")
    forwards = []
    while session.run(1):
        forwards.append(session.cycle)
    assert session.cycle == session.last
    if hit is not None:
        assert forwards == hit
    assert forwards == sorted(set(forwards))
    backwards = []
    if not breakpoint_.startswith("when macs"):
        while session.run(-1):
            backwards.append(session.cycle)
        assert backwards == forwards[::-1]


@pytest.mark.parametrize("words", ["cycle", "step x", "pe 0 done", "when x > 3", "when busy", "element"])
def test_what_is_no_breakpoint_is_told_how(words: str, session: Session) -> None:
    with pytest.raises(InputError, match=r": write break cycle N \| break step N \| "):
        execute(session, f"break {words}")


def test_breakpoints_are_listed_and_deleted(session: Session) -> None:
    assert execute(session, "break") == ["no breakpoints"]
    execute(session, "break cycle 3")
    execute(session, "break stall 2")
    assert execute(session, "break") == ["1: cycle 3", "2: stall of more than 2 cycles"]
    assert execute(session, "delete 1") == ["deleted breakpoint 1: cycle 3"]
    assert execute(session, "break") == ["2: stall of more than 2 cycles"]


def test_an_element_is_where_its_data_are(session: Session) -> None:
    """Weight [5,0] is for the last of the three steps, on PE 1 of every cluster: K 4..5, one each."""
    execute(session, "go 11")
    lines = execute(session, "where W[5,0]")
    assert lines[0] == "filter[5,0] is in 8 buffers below the L2"
    assert sorted(line.split()[1] for line in lines if line.startswith("  PE")) == ["0.1", "1.1", "2.1", "3.1"]
    assert lines[-1] == "sent out of the L2 1 times in the cycles recorded, 0 to 17"


def test_all_panes_say_something(session: Session) -> None:
    execute(session, "go 5")
    shown = execute(session, "show")
    assert "  TemporalMap(2,2) K = 0" in shown
    assert any(line.startswith("  distribution: ") for line in shown)
    assert "    output: M 0, N 0..1 (2 elements)" in shown
    assert len(execute(session, "log 3")) == 3
    assert execute(session, "why")[0].startswith("root: PE 0.0 is computing 2 MACs")


@settings(max_examples=30, deadline=None)
@given(rich_cases(), st.lists(st.integers(0, 400), max_size=6))
def test_wherever_one_goes_it_is_as_if_everything_had_been_recorded(case: Case, cycles: list[int]) -> None:
    layer, dataflow, machine = case
    mapped = MappedLayer("layer", bind(layer, dataflow, machine.pes), machine)
    everything, session = record(mapped, Window()), Session(mapped)
    for cycle in cycles:
        session.go(cycle)
        here = [(pe, state.kind) for pe, state in array(session.recording, session.cycle)]
        assert here == [(pe, state.kind) for pe, state in array(everything, session.cycle)]


def test_a_large_layer_is_recorded_where_one_is() -> None:
    session = Session(mapped_layer("conv1_2", "vgg16", "kcp_ws", "reference-256", None))
    assert execute(session, "go 9000000")[0].startswith("cycle 9000000 of 14224214; ")
    assert execute(session, "break step 56429")
    assert execute(session, "go 900000")
    assert execute(session, "continue")[0] == "breakpoint 1: step 56429"
    assert 990_000 < session.cycle < 1_010_000


def test_the_screen_shows_every_pane_and_takes_keys_and_commands() -> None:
    layer = Layer.of("gemm", "GEMM", {"M": 4, "N": 2, "K": 6})
    machine = mapped_layer("rows", "net.m", None, "reference-36", ["pes=8"]).machine
    dataflow = parse_dataflow("Dataflow d { SpatialMap(1,1) M; TemporalMap(2,2) K; Cluster(2, P); SpatialMap(1,1) K; }")
    session = Session(MappedLayer("gemm", bind(layer, dataflow, 8), machine))

    async def use() -> None:
        screen = Screen(session)
        async with screen.run_test(size=(140, 40)) as pilot:
            await pilot.press("right", "right", "right", "right", "down", "w")
            assert (session.cycle, session.pe) == (4, (0, 1))
            answer = str(screen.query_one("#output", Static).render())
            assert answer.startswith(": why\nroot: PE 0.1 is computing 2 MACs")
            await pilot.press("colon", *"break cycle 11", "enter", "c")
            assert session.cycle == 11
            await pilot.press("colon", *"fly", "enter")
            assert "fly is no command" in str(screen.query_one("#output", Static).render())
            assert screen.query_one("#line", Input).disabled
            assert "computing" in str(screen.query_one("#array", Static).render())

    asyncio.run(use())
