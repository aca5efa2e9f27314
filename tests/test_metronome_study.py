"""`metronome study`: what it prints, writes and draws, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from analytical import NAMES
from dataflow import catalog
from metronome.figures import FORMATS
from metronome.main import app
from metronome.study import cases, run_study
from metronome.study_figures import study_figure
from metronome.study_report import Report
from metronome.study_tables import MEANINGS
from validation.study import MEASURES, MODEL

NET = """\
Network net {
  Layer wide { Type: GEMM Dimensions { M: 2, N: 3, K: 2 } }
  Layer again { Type: GEMM Dimensions { M: 2, N: 3, K: 2 } }
  Layer deep { Type: GEMM Dimensions { M: 2, N: 1, K: 2 } }
}
"""
TWO = "Dataflow two { SpatialMap(1,1) M; TemporalMap(1,1) N; Cluster(2, P); SpatialMap(1,1) K; }\n"
HOLES = "Dataflow holes { SpatialMap(1,1) M; TemporalMap(1,2) N; }\n"
FOUR = "pes: 4\nlevels: [{distribution: {bandwidth: 1}, collection: {bandwidth: 1}}]\n"
SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
HOLES_LEFT_OUT = (
    "holes.m on four.yaml: 2 layers left out; the first one is wide of net.m: holes.m:1:37: layer wide misses work: "
    "point (M 0, N 1, K 0) is never computed because of TemporalMap(1,2) N; TemporalMap(1,1) N would compute every "
    "point of N once\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of small files."""
    for name, text in {"net.m": NET, "two.m": TWO, "holes.m": HOLES, "four.yaml": FOUR}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def study(*arguments: str) -> Result:
    """Call the command in this process."""
    return invoke("study", "--network", "net.m", "--dataflow", "two.m", "--hardware", "four.yaml", *arguments)


def report(simulate: bool = False) -> Report:
    machines = {"four.yaml": catalog.machine("four.yaml", ())}
    return run_study(cases(["net.m"], ["two.m"], machines), machines, simulate=simulate)


def test_tables() -> None:
    """Cycles of the layers: 26 for 20, twice, and 14 for 15 (see the test of the package): 30, 30 and -6.7 %.

    Their mean is 17.8 %. Crossings are 46 for 38, twice, and right: 14.0 %.
    """
    result = study()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    title = (
        "Error of the published model on four.yaml, in % of what is true (the refined model, equal to the simulator)"
    )
    assert " ".join(lines[:2]) == title
    assert ["two.m", "3", "cycles", "+30.0", "30.0", "+30.0", "net.m wide"] in rows
    assert ["", "", "L2 reads", "0.0", "0.0", "0.0", ""] in rows
    assert ["", "restart_pipeline", "+25.0", "+25.0", "+20.0", "0.0", "0.0", "0.0"] in rows
    assert ["", "all: published", "", "", "+17.8", "", "", "+14.0"] in rows
    start = lines.index("The assumptions:") + 1
    assert [line.split()[0] for line in lines[start : start + len(NAMES)]] == list(NAMES)
    assert lines[-2:] == [
        "To see the layer with the worst cycles:",
        "  +30.0 %  metronome run net.m --dataflow two.m --hardware four.yaml --layer wide",
    ]


def test_every_assumption_has_a_meaning() -> None:
    assert list(MEANINGS) == [MODEL, *NAMES]


def test_the_simulator_as_yardstick_is_said_and_adds_nothing() -> None:
    result = study("--simulate")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0] == "Error of the published model on four.yaml, in % of what is simulated"
    row = next(line for line in lines if "│ refined" in line)
    assert [cell.strip() for cell in row.split("│")[2:6]] == ["refined", "", "", "0.0"]


@pytest.mark.parametrize("machine", [["--set", "buffering=1"], ["--set", "l1.bytes=1", "--allow-overflow"]])
def test_the_command_of_the_worst_layer_shows_its_error(machine: list[str]) -> None:
    found = json.loads(study(*machine, "--json", "-").stdout)
    (family,) = found["families"]
    worst = family["worst"]["cycles"]
    words = shlex.split(worst["command"])
    assert words[:2] == ["metronome", "run"]
    (layer,) = json.loads(invoke(*words[1:], "--json", "-").stdout)["layers"]
    true, published = layer["simulator"]["cycles"], layer["analytical"]["published"]["cycles"]
    assert layer["name"] == worst["layer"]
    assert 100 * (published - true) / true == pytest.approx(worst["error"], rel=1e-12)


def test_json() -> None:
    found = json.loads(study("--json", "-").stdout)
    keys = ["schema", "metronome", "yardstick", "measures", "assumptions", "hardware", "families", "layers", "left_out"]
    assert list(found) == keys
    assert (found["yardstick"], found["measures"], found["assumptions"]) == ("refined", list(MEASURES), list(NAMES))
    assert (found["hardware"]["four.yaml"]["pes"], found["left_out"]) == (4, [])
    (family,) = found["families"]
    assert (family["dataflow"], family["hardware"], family["layers"], family["distinct_layers"]) == (
        "two.m",
        "four.yaml",
        3,
        2,
    )
    for measure in MEASURES:
        total = sum(added[measure] for added in family["in_order"].values())
        assert total == pytest.approx(family["error"][measure]["mean"])
    wide, deep = found["layers"]
    assert wide["occurrences"] == [{"network": "net.m", "layer": "wide"}, {"network": "net.m", "layer": "again"}]
    assert (wide["yardstick"]["cycles"], wide["published"]["cycles"]) == (20, 26)
    assert (deep["yardstick"]["cycles"], deep["in_order"]["steady_drain"]["cycles"]) == (15, 14)


