"""The page of `metronome view`: what is in it, and what a real browser shows of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from metronome.main import app

WORKLOAD = """Network net {
  Layer rows {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 6 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(2,2) K; Cluster(2, P); SpatialMap(1,1) K; }
  }
  Layer conv {
    Type: CONV
    Stride { X: 2, Y: 1 }
    Dimensions { K: 2, C: 3, Y: 8, X: 9, R: 3, S: 3 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(3,1) Y; TemporalMap(3,3) R; TemporalMap(3,3) S; }
  }
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.m").write_text(WORKLOAD)
    return tmp_path


def view(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["view", *arguments])


SMALL = ("--workload", "net.m", "--hardware", "reference-36", "--set", "pes=8")


def test_a_small_layer_is_shown_whole(folder: Path) -> None:
    result = view("rows", "-o", "v.html", *SMALL)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"rows, cycles 0 to 17 of 17: v.html \(0\.\d MB\)\n", result.stdout)
    assert (folder / "v.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("dataflow", ["kcp_ws", "maeri"])
def test_a_large_layer_is_shown_in_a_window_of_ten_megabytes_at_most(dataflow: str, folder: Path) -> None:
    result = view("conv1_2", "-o", "v.html", "--workload", "vgg16", "--dataflow", dataflow, "--from", "1000000")
    assert result.exit_code == 0
    assert result.stdout.startswith("conv1_2, cycles 1,000,000 to 1,0")
    assert (folder / "v.html").stat().st_size < 10e6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("*", "-o", "v.html", *SMALL), "*: 2 layers match, rows, conv; name one"),
        (("rows", "-o", "v.html", "--from", "99", *SMALL), "rows: nothing happens there; the layer takes 17 cycles"),
        (("rows", "-o", "no/v.html", *SMALL), "no/v.html: cannot be written: no such file or directory"),
    ],
)
def test_what_cannot_be_shown_is_said(arguments: tuple[str, ...], message: str, folder: Path) -> None:
    result = view(*arguments)
    assert (result.exit_code, result.stderr) == (2, f"metronome: {message}\n")
    assert [path.name for path in folder.iterdir()] == ["net.m"]
