"""The command ``metronome explore``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from spaces import TILED
from test_exploration_campaign import TEXT
from typer.testing import CliRunner, Result

from exploration import campaign
from exploration.subranges import Finding
from metronome.main import app

forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiled.m").write_text(TILED)
    (tmp_path / "space.yaml").write_text(TEXT.replace("[conv5_1, conv4_1]", "[conv5_1]"))
    return tmp_path


def explore(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explore", "space.yaml", "--workers", "1", *arguments])


def test_the_designs_are_counted_and_the_front_is_a_table() -> None:
    result = explore()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("15,000 designs: ")
    assert "conv5_1: " in lines[1]
    assert "the front in throughput, energy, area of 2,064 valid designs" in lines[1]
    assert "dataflow" in lines[3]
    assert "tiled(tile_k=" in result.stdout


def test_every_file_says_the_same_of_the_front(folder: Path) -> None:
    outputs = ("--json", "f.json", "--csv", "f.csv", "--figure", "f.svg", "--designs", "d", "--points", "p")
    result = explore(*outputs, "--verify", "--sample", "5")
    assert (result.exit_code, result.stderr) == (0, "")
    content = json.loads((folder / "f.json").read_text())
    table = pd.read_csv(folder / "f.csv")
    (target,) = content["targets"]
    front = target["front"]
    assert [row["design"] for row in front] == list(table["design"])
    assert [row["cycles"] for row in front] == list(table["cycles"])
    assert (content["designs"]["valid"], sum(content["designs"].values())) == (target["valid"], 15000)
    assert all(row["optimal"] and row["error"] == 0 for row in front)
    assert target["verification"]["sample"]["designs"] == 5
    assert f"{len(front)} of the front's {len(front)} designs stay optimal by simulation" in result.stdout
    points = pd.concat(pd.read_parquet(path) for path in (folder / "p").iterdir())
    assert len(points) == target["valid"]
    assert set(table["design"]) <= set(points["design"])
    assert len(list((folder / "d").iterdir())) == 2 * len(front)
    assert (folder / "f.svg").read_text().startswith("<?xml")


def test_a_design_of_the_front_runs_with_the_other_commands(folder: Path) -> None:
    explore("--json", "f.json", "--designs", "d", "--quiet")
    (target,) = json.loads((folder / "f.json").read_text())["targets"]
    for row in target["front"][:3]:
        stem = f"d/design-{row['design']}"
        run = ["run", f"{stem}.m", "--hardware", f"{stem}.yaml", "--json", "-"]
        result = CliRunner().invoke(app, run)
        assert result.exit_code == 0
        (layer,) = json.loads(result.stdout)["layers"]
        assert layer["simulator"]["cycles"] == row["cycles"]
        assert layer["energy"]["refined"]["total"] == row["energy"]
        assert layer["energy"]["refined"]["power_mw"]["total"] == row["power_mw"]
        assert layer["cost"]["refined"]["area_um2"]["total"] == row["area_mm2"] * 1e6


def test_one_design_is_shown_by_both_models() -> None:
    result = explore("--design", "14999")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "design 14999 of space, for conv5_1"
    assert "  conv5_1: yr_rs" in lines
    numbers = next(line.split() for line in lines if line.startswith("cycles"))
    assert numbers[1] == numbers[2]
    assert explore("--design", "0").stdout.splitlines()[-1] == "not valid: tiles do not fit into the scratchpads"


def test_a_network_chooses_the_best_dataflow_for_each_layer(folder: Path) -> None:
    text = TEXT + "scope: network\ndataflow_per_layer: energy_delay\n"
    (folder / "space.yaml").write_text(text)
    result = explore("--verify", "--sample", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "best per layer" in result.stdout


@forks
def test_the_output_is_the_same_with_more_workers() -> None:
    one = explore("--verify", "--sample", "9").stdout
    assert (
        CliRunner().invoke(app, ["explore", "space.yaml", "--workers", "2", "--verify", "--sample", "9"]).stdout == one
    )


def test_an_interrupt_is_told_and_the_rest_is_done_later(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("exploration.subranges.MOST_DESIGNS", 1000)
    whole = explore().stdout
    explore_numbered = campaign.explore_numbered

    def until_interrupted(plan: campaign.Plan, number: int) -> Finding:
        if number == 4:
            raise KeyboardInterrupt
        return explore_numbered(plan, number)

    with monkeypatch.context() as patched:
        patched.setattr(campaign, "explore_numbered", until_interrupted)
        result = explore("--store", "a.db")
    assert (result.exit_code, result.stdout) == (130, "")
    again = "metronome explore space.yaml --store a.db --resume"
    assert result.stderr == f"metronome: interrupted; 4,000 of 15,000 designs are done; go on with: {again}\n"
    resumed = explore("--store", "a.db", "--resume")
    assert (resumed.exit_code, resumed.stdout) == (0, whole)
    assert (folder / "a.db").exists()


def test_a_search_tries_what_its_budget_allows(folder: Path) -> None:
    result = explore("--budget", "40", "--verify", "--sample", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("40 designs tried, each with all sizes, of a space of 15,000\n")


def test_a_space_without_a_valid_design_is_a_finding(folder: Path) -> None:
    (folder / "space.yaml").write_text(TEXT.replace("[conv5_1, conv4_1]", "[conv5_1]").replace("120", "0.001"))
    result = explore()
    assert result.exit_code == 1
    assert result.stderr == "no design is valid for conv5_1; loosen the constraints or widen the ranges\n"


def test_a_machine_beyond_the_model_is_told(folder: Path) -> None:
    (folder / "machine.yaml").write_text(
        "pes: 64\nlevels: [{distribution: {bandwidth: 8}, collection: {bandwidth: 8}}]\nsync: dataflow\n"
    )
    (folder / "space.yaml").write_text("hardware: machine.yaml\n" + TEXT.replace("[conv5_1, conv4_1]", "[conv5_1]"))
    result = explore("--verify", "--sample", "2")
    assert result.exit_code == 0
    assert result.stderr == "the analytical models take sync: dataflow for a barrier (warning)\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resume",), "--resume: there is nothing to go on with; name the exploration's file with --store"),
        (("--sample", "101"), "--sample: 101 is more than the 100 designs that are drawn"),
        (
            ("--budget", "3", "--points", "p"),
            "--points: a search does not look at all valid designs; leave --points or --budget out",
        ),
        (("--json", "x", "--csv", "x"), "x: the outputs need a place each; name different ones"),
        (("--figure", "x.txt"), "x.txt: a figure's file name ends in .png, .svg or .pdf"),
        (("--points", "space.yaml"), "--points: space.yaml cannot be made: file exists"),
        (("--design", "15000"), "space: there is no design 15000; there are 15000, numbered from 0"),
        (("--store", "tiled.m"), "tiled.m: is not an exploration store; name a file that is, or a new one"),
    ],
)
def test_what_cannot_be_done(arguments: tuple[str, ...], message: str) -> None:
    result = explore(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"metronome: {message}\n")


def test_a_folder_of_points_has_those_of_one_exploration(folder: Path) -> None:
    options = ("--store", "a.db", "--points", "p", "--quiet")
    assert explore(*options).exit_code == 0
    assert explore(*options, "--resume").exit_code == 0
    other = explore("--points", "p", "--quiet")
    message = "metronome: --points: p holds designs of another exploration; name a new folder\n"
    assert (other.exit_code, other.stderr) == (2, message)
    moved = explore("--store", "a.db", "--points", "q", "--resume")
    message = "--points: q/part-000000.parquet is not there; name the folder with which the store was begun"
    assert (moved.exit_code, moved.stderr) == (2, f"metronome: {message}\n")


def test_a_figure_needs_power_or_area(folder: Path) -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith(("constraints", "objectives"))]
    (folder / "space.yaml").write_text("\n".join([*lines, "technology: eyeriss-65nm"]))
    result = explore("--figure", "f.svg")
    message = "technology eyeriss-65nm states neither mac_pj nor all areas: there is nothing to draw"
    assert (result.exit_code, result.stderr) == (2, f"metronome: --figure: {message}\n")
    assert not (folder / "f.svg").exists()


def test_no_figure_is_drawn_of_nothing(folder: Path) -> None:
    (folder / "space.yaml").write_text(TEXT.replace("[conv5_1, conv4_1]", "[conv5_1]").replace("120", "0.001"))
    assert explore("--figure", "f.svg").exit_code == 1
    assert not (folder / "f.svg").exists()
