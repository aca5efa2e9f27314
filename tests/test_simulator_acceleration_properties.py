"""Skipping what repeats changes no number, whatever the layer, the dataflow and the machine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.layers import OPERATIONS, Layer
from simulator.simulate import simulate
from validation.strategies import Case, cases, dataflows, machines


@st.composite
def long_cases(draw: st.DrawFn, max_macs: int = 6000) -> Case:
    """Draw a case whose loops turn many times, on few PEs."""
    type_ = draw(st.sampled_from(sorted(OPERATIONS)))
    sizes = {}
    for dimension in draw(st.permutations(OPERATIONS[type_].dimensions)):
        size = draw(st.sampled_from((1, 2, 3) if dimension in ("R", "S") else (1, 2, 6, 9, 16, 25)))
        sizes[dimension] = 1 if dimension in OPERATIONS[type_].fixed_to_one else min(size, max_macs)
        max_macs //= sizes[dimension]
    stride, dilation = (draw(st.tuples(*[st.integers(1, 3)] * 2)) if type_ != "GEMM" else (1, 1) for _ in range(2))
    layer = Layer.of(type_.lower(), type_, sizes, stride=stride, dilation=dilation)
    bandwidths, latencies = st.sampled_from((1, 2, 3, 4, 7, 16)), st.sampled_from((0, 1, 3, 17))
    machine = draw(machines(pes=st.integers(1, 9), bandwidths=bandwidths, latencies=latencies))
    return layer, draw(dataflows(layer, machine)), machine


def assert_the_same(case: Case) -> None:
    assert simulate(*case) == simulate(*case, accelerate=False)


@given(long_cases())
@settings(max_examples=80)
def test_long_loops_are_simulated_exactly(case: Case) -> None:
    assert_the_same(case)


@given(cases(max_macs=30000))
@settings(max_examples=60)
def test_acceleration_changes_no_number(case: Case) -> None:
    assert_the_same(case)


@pytest.mark.slow
@given(st.one_of(long_cases(max_macs=30000), cases(max_macs=30000)))
@settings(max_examples=1000)
def test_acceleration_changes_no_number_on_many_cases(case: Case) -> None:
    assert_the_same(case)
