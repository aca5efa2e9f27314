"""The analytical model without assumptions gives the numbers of the execution model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from analytical import analyze_mapping
from dataflow.levels import bind
from simulator.simulate import simulate_mapping
from validation.strategies import Case, cases


def assert_refined_is_exact(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    simulated = simulate_mapping(mapping, machine)
    assert analyze_mapping(mapping, machine) == replace(simulated, stalls={})


@settings(max_examples=200)
@given(cases())
def test_refined_is_what_the_simulator_does(case: Case) -> None:
    assert_refined_is_exact(case)


@pytest.mark.slow
@settings(max_examples=3000)
@given(cases())
def test_refined_is_what_the_simulator_does_in_many_cases(case: Case) -> None:
    assert_refined_is_exact(case)
