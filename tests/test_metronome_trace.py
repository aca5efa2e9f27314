"""``metronome trace``: files that trace viewers and pandas open, of a whole layer or a window of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result
from vcdvcd import VCDVCD

from metronome.main import app
from metronome.trace_tables import SRAM_FILES

WORKLOAD = """Network net {
  Layer rows {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 6 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(2,2) K; Cluster(2, P); SpatialMap(1,1) K; }
  }
  Layer large {
    Type: GEMM
    Dimensions { M: 4, N: 200, K: 200 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(1,1) N; TemporalMap(1,1) K; Cluster(2, P); SpatialMap(1,1) K; }
  }
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.m").write_text(WORKLOAD)
    return tmp_path


def trace(*arguments: str) -> Result:
    options = ("--workload", "net.m", "--hardware", "reference-36", "--set", "pes=8")
    return CliRunner().invoke(app, ["trace", *arguments, *options])


def traced(folder: Path, *arguments: str) -> dict[str, Any]:
    result = trace(*arguments, "-o", "trace.json")
    assert (result.exit_code, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads((folder / "trace.json").read_text())
    return found


def test_a_trace_has_a_process_for_every_cluster_and_a_track_for_every_port_and_pe(folder: Path) -> None:
    content = traced(folder, "rows")
    assert content["otherData"] == {"layer": "rows", "machine": "reference-36", "cycles": 17, "units": [4, 2]}
    names = [event for event in content["traceEvents"] if event["ph"] == "M"]
    processes = {event["pid"]: event["args"]["name"] for event in names if event["name"] == "process_name"}
    assert processes == {1: "top", **{number + 2: f"cluster {number}" for number in range(4)}}
    tracks = {event["args"]["name"] for event in names if event["name"] == "thread_name" and event["pid"] == 3}
    assert tracks == {"steps", "distribution port", "collection port", "waiting", "PE 0", "PE 1"}


def test_every_event_of_a_trace_is_whole(folder: Path) -> None:
    """As the trace format asks: slices that do not overlap on ports and PEs, arrows in pairs, counters back at 0."""
    events = traced(folder, "rows")["traceEvents"]
    ends: dict[tuple[int, int], int] = {}
    for event in (event for event in events if event["ph"] == "X" and event["tid"] != 0):
        place = (event["pid"], event["tid"])
        assert event["ts"] >= ends.get(place, 0)
        ends[place] = event["ts"] + event["dur"]
    begun, ended = ({event["id"]: event["ts"] for event in events if event["ph"] == phase} for phase in "sf")
    assert begun.keys() == ended.keys() != set()
    assert all(begun[arrow] < ended[arrow] for arrow in begun)
    counted = {(event["pid"], event["name"]): set(event["args"].values()) for event in events if event["ph"] == "C"}
    names = ("elements in buffers", "load of the collection port", "load of the distribution port")
    assert counted == {(process, name): {0} for process in range(1, 6) for name in names}


def test_a_table_has_a_row_for_every_event() -> None:
    """3 steps of the top and of each of 4 clusters; 48 MACs; the sums of 4 rows and 2 columns leave twice."""
    result = trace("rows", "-o", "-")
    assert result.exit_code == 0
    table = pd.read_csv(io.StringIO(result.stdout), dtype={"cluster": str})
    assert (table.event == "step").sum() == 3 + 12
    assert table.macs.sum() == 48
    assert table[(table.event == "drain") & table.cluster.isna()].output.sum() == 8
    assert table.begin.is_monotonic_increasing


def test_a_table_may_be_parquet(folder: Path) -> None:
    assert trace("rows", "-o", "rows.parquet").exit_code == 0
    table, printed = pd.read_parquet(folder / "rows.parquet"), pd.read_csv(io.StringIO(trace("rows", "-o", "-").stdout))
    assert table.macs.sum() == 48
    assert (table.begin.tolist(), table.event.tolist()) == (printed.begin.tolist(), printed.event.tolist())


def test_accesses_have_a_row_for_every_element(folder: Path) -> None:
    """The L2 gives away what the top's transfers move, and 8 sums come back."""
    assert trace("rows", "-o", "rows.parquet", "--accesses").exit_code == 0
    table = pd.read_parquet(folder / "rows.parquet")
    events = pd.read_csv(io.StringIO(trace("rows", "-o", "-").stdout), dtype={"cluster": str})
    top = events[events.cluster.isna()]
    reads = table[(table.buffer == "L2") & (table.access == "read")].groupby("tensor").size()
    assert (reads["input"], reads["filter"]) == (top.input.sum(), top["filter"].sum())
    assert table[(table.buffer == "L2") & (table.access == "write")].shape[0] == top.output.sum() == 8
    assert set(table.buffer) == {
        "L2",
        *(f"C1 {n}" for n in range(4)),
        *(f"L1 {n}.{p}" for n in range(4) for p in (0, 1)),
    }
    assert table.cycle.is_monotonic_increasing
    assert trace("rows", "-o", "-", "--accesses", "--from", "3", "--to", "3").stdout.splitlines()[1].startswith("3,")


def test_an_sram_trace_has_the_addresses_of_every_cycle(folder: Path) -> None:
    """Inputs lie in front, filters behind them, outputs last; all addresses of a cycle stand in one row."""
    assert trace("rows", "-o", "sram", "--sram").exit_code == 0
    found = {
        path.name: [tuple(map(int, line.split(","))) for line in path.read_text().splitlines()]
        for path in (folder / "sram").iterdir()
    }
    assert sorted(found) == sorted(SRAM_FILES.values())
    table = pd.read_csv(io.StringIO(trace("rows", "-o", "-", "--accesses").stdout))
    for (tensor, written), name in SRAM_FILES.items():
        chosen = table[(table.buffer == "L2") & (table.tensor == tensor) & ((table.access == "write") == written)]
        assert {row[0]: len(row) - 1 for row in found[name]} == chosen.groupby("cycle").size().to_dict()
    assert found["input_sram_read.csv"][0][1] == 0
    highest = max(max(row[1:]) for row in found["filter_sram_read.csv"])
    assert min(min(row[1:]) for row in found["output_sram_write.csv"]) > highest


def test_a_picture_shows_who_computes_what_and_when(folder: Path) -> None:
    """The same events give the same picture; its lanes are the ports of five clusters and eight PEs."""
    assert trace("rows", "-o", "one.svg").exit_code == trace("rows", "-o", "other.svg").exit_code == 0
    content = (folder / "one.svg").read_text()
    assert content == (folder / "other.svg").read_text()
    assert all(f"<!-- {name} -->" in content for name in ("PE 3.1", "cluster 3: collection", "the top: distribution"))


def test_a_picture_that_nobody_could_read_is_refused(folder: Path) -> None:
    result = trace("large", "-o", "large.png", "--from", "0", "--to", "4000")
    assert result.exit_code == 2
    assert result.stderr.startswith("metronome: large: 14 PEs and ports and ")
    assert result.stderr.endswith(" parts are too many for a picture, which takes 40 and 2000; "
                                  "choose a window, --cluster, or metronome view\n")  # fmt: skip
    assert not (folder / "large.png").exists()


def test_waveforms_have_a_scope_for_every_cluster(folder: Path) -> None:
    """A reader of waveforms finds the top's first transfer, of 8 inputs and 4 weights, from cycle 0 to 1.

    Cluster 2 gets its 2 inputs and the 4 weights at 2, its PEs compute 2 MACs each, and wait before that to begin.
    """
    result = trace("rows", "-o", "rows.vcd")
    assert (result.exit_code, result.stderr) == (0, "")
    waves = VCDVCD(str(folder / "rows.vcd"))
    assert {name.rpartition(".")[0] for name in waves.signals} == {"top", *(f"top.cluster_{n}" for n in range(4))}
    assert [int(value, 2) for _, value in waves["top.distribution"].tv[:2]] == [12, 0]
    assert [cycle for cycle, _ in waves["top.distribution"].tv[:2]] == [0, 1]
    pe = waves["top.cluster_2.pe_1"].tv
    begin, end = (next(cycle for cycle, value in pe if int(value, 2) == macs and cycle) for macs in (2, 0))
    assert end - begin == 2
    assert [(cycle, int(value, 2)) for cycle, value in waves["top.cluster_2.waits_for_fill"].tv] == [(0, 1), (begin, 0)]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (("--from", "3000", "--to", "3010"), lambda t: ((t.end >= 3000) & (t.begin <= 3010)).all()),
        (("--step", "7000-7001"), lambda t: set(t.step) == {7000, 7001}),
        (("--step", "7000", "--cluster", "2"), lambda t: set(t.cluster) == {2} and set(t.step) == {7000}),
    ],
)
def test_a_large_layer_is_traced_in_a_window(window: tuple[str, ...], expected: Callable[[pd.DataFrame], bool]) -> None:
    result = trace("large", "-o", "-", *window)
    table = pd.read_csv(io.StringIO(result.stdout))
    assert len(table)
    assert expected(table)


