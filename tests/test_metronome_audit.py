"""`metronome audit`: what it prints and writes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from metronome.main import app

NET = """\
Network net {
  Layer block-a {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { TemporalMap(1,1) N; SpatialMap(1,1) M; TemporalMap(3,3) K; }
  }
  Layer wrong {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { TemporalMap(1,2) N; SpatialMap(1,1) M; }
  }
  Layer up {
    Type: TRCONV
    Dimensions { R: 2, Y: 3 }
    Dataflow { SpatialMap(2,1) Y; }
  }
}
"""
RESULTS = """\
Layer Number, NumPEs, Runtime (Cycles), filter l2 read, output l2 read
a, 4, 26, 24, 8
wrong, 4, 26, 24, 8
up, 4, 6, 2, 2
other, 4, 26, 24, 8
"""
SMALL = """\
pes: 4
l1: {bytes: 1}
levels: [{distribution: {bandwidth: 3}, collection: {bandwidth: 3}}]
"""
WRONG = (
    "not compared: net.m:10:16: layer wrong misses work: point (M 0, N 1, K 0) is never computed because of "
    "TemporalMap(1,2) N; TemporalMap(1,1) N would compute every point of N once\n"
)
ABSENT = (
    "r.csv: no numbers for L2 reads (inputs and filters), L2 input reads, L2 output writes, L1 input writes, "
    "L1 filter writes, utilization\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of small files."""
    for name, text in {"net.m": NET, "r.csv": RESULTS, "small.yaml": SMALL}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def audit(*arguments: str) -> Result:
    """Call the command in this process."""
    command = ["audit", "r.csv", "--workload", "net.m", "--hardware", "small.yaml", *arguments]
    return CliRunner().invoke(app, command)


def test_tables_and_notes() -> None:
    """Runtime is 13 (see the test of the package): 26 is 100 % off; tiles that exceed the L1 do not matter."""
    result = audit("--compat", "maestro")
    assert result.exit_code == 0
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in result.stdout.splitlines()]
    assert lines[0][0].startswith("r.csv against the simulation on small: 2 of 3 layers, differences in")
    assert ["runtime", "1", "+100.0", "not explained", "block-a"] in lines
    assert ["L2 filter reads", "1", "+300.0", "multicast ignored or published, multicast ignored", "block-a"] in lines
    assert ["L2 output reads", "2", "not 0", "the size of the output", "block-a, up"] in lines
    assert result.stderr == f"r.csv:5: no layer other in the workload\n{WRONG}{ABSENT}"


def test_transposed_convolutions_are_compared_only_as_convolutions() -> None:
    assert "layer up" in audit("--quiet").stderr
    assert "layer up" not in audit("--quiet", "--compat", "maestro").stderr


def test_json() -> None:
    """The published model costs step 1 in full, the slower of moving and computing in step 2, and a drain: 5+3+3+2."""
    result = json.loads(
        audit("--layer", "*a", "--json", "-", "--column", "cycles", "--column", "output_l2_read").stdout
    )
    assert result["layers"] == [
        {
            "name": "block-a",
            "line": 2,
            "legal": True,
            "columns": {
                "cycles": {
                    "simulated": 13,
                    "tool": 26,
                    "published": 13,
                    "refined": 13,
                    "difference_percent": {"tool": 100.0, "published": 0.0, "refined": 0.0},
                    "explanation": None,
                },
                "output_l2_read": {
                    "simulated": 0,
                    "tool": 8,
                    "published": 0,
                    "refined": 0,
                    "difference_percent": {"tool": None, "published": 0.0, "refined": 0.0},
                    "explanation": "the size of the output",
                },
            },
        }
    ]
    assert result["statistics"]["cycles"]["tool"] == {
        "layers": 1,
        "median": 100.0,
        "percentile95": 100.0,
        "worst": 100.0,
        "worst_layer": "block-a",
    }
    assert result["unmatched"] == []


def test_illegal_layers_and_left_out_rows_in_json() -> None:
    result = json.loads(audit("--json", "-").stdout)
    assert [(layer["name"], layer["legal"], "error" in layer) for layer in result["layers"]] == [
        ("block-a", True, False),
        ("wrong", False, True),
        ("up", False, True),
    ]
    assert result["unmatched"] == ["r.csv:5: no layer other in the workload"]


def test_csv_has_a_row_per_layer_and_column() -> None:
    rows = list(csv.DictReader(io.StringIO(audit("--layer", "*a", "--csv", "-").stdout)))
    assert [(row["layer"], row["line"], row["column"], row["tool_percent"]) for row in rows] == [
        ("block-a", "2", "cycles", "100.0"),
        ("block-a", "2", "filter_l2_read", "300.0"),
        ("block-a", "2", "output_l2_read", "inf"),
    ]


@pytest.mark.parametrize(("limit", "status"), [("99", 1), ("100", 0)])
def test_limit_decides_the_status(limit: str, status: int) -> None:
    assert audit("--quiet", "--layer", "*a", "--column", "cycles", "--limit", limit).exit_code == status


def test_differences_from_zero_are_beyond_every_limit() -> None:
    assert audit("--quiet", "--layer", "*a", "--column", "output_l2_read", "--limit", "1e9").exit_code == 1


def test_workers_find_the_same() -> None:
    assert audit("--workers", "2", "--json", "-").stdout == audit("--json", "-").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--column", "runtime"],
            "--column: no column runtime; the columns are cycles, l2_read, input_l2_read, filter_l2_read, "
            "output_l2_write, output_l2_read, input_l1_write, filter_l1_write, utilization",
        ),
        (["--limit", "-1"], "--limit: -1.0 %; a number of percent that is not negative is needed"),
        (["--json", "x", "--csv", "x"], "x: --json and --csv write to the same place; name two"),
        (
            ["--set", "pes=2"],
            "r.csv:2: layer a: the results are for 4 PEs, small has 2; "
            "choose the machine that they are for, or its size: --set pes=4",
        ),
        (["--layer", "z"], "--layer: no layer of net matches z; its layers are block-a, wrong, up"),
    ],
)
def test_faults_are_told_in_one_message(arguments: list[str], message: str) -> None:
    result = audit(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"metronome: {message}\n")


def test_results_of_other_layers_are_refused(folder: Path) -> None:
    (folder / "r.csv").write_text("Layer Number,NumPEs\nx,4\n", encoding="utf-8")
    result = audit()
    assert result.stderr == "metronome: r.csv: no row is for a layer of net; its layers are block-a, wrong, up\n"
