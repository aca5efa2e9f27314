"""The regression gate on the command line: record, change something, compare."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from dataflow.errors import Position
from metronome.baseline_reports import MARKDOWN_ROWS, diff, github_annotations, junit, markdown
from metronome.baseline_runs import Comparison, LayerComparison
from metronome.main import app
from validation.baseline import Difference, Entry
from validation.baseline import Result as LayerResult

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


# reports


def test_junit_has_a_case_per_layer_and_markdown_a_row_per_difference() -> None:
    recorded()
    Path("net.m").write_text(NET.replace("Layer second", "Layer third"), encoding="utf-8")
    assert baseline("compare", "gate/b.json", "--junit", "j.xml", "--markdown", "m.md").exit_code == 1
    root = ElementTree.parse("j.xml").getroot()
    assert root.attrib == {"tests": "3", "failures": "2", "errors": "0", "skipped": "0"}
    assert [(case.get("name"), [part.tag for part in case]) for case in root.iter("testcase")] == [
        ("first", []),
        ("second", ["failure"]),
        ("third", ["failure"]),
    ]
    assert [failure.get("message") for failure in root.iter("failure")] == [
        "layer second is missing",
        "layer third is new",
    ]
    assert Path("m.md").read_text(encoding="utf-8") == (
        "## Metronome baseline: 2 of 3 layers moved\n\n"
        "Workload ../net.m --hardware ../array.yaml\n\n"
        "| Layer | Model | Metric | Baseline | Now | Change |\n"
        "| --- | --- | --- | ---: | ---: | ---: |\n"
        "| second | is missing |  |  |  |  |\n"
        "| third | is new |  |  |  |  |\n"
    )


def test_a_report_on_standard_output_stands_there_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    slow_down()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = baseline("compare", "gate/b.json", "--junit", "-")
    assert ElementTree.fromstring(result.stdout).get("failures") == "2"
    assert result.stderr.startswith("::error file=net.m,line=2,")


def test_on_github_what_moved_is_annotated_at_its_line_and_added_to_the_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded("--layer", "first")
    slow_down()
    plain = baseline("compare", "gate/b.json", "--markdown", "m.md")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "page.md"))
    Path("page.md").write_text("before\n", encoding="utf-8")
    monkeypatch.chdir("gate")
    place = "::error file=net.m,line=2,title=../net.m%3A layer first moved"
    annotation = f"{place}::simulator cycles: 15 -> 28 (+86.67 %25), and 6 more\n"
    assert outcome(baseline("compare", "b.json", "--github")) == (1, plain.stdout + annotation, "")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert outcome(baseline("compare", "b.json")) == (1, plain.stdout + annotation, "")
    summary = (folder / "m.md").read_text(encoding="utf-8")
    assert (folder / "page.md").read_text(encoding="utf-8") == "before\n" + summary * 2


def test_the_environment_changes_no_result(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "gate"))
    result = baseline("compare", "gate/b.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("metronome: the job's page ")
    assert result.stderr.count("\n") == 1


def hostile() -> list[Comparison]:
    """Names as no reader lets them through, and as file systems allow them."""
    name = "::error file=x::<b>&\"'|`*_]]>\x1b[31m\r\n##[error]x,y:%"
    entry = Entry.model_construct(
        workload=name, dataflow=None, hardware="h|", overrides=(), patterns=(), allow_overflow=False, layers=()
    )
    moved = Difference("conv", note=name)
    return [Comparison(entry, (LayerComparison(LayerResult("conv", None, name, Position(name, 3, 1)), (moved,)),), ())]


def test_names_cannot_break_xml() -> None:
    (failure,) = ElementTree.fromstring(junit(hostile())).iter("failure")
    assert (failure.get("message") or "").startswith("layer conv ::error file=x::<b>&\"'|`*_]]>")
    assert "\x1b" not in junit(hostile())


def test_names_cannot_break_markdown() -> None:
    heading, _, workload, _, head, line, row = markdown(hostile()).splitlines()
    assert (heading, head.count("|"), line.count("|")) == ("## Metronome baseline: 1 of 1 layer moved", 7, 7)
    assert row.replace(r"\|", "").count("|") == 7
    for text in (workload, row):
        assert r"\<b\>\&" in text
        assert r"\`\*\_\]\]\>" in text


def test_names_cannot_give_github_commands() -> None:
    (command,) = github_annotations(hostile(), "b.json", None)
    assert command.count("::") == 2 + command.partition("::layer conv ")[2].count("::")
    assert command.startswith("::error file=%3A%3Aerror file=x%3A%3A<b>&")
    assert "\n" not in command
    assert "\r" not in command
    printed = diff(hostile())
    assert "##[" not in printed
    assert not any(line.strip().startswith("::") for line in printed.splitlines())


def test_a_summary_is_never_longer_than_a_page() -> None:
    entry = hostile()[0].entry
    moved = tuple(Difference("conv", "refined", "cycles", 1, number) for number in range(MARKDOWN_ROWS + 5))
    layers = (LayerComparison(LayerResult("conv", None), moved),)
    lines = markdown([Comparison(entry, layers, ())] * 2).splitlines()
    assert sum(line.startswith("| conv |") for line in lines) == MARKDOWN_ROWS
    assert lines[-1] == f"… and {MARKDOWN_ROWS + 10} more differences"
