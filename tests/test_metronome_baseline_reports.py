"""What the regression gate writes for CI systems: JUnit, Markdown and annotations, whatever names there are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from baselines import NET, baseline, folder, outcome, recorded, slow_down

from dataflow.errors import Position
from metronome.baseline_reports import MARKDOWN_ROWS, diff, github_annotations, junit, markdown
from metronome.baseline_runs import Comparison, LayerComparison
from validation.baseline import Difference, Entry
from validation.baseline import Result as LayerResult

__all__ = ["folder"]


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
