"""What users are told where the analytical models take the machine for something simpler."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from metronome.main import app

LAYER = "Layer rows { Type: GEMM Dimensions { M: 6, N: 2, K: 3 }"
MESH = ("--set", "levels.0.distribution.topology=mesh", "--set", "sync=dataflow")
WARNING = "the analytical models take topology mesh for a bus, and sync: dataflow for a barrier (warning)\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.m").write_text(f"Network net {{ {LAYER} Dataflow {{ SpatialMap(1,1) M; }} }} }}")
    (tmp_path / "net.m").write_text(f"Network net {{ {LAYER} }} }}")
    (tmp_path / "rows.m").write_text("Dataflow rows { SpatialMap(1,1) M; }")
    (tmp_path / "four.yaml").write_text(
        "pes: 4\nlevels: [{distribution: {bandwidth: 4}, collection: {bandwidth: 4}}]\n"
    )


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--hardware", "four.yaml"])


def test_a_run_says_it_once_and_the_result_file_says_it_too() -> None:
    found = invoke("run", "run.m", "--json", "-", *MESH)
    assert (found.exit_code, found.stderr) == (0, WARNING)
    assert json.loads(found.stdout)["simplified"] == ["topology mesh for a bus", "sync: dataflow for a barrier"]
    plain = invoke("run", "run.m", "--json", "-")
    assert plain.stderr == ""
    assert "simplified" not in json.loads(plain.stdout)


def test_a_study_measures_against_the_simulator_then() -> None:
    """Hop by hop data arrive later than over a bus: the model without assumptions has an error of its own."""
    study = ("study", "--network", "net.m", "--dataflow", "rows.m", "--json", "-")
    found = invoke(*study, *MESH)
    assert (found.exit_code, found.stderr) == (0, WARNING)
    report = json.loads(found.stdout)
    assert report["yardstick"] == "simulator"
    assert report["families"][0]["in_order"]["refined"]["cycles"] < 0
    plain = json.loads(invoke(*study).stdout)
    assert plain["yardstick"] == "refined"
    assert "refined" not in plain["families"][0]["in_order"]
