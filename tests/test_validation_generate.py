"""Numbered cases are the same in any company, differ by number and by seed, and are what the strategy makes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

import validation.generate
from dataflow.legality import check
from dataflow.levels import bind
from validation.generate import generate
from validation.strategies import Case


def drawn(seed: int, *numbers: int, max_macs: int = 2000) -> list[Case]:
    found = [case for _, case in generate(seed, numbers, max_macs)]
    assert not any(isinstance(case, Exception) for case in found)
    return found  # type: ignore[return-value]


def test_a_case_is_the_same_alone_and_among_others() -> None:
    together = drawn(7, *range(12))
    assert [drawn(7, number)[0] for number in range(12)] == together
    assert drawn(7, 9, 3) == [together[9], together[3]]


def test_numbers_and_seeds_make_different_cases() -> None:
    """The plainest case, which Hypothesis tries first, is not forced upon every batch."""
    cases = [*drawn(7, *range(20)), *drawn(8, *range(20))]
    assert all(cases.count(case) == 1 for case in cases)


def test_cases_keep_to_the_limit_and_are_legal() -> None:
    for layer, dataflow, machine in drawn(7, *range(40), max_macs=60):
        assert layer.macs <= 60
        assert check(bind(layer, dataflow, machine.pes)) is None


def test_every_layer_type_and_number_of_levels_occurs() -> None:
    cases = drawn(7, *range(100), max_macs=100)
    assert {layer.type for layer, _, _ in cases} == {"GEMM", "CONV", "NGCONV", "DSCONV", "TRCONV"}
    levels = Counter(len(bind(layer, dataflow, machine.pes).levels) for layer, dataflow, machine in cases)
    assert set(levels) == {1, 2, 3, 4}


def test_no_numbers_no_cases() -> None:
    assert list(generate(7, [])) == []


PRINTING = "from validation.generate import generate; print(list(generate(7, [5, 6])))"


def test_a_case_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Hashes of strings differ from process to process; Hypothesis leaves no files behind either."""
    command = [sys.executable, "-c", PRINTING]
    outputs = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{list(generate(7, [5, 6]))}\n"}
    assert list(tmp_path.iterdir()) == []


def test_threads_do_not_mix_their_cases() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda number: drawn(7, number)[0], range(12))) == drawn(7, *range(12))


@st.composite
def sometimes_failing(draw: DrawFn, max_macs: int) -> int:
    """Draw a number below ten; one below three raises."""
    number = draw(st.integers(0, 9))
    if number < 3:
        raise ValueError(f"{number} of {max_macs}")
    return number


def test_what_the_strategy_raises_takes_the_place_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.generate, "cases", sometimes_failing)
    found = dict(generate(7, range(40), 5))
    raised = [case for case in found.values() if isinstance(case, Exception)]
    assert 0 < len(raised) < 40
    assert {str(error) for error in raised} == {"0 of 5", "1 of 5", "2 of 5"}
    assert {type(error) for error in raised} == {ValueError}


@st.composite
def choosy(draw: DrawFn, max_macs: int) -> int:
    """Draw a number below ten that is at least five: others are given up."""
    return draw(st.integers(0, max_macs).filter(lambda number: number >= 5))


def test_an_example_that_is_given_up_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation.generate, "cases", choosy)
    found = [case for _, case in generate(7, range(30), 9)]
    assert set(found) == {5, 6, 7, 8, 9}
    assert [case for number in range(30) for _, case in generate(7, [number], 9)] == found


@pytest.mark.parametrize("strategy", [st.integers(), st.floats(), st.text(), st.binary()])
def test_choices_that_a_number_does_not_determine_are_refused(
    strategy: st.SearchStrategy[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation.generate, "cases", lambda max_macs: strategy)
    ((_, error),) = generate(7, [0])
    assert isinstance(error, TypeError)
    assert str(error) == "numbered cases are made of bounded whole numbers and booleans only"
