"""The analytical model without assumptions gives the numbers of the execution model."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from analytical import analyze_mapping
from dataflow.levels import bind
from simulator.simulate import simulate_mapping
from validation.strategies import Case, cases


@settings(max_examples=200)
@given(cases())
def test_refined_is_what_the_simulator_does(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    simulated = simulate_mapping(mapping, machine)
    assert analyze_mapping(mapping, machine) == replace(simulated, stalls={})
