"""A small workload and array to record and compare, for the tests of the regression gate."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from metronome.main import app

NET = """\
Network net {
  Layer first {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; }
  }
  Layer second {
    Type: GEMM
    Dimensions { M: 5, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }
  }
}
"""
ARRAY = """\
pes: 4
levels: [{distribution: {bandwidth: 4, latency: 1}, collection: {bandwidth: 4, latency: 1}}]
"""
TABLE = "layers: [{name: a, type: GEMM, M: 4, K: 3}, {name: b, type: GEMM, M: 2}]"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of small files, and not on GitHub."""
    for name, text in {"net.m": NET, "array.yaml": ARRAY, "table.yaml": TABLE}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "gate").mkdir()
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def baseline(command: str, *arguments: str) -> Result:
    """Call the program in this process."""
    return CliRunner().invoke(app, ["baseline", command, *arguments])


def recorded(*arguments: str, out: str = "gate/b.json") -> str:
    result = baseline("record", "net.m", "--hardware", "array.yaml", "--out", out, *arguments)
    assert (result.exit_code, result.output) == (0, "")
    return out


def slow_down() -> None:
    """Give the array a distribution port of 1 element per cycle."""
    Path("array.yaml").write_text(ARRAY.replace("bandwidth: 4", "bandwidth: 1", 1), encoding="utf-8")


def outcome(result: Result) -> tuple[int, str, str]:
    return result.exit_code, result.stdout, result.stderr