TABLE = ".csv or a .parquet file, or - for CSV on standard output"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("rows", "-o", "t.txt"),
            f"t.txt: a trace is a .json, a .vcd, a picture (.svg, .png, .pdf), a {TABLE}",
        ),
        (
            ("rows", "-o", "t.json", "--accesses"),
            f"t.json: accesses are a {TABLE}",
        ),
        (("rows", "-o", "t.csv", "--sram"), "t.csv: SRAM traces are three files; name a folder"),
        (("rows", "-o", "t", "--sram", "--accesses"), "--accesses, --sram: either the one or the other can be written"),
        (("*", "-o", "-"), "*: 2 layers match, rows, large; name one"),
        (("rows", "-o", "-", "--from", "9", "--to", "3"), "--to: 3 is before --from 9"),
        (("rows", "-o", "-", "--step", "x"), "--step: x is no step, such as 12, and no range, such as 12-15"),
        (("rows", "-o", "-", "--step", "4-3"), "--step: 4-3 is no step, such as 12, and no range, such as 12-15"),
        (("rows", "-o", "-", "--cluster", "0,1"), "--cluster: 0,1 is no path, such as 3, or 0.3 for unit 3 of unit 0"),
        (("rows", "-o", "-", "--cluster", "4"), "--cluster: there is no cluster 4; this dataflow has 4 clusters"),
        (("rows", "-o", "-", "--from", "99"), "rows: nothing happens there; the layer takes 17 cycles"),
    ],
)
def test_what_cannot_be_traced_is_said(arguments: tuple[str, ...], message: str, folder: Path) -> None:
    result = trace(*arguments)
    assert (result.exit_code, result.stderr) == (2, f"metronome: {message}\n")
    assert sorted(path.name for path in folder.iterdir()) == ["net.m"]


def test_a_large_layer_without_a_window_is_refused_with_one() -> None:
    result = trace("large", "-o", "large.json")
    assert result.exit_code == 2
    assert "200,000 steps in " in result.stderr
    words = result.stderr.split("for example ")[1].split()
    assert trace("large", "-o", "-", *words).exit_code == 0
