"""What docs/accuracy.md publishes is what its commands find, and how it is put."""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metronome.main import app

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "accuracy.md"
FIGURE = ROOT / "docs" / "figures" / "study.svg"

NET = """\
Network net {
  Layer a {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { TemporalMap(1,1) N; SpatialMap(1,1) M; TemporalMap(3,3) K; }
  }
}
"""
RESULTS = """\
Layer Number, NumPEs, Runtime (Cycles), Num MACs, output l2 write, filter l2 read, filter l1 write
a, 256, 14, 24, 8, 6, 6
"""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "accuracy.py"))


def test_a_page_made_from_one_small_file(script: dict[str, Any], tmp_path: Path) -> None:
    """4 of 256 PEs take a row of M each, N goes by in two steps, K is whole; ports of 16, latency 1.

    15 elements arrive at 2, computed at 5, and those of step 2 meanwhile: 8; 4 outputs are upstream at 10. 14 cycles
    are 40 % more. Each of the 4 PEs writes the 6 filters: 24, and the program says 6. Hand in hand, step 2 takes as
    long as its compute, and the published model says 10 as well.
    """
    for name, text in {"results/net__pe256_bw16.csv": RESULTS, "mappings/net.m": NET}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    lines = script["page"](list(script["reports"](tmp_path, script["COLUMNS"], 1))).splitlines()
    assert lines[:5] == [
        "Runtime:",
        "",
        "| results file | layers | released program | `published` | `refined` |",
        "|---|---|---|---|---|",
        "| `net__pe256_bw16` | 1 | 40.0 · 40.0 · +40.0 | 0 · 0 · 0 | 0 · 0 · 0 |",
    ]
    assert "| `net__pe256_bw16` | 1 | 75.0 · 75.0 · -75.0 | 0 · 0 · 0 | 0 · 0 · 0 |" in lines
    assert lines[-2:] == [
        "| runtime | 1 | 1 | +40.0 | not explained |",
        "| L1 filter writes | 1 | 1 | -75.0 | the L2 reads again |",
    ]


@pytest.mark.parametrize(("tag", "found"), [("pe256_bw64", (64, 1)), ("pe256_unbounded", (10**9, 0))])
def test_machines_of_results_files(script: dict[str, Any], tag: str, found: tuple[int, int]) -> None:
    network = script["machine_of"](tag).network(0)
    assert {(port.bandwidth, port.latency) for port in (network.distribution, network.collection)} == {found}


def test_numbers_of_percent(script: dict[str, Any]) -> None:
    values = (0.0, 0.04, -3.25, float("inf"))
    assert [script["percent"](value, sign="+") for value in values] == ["0", "+0.0", "-3.2", "∞"]


@pytest.mark.slow
@pytest.mark.reference
def test_the_audits_that_are_published(script: dict[str, Any], reference_material: Path) -> None:
    audited = list(script["reports"](reference_material / "maestro", script["COLUMNS"], os.cpu_count() or 1))
    assert script["page"](audited) in PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_study_that_is_published(tmp_path: Path) -> None:
    """Its output as it stands in the page, and all that is written in its figure."""
    drawn = tmp_path / "study.svg"
    printed = CliRunner().invoke(app, ["study", "--figure", str(drawn)]).stdout
    assert "".join(f"{line.rstrip()}\n" for line in printed.splitlines()) in PAGE.read_text(encoding="utf-8")
    labels = [re.findall("<!-- (.*) -->", path.read_text(encoding="utf-8")) for path in (drawn, FIGURE)]
    assert labels[0] == labels[1]
