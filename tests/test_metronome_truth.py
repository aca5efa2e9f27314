"""The command that prints published figures against the simulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from metronome.main import app
from metronome.truth import table, verdict
from validation.truth import reduction_tree
from validation.truth.published import Published, published
from validation.truth.rows import Row


def truth(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["truth", *arguments])


def test_json_has_every_figure_with_its_source(tmp_path: Path) -> None:
    target = tmp_path / "truth.json"
    result = truth("--case", "eyeriss", "--json", str(target))
    assert result.exit_code == 0
    assert "19 figures, 11 of them with a limit, none beyond it" in " ".join(result.output.split())
    report = json.loads(target.read_text())
    assert report["schema"] == 1
    first = report["truth"][0]
    assert (first["case"], first["name"], first["quantity"], first["unit"]) == ("eyeriss", "conv1", "latency", "ms")
    assert first["difference"] == pytest.approx(first["measured"] - 16.5)
    assert all(row["source"] and row["holds"] for row in report["truth"])


def test_a_limit_that_is_exceeded_gives_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONV1 alone, with a published figure that is one cycle more."""
    figures = published()
    wrong = figures.reduction_tree.layers[0].model_copy(update={"cycles": 443557})
    tree = figures.reduction_tree.model_copy(update={"layers": (wrong,)})

    def altered() -> Published:
        return figures.model_copy(update={"reduction_tree": tree})

    monkeypatch.setattr(reduction_tree, "published", altered)
    result = truth("--case", "reduction-tree")
    assert result.exit_code == 1
    assert "EXCEEDED" in result.output
    assert truth("--case", "reduction-tree", "--quiet").output == ""


def test_json_on_standard_output_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = published()
    tree = figures.reduction_tree.model_copy(update={"layers": figures.reduction_tree.layers[:1]})
    monkeypatch.setattr(reduction_tree, "published", lambda: figures.model_copy(update={"reduction_tree": tree}))
    assert json.loads(truth("--case", "reduction-tree", "--json", "-").output)["truth"][0]["measured"] == 443556


def test_an_unknown_case_is_an_error() -> None:
    result = truth("--case", "tpu")
    assert result.exit_code == 2
    assert result.output == (
        "metronome: --case tpu: no group of figures of this name; there are systolic, eyeriss, reduction-tree\n"
    )


def test_a_verdict_counts_what_is_beyond_its_limit() -> None:
    rows = [
        Row("case", "a", "cycles", "", 12, 10, "book", limit=1),
        Row("case", "b", "cycles", "", 9, 10, "book", limit=1),
        Row("case", "c", "latency", "ms", 9, 10, "book", decimals=2),
    ]
    assert [row.holds for row in rows] == [False, True, True]
    assert [row.percent for row in rows] == [20, -10, -10]
    assert verdict(rows) == "3 figures, 2 of them with a limit, 1 beyond it"
    cells = [list(column.cells) for column in table(rows).columns]
    assert cells[3:9] == [
        ["12", "9", "9.00"],
        ["10", "10", "10.0"],
        ["+2", "-1", "-1.00"],
        ["+20.0", "-10.0", "-10.0"],
        ["1", "1", ""],
        ["EXCEEDED", "holds", ""],
    ]


def test_truth_is_no_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("metronome.truth.measured", lambda cases: asked.append(list(cases)) or [])
    result = CliRunner().invoke(app, ["validate", "--truth", "--quiet"])
    assert (result.exit_code, asked) == (0, [[]])
    refused = CliRunner().invoke(app, ["validate", "--truth", "--store", "s.db", "--seed", "3"])
    assert (refused.exit_code, refused.stderr) == (
        2,
        "metronome: --truth: does not go with --seed and --store; leave them out\n",
    )
