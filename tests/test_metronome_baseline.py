"""The regression gate on the command line: record, change something, compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from baselines import NET, TABLE, baseline, folder, outcome, recorded, slow_down
from typer.testing import CliRunner

from metronome.main import app

__all__ = ["folder"]

# record


def test_recording_twice_gives_the_same_bytes_with_any_number_of_workers() -> None:
    first = Path(recorded()).read_bytes()
    assert Path(recorded("--workers", "2")).read_bytes() == first
    assert [path.name for path in Path("gate").iterdir()] == ["b.json"]


def test_a_baseline_holds_what_is_needed_to_repeat_it() -> None:
    """GEMM of 4 x 2 x 3 on 4 units: every unit has one row, 6 MACs, 24 in all."""
    recorded("--set", "lanes=1", "--layer", "f*", "--allow-overflow")
    (entry,) = json.loads(Path("gate/b.json").read_text(encoding="utf-8"))["workloads"]
    (layer,) = entry.pop("layers")
    assert entry == {
        "workload": "../net.m",
        "dataflow": None,
        "hardware": "../array.yaml",
        "overrides": ["lanes=1"],
        "patterns": ["f*"],
        "allow_overflow": True,
    }
    assert sorted(layer) == ["name", "published", "refined", "simulator"]
    assert (layer["name"], layer["simulator"]["l1.input_read"]) == ("first", 24)
    run = CliRunner().invoke(app, ["run", "net.m", "--hardware", "array.yaml", "--layer", "first", "--json", "-"])
    assert layer["simulator"]["cycles"] == json.loads(run.stdout)["layers"][0]["simulator"]["cycles"]


def test_shipped_names_stay_names_and_files_beside_the_baseline_are_marked_as_such() -> None:
    result = baseline("record", "table.yaml", "--dataflow", "gemm_nmk", "--out", "b.json")
    assert outcome(result) == (0, "", "")
    (entry,) = json.loads(Path("b.json").read_text(encoding="utf-8"))["workloads"]
    assert (entry["workload"], entry["dataflow"], entry["hardware"]) == ("./table.yaml", "gemm_nmk", "reference-256")
    assert outcome(baseline("compare", "b.json")) == (0, "", "")


def test_a_file_with_a_shipped_name_is_not_taken_for_what_is_shipped(folder: Path) -> None:
    (folder / "vgg16").write_text(TABLE, encoding="utf-8")
    result = baseline("record", "./vgg16", "--dataflow", "gemm_nmk", "--out", "b.json")
    assert outcome(result) == (0, "", "")
    (entry,) = json.loads(Path("b.json").read_text(encoding="utf-8"))["workloads"]
    assert (entry["workload"], [layer["name"] for layer in entry["layers"]]) == ("./vgg16", ["a", "b"])
    assert outcome(baseline("compare", "b.json")) == (0, "", "")


def test_a_baseline_is_repeated_from_any_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.chdir(folder / "gate")
    assert outcome(baseline("compare", "b.json")) == (0, "", "")


def test_add_keeps_what_is_there_and_replaces_the_same_recipe() -> None:
    recorded()
    arguments = ("record", "--add", "--out", "gate/b.json")
    for _ in range(2):
        assert baseline(*arguments, "table.yaml", "--dataflow", "gemm_nmk").exit_code == 0
        assert baseline(*arguments, "net.m", "--hardware", "array.yaml").exit_code == 0
    entries = json.loads(Path("gate/b.json").read_text(encoding="utf-8"))["workloads"]
    assert [entry["workload"] for entry in entries] == ["../net.m", "../table.yaml"]


def test_an_illegal_layer_is_not_recorded() -> None:
    Path("net.m").write_text(NET.replace("SpatialMap(1,1) M; }", "SpatialMap(1,2) M; }"), encoding="utf-8")
    result = baseline("record", "net.m", "--hardware", "array.yaml", "--out", "b.json")
    assert (result.exit_code, result.stdout, Path("b.json").exists()) == (1, "", False)
    assert result.stderr.startswith("net.m:5:16: layer first misses work: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope.m", "--out", "b.json"], "nope.m: no such file"),
        (["net.m", "--out", "gate"], "gate: is a directory; a file name is needed"),
        (
            ["net.m", "--out", "b.json", "--layer", "q*"],
            "--layer: no layer of net matches q*; its layers are first, second",
        ),
        (["net.m", "--out", "-", "--add"], "-: --add needs a baseline file to add to"),
        (["net.m", "--out", "b.json", "--add"], "b.json: no such file"),
        (
            ["net.m", "--out", "b.json", "--set", "pes=4\n"],
            r"'pes=4\n': a baseline holds only names of printable characters",
        ),
        (["net.m", "--out", "b.json", "--workers", "0"], "--workers: 0 workers; at least 1 is needed"),
    ],
)
def test_record_refuses_wrong_input_and_writes_nothing(arguments: list[str], message: str) -> None:
    result = baseline("record", *arguments)
    assert outcome(result) == (2, "", f"metronome: {message}\n")
    assert not Path("b.json").exists()


# compare


def test_without_changes_nothing_is_printed() -> None:
    assert outcome(baseline("compare", recorded())) == (0, "", "")


def test_what_moved_is_printed_and_nothing_else() -> None:
    """GEMM of 4 x 2 x 3, one step: 4·3 + 3·2 = 18 elements to distribute, 6 MACs, 8 outputs to collect.

    Distribution takes 5 + 1 cycles over 4 elements/cycle, 18 + 1 over 1; compute 6; collection 2 + 1. Both models
    agree for a single step, which waits for its data from cycle 0.
    """
    recorded("--layer", "first")
    slow_down()
    assert outcome(baseline("compare", "gate/b.json")) == (
        1,
        "Workload ../net.m --hardware ../array.yaml --layer first\n"
        "  Layer  Model      Metric           Baseline  Now     Change\n"
        "  first  simulator  cycles                 15   28   +86.67 %\n"
        "  first  simulator  compute_end            12   25  +108.33 %\n"
        "  first  simulator  stalls.transfer         6   19  +216.67 %\n"
        "  first  published  cycles                 15   28   +86.67 %\n"
        "  first  published  compute_end            12   25  +108.33 %\n"
        "  first  refined    cycles                 15   28   +86.67 %\n"
        "  first  refined    compute_end            12   25  +108.33 %\n",
        "",
    )


def test_a_tolerance_lets_one_metric_move() -> None:
    """From 15 to 28 cycles are 86.67 %: 87 suffices and 86 does not."""
    recorded("--layer", "first")
    slow_down()
    others = ("--tolerance", "compute_end=200", "--tolerance", "stalls=300")
    assert baseline("compare", "gate/b.json", *others, "--tolerance", "cycles=87").exit_code == 0
    printed = baseline("compare", "gate/b.json", *others, "--tolerance", "cycles=86").stdout
    assert [line.split()[2] for line in printed.splitlines()[2:]] == ["cycles"] * 3


def test_layers_that_are_missing_or_new_are_differences() -> None:
    recorded()
    Path("net.m").write_text(NET.replace("Layer second", "Layer third"), encoding="utf-8")
    assert outcome(baseline("compare", "gate/b.json")) == (
        1,
        "Workload ../net.m --hardware ../array.yaml\n"
        "  Layer   Model  Metric  Baseline  Now  Change\n"
        "  second  is missing\n"
        "  third   is new\n",
        "",
    )


def test_a_pattern_whose_layers_are_gone_is_a_difference_too() -> None:
    recorded("--layer", "second")
    Path("net.m").write_text(NET.replace("Layer second", "Layer third"), encoding="utf-8")
    result = baseline("compare", "gate/b.json")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "  second  is missing")


def test_a_layer_that_has_become_illegal_is_a_difference_and_no_update() -> None:
    before = Path(recorded()).read_bytes()
    Path("net.m").write_text(NET.replace("SpatialMap(1,1) M; }", "SpatialMap(1,2) M; }"), encoding="utf-8")
    result = baseline("compare", "gate/b.json", "--update")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("  first  is illegal: net.m:5:16: layer first misses work: ")
    assert Path("gate/b.json").read_bytes() == before


def test_update_writes_what_is_true_now() -> None:
    recorded()
    slow_down()
    result = baseline("compare", "gate/b.json", "--update")
    assert (result.exit_code, "simulator" in result.stdout) == (0, True)
    updated = Path("gate/b.json").read_bytes()
    assert outcome(baseline("compare", "gate/b.json")) == (0, "", "")
    assert Path(recorded()).read_bytes() == updated


def test_a_metric_newer_than_the_baseline_is_told_and_not_compared() -> None:
    """The file is as a version would have written it that did not count steps and what the ports transport."""
    path = Path(recorded("--layer", "first"))
    whole = path.read_text(encoding="utf-8")
    content = json.loads(whole)
    for model in ("simulator", "published", "refined"):
        counts = content["workloads"][0]["layers"][0][model]
        for metric in ("boundaries[0].network.collected", "boundaries[0].network.distributed", "steps[0]"):
            del counts[metric]
    path.write_text(json.dumps(content), encoding="utf-8")
    told = (
        "gate/b.json: does not hold boundaries[0].network.collected and 2 more, which this version counts: "
        "not compared; --update adds what is missing\n"
    )
    assert outcome(baseline("compare", "gate/b.json")) == (0, "", told)
    assert outcome(baseline("compare", "gate/b.json", "--update")) == (0, "", "")
    assert path.read_text(encoding="utf-8") == whole


def test_a_metric_at_one_level_more_is_a_difference() -> None:
    """A cluster of one PE changes no count of the level above, and is not what the baseline holds."""
    recorded("--layer", "first")
    Path("net.m").write_text(NET.replace("(1,1) M; }", "(1,1) M; Cluster(1, P); }", 1), encoding="utf-8")
    result = baseline("compare", "gate/b.json")
    assert (result.exit_code, result.stderr) == (1, "")
    moved = [line.split()[1:] for line in result.stdout.splitlines()]
    assert ["simulator", "steps[1]", "-", "4"] in moved


def test_a_metric_that_is_no_longer_counted_is_a_difference() -> None:
    path = Path(recorded("--layer", "first"))
    text = path.read_text(encoding="utf-8").replace('"cycles": 15', '"cycles": 15,\n"laps": 1', 1)
    path.write_text(text, encoding="utf-8")
    result = baseline("compare", "gate/b.json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines()[-1].split()[2:] == ["laps", "1", "-"]


def test_a_name_that_is_neither_shipped_nor_relative_is_refused() -> None:
    path = Path(recorded())
    path.write_text(path.read_text(encoding="utf-8").replace('"../array.yaml"', '"/etc/passwd"'), encoding="utf-8")
    message = "gate/b.json: '/etc/passwd' is not shipped (hardware), nor a path that begins with ./ or ../"
    assert outcome(baseline("compare", "gate/b.json")) == (2, "", f"metronome: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope.json"], "nope.json: no such file"),
        (["net.m"], "net.m:1:1: not valid JSON: Expecting value"),
        (
            ["gate/b.json", "--tolerance", "cycles"],
            "--tolerance cycles: has the form METRIC=PERCENT, for example cycles=1",
        ),
        (
            ["gate/b.json", "--junit", "x", "--markdown", "x"],
            "x: --junit and --markdown write to the same place; name two",
        ),
        (["gate/b.json", "--junit", "gate"], "gate: is a directory; a file name is needed"),
    ],
)
def test_compare_refuses_wrong_input(arguments: list[str], message: str) -> None:
    recorded()
    assert outcome(baseline("compare", *arguments)) == (2, "", f"metronome: {message}\n")
