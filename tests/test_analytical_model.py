"""The analytical model without assumptions gives the numbers of the execution model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical import NAMES, PUBLISHED, REFINED, Analysis, Assumptions, analyze_mapping
from dataflow.hardware_files import parse_machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
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


@settings(max_examples=50)
@given(cases(), st.lists(st.builds(Assumptions, *[st.booleans()] * len(NAMES)), max_size=4))
def test_what_an_analysis_was_asked_before_changes_nothing(case: Case, asked: list[Assumptions]) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    other = machine.model_copy(update={"multicast": not machine.multicast, "buffering": machine.buffering + 1})
    analysis = Analysis(mapping)
    for assumptions in (*asked, REFINED, PUBLISHED):
        for each in (other, machine):
            assert analysis.metrics(each, assumptions) == analyze_mapping(mapping, each, assumptions)


MACHINE = """
name: one
pes: 1
levels:
  - distribution: {bandwidth: 2, latency: 0}
    collection: {bandwidth: 1, latency: 1, reduction: none}
"""


def test_cycles_that_64_bits_do_not_hold_are_exact() -> None:
    """One PE and 10 ** 20 rows: 1 cycle for the first transfer, 1 a row to compute, 1 for the last drain, 1 to arrive.

    The input of a row arrives while the row before is computed, and its output leaves while the one after is.
    """
    mapping = bind(Layer.of("g", "GEMM", {"M": 10**20}), parse_dataflow("Dataflow d { TemporalMap(1,1) M; }"), 1)
    found = analyze_mapping(mapping, parse_machine(MACHINE))
    assert (found.steps, found.cycles) == ((10**20,), 1 + 10**20 + 1 + 1)