def test_csv_has_a_row_per_distinct_layer() -> None:
    rows = list(csv.DictReader(io.StringIO(study("--csv", "-").stdout)))
    assert [(row["layer"], row["occurrences"]) for row in rows] == [("wide", "2"), ("deep", "1")]
    wide = rows[0]
    cycles = [wide[f"cycles.{name}"] for name in ("yardstick", "published", "error_percent")]
    assert cycles == ["20", "26", "30.0"]
    assert [wide[f"cycles.in_order.{name}"] for name in NAMES] == ["23", "29", "29", "29", "26", "26"]
    assert [wide[f"network.alone.{name}"] for name in NAMES] == ["46", "38", "38", "38", "38", "38"]


@pytest.mark.parametrize("picture_format", FORMATS)
def test_the_same_study_gives_the_same_picture(picture_format: str) -> None:
    picture = study_figure(report(), picture_format)
    assert picture.startswith(SIGNATURES[picture_format])
    assert picture == study_figure(report(), picture_format)


def test_the_picture_names_dataflows_errors_and_what_causes_them() -> None:
    """The text of an SVG stands in comments beside its outlines."""
    picture = study_figure(report(), "svg").decode()
    shown = ("two.m (3)", "17.8 %", "14.0 %", "restart_reuse", "lockstep: nothing", "all: published")
    assert [text for text in shown if f"<!-- {text} -->" not in picture] == []
    assert "restart_reuse: nothing" not in picture
    assert f"<!-- {MODEL}: nothing -->" in study_figure(report(simulate=True), "svg").decode()


def test_files_are_written_whole_beside_the_tables(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    result = study("--json", "s.json", "--csv", "s.csv", "--figure", "s.svg")
    assert (result.exit_code, result.stdout) == (0, study().stdout)
    assert (folder / "s.json").read_text(encoding="utf-8") == study("--json", "-").stdout
    assert (folder / "s.csv").read_text(encoding="utf-8") == study("--csv", "-").stdout
    assert (folder / "s.svg").read_bytes() == study_figure(report(), "svg")
    assert {path.name for path in folder.iterdir()} - before == {"s.json", "s.csv", "s.svg"}
    assert study("--quiet", "--csv", "s.csv").stdout == ""


def test_several_machines_are_told_apart() -> None:
    result = study("--hardware", "reference-36", "--set", "buffering=1")
    assert result.stdout.splitlines()[0].startswith("Error of the published model, in % of what is true")
    assert "│ two.m on four.yaml " in result.stdout
    assert "│ two.m on reference-36 " in result.stdout
    assert "--hardware reference-36 --set buffering=1 --layer " in result.stdout


def test_left_out_layers_are_counted_and_the_first_is_explained() -> None:
    result = study("--dataflow", "holes.m")
    assert (result.exit_code, result.stderr) == (0, HOLES_LEFT_OUT)
    found = json.loads(study("--dataflow", "holes.m", "--json", "-").stdout)
    assert [(each["layer"], len(each["occurrences"])) for each in found["left_out"]] == [("wide", 2)]


def test_workers_find_the_same() -> None:
    assert study("--workers", "2", "--json", "-").stdout == study("--workers", "1", "--json", "-").stdout


def test_a_shipped_dataflow_meets_the_layers_it_is_meant_for() -> None:
    """AlexNet repeats no layer, and gemm_nmk is for matrix products only."""
    machines = {"reference-256": catalog.machine("reference-256", ())}
    alexnet = cases(["alexnet", "bert_base_encoder"], ["kcp_ws", "gemm_nmk"], machines)
    types = {
        name: {each.layer.type for each in alexnet if each.dataflow_name == name} for name in ("kcp_ws", "gemm_nmk")
    }
    assert types == {"kcp_ws": {"CONV", "NGCONV"}, "gemm_nmk": {"GEMM"}}
    assert sum(len(each.layers) for each in alexnet if each.dataflow_name == "kcp_ws") == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--network", "net.m", "--dataflow", "kcp_ws"],
            "--dataflow: there is nothing to study: the layers are of the types GEMM, and what is chosen is meant for "
            "CONV, NGCONV, DSCONV, TRCONV; choose another dataflow or network",
        ),
        (
            ["--network", "net.m", "--dataflow", "two.m", "--hardware", "four.yaml", "--set", "l1.bytes=1"],
            "two.m on four.yaml: no layer can be studied; the first one is wide of net.m: its tiles take 6 B in the "
            "L1 of a PE, which holds 1 B",
        ),
        (
            ["--network", "nett"],
            "'nett': neither a shipped network nor a file; the shipped networks are alexnet, bert_base_encoder, "
            "mobilenet_v2, resnet50, unet, vgg16; did you mean unet?",
        ),
        (["--json", "x", "--csv", "x"], "x: --json, --csv and --figure need a place each; name different ones"),
        (["--figure", "x.gif"], "x.gif: a figure's file name ends in .png, .svg or .pdf"),
        (
            ["--network", "net.m", "--dataflow", "two.m", "--csv", "no/such.csv"],
            "no/such.csv: cannot be written: no such file or directory",
        ),
    ],
)
def test_faults_are_told_in_one_message(arguments: list[str], message: str) -> None:
    result = invoke("study", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"metronome: {message}\n")


def test_nothing_but_results_goes_into_pipes() -> None:
    program = Path(sys.executable).parent / "metronome"
    words = [program, "study", "--network", "net.m", "--dataflow", "two.m", "--hardware", "four.yaml"]
    finished = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == study().stdout
    assert not any(mark in finished.stdout for mark in ("\033", "\r", "…", "2/2"))
