"""Systolic arrays take the cycles of the published closed form."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dataflow.layers import Layer
from dataflow.legality import check
from dataflow.levels import bind
from simulator.simulate import simulate
from validation.truth.published import Gemm, Stationary, SystolicCase, published
from validation.truth.systolic import (
    closed_form,
    measure,
    roles,
    run,
    systolic_dataflow,
    systolic_machine,
    systolic_rows,
    whole_folds,
)

ARRAYS = st.tuples(st.integers(1, 7), st.integers(1, 7))
GEMMS = st.builds(Gemm, M=st.integers(1, 20), N=st.integers(1, 20), K=st.integers(1, 20))
STATIONARY = st.sampled_from(("output", "filter", "input"))


def stays(gemm: Gemm, stationary: Stationary, rows: int, columns: int) -> bool:
    """Return whether a stream of one element, the same for three folds or more, is in the array already."""
    down, across, stream = roles(gemm, stationary)
    return stationary != "output" and stream == 1 and down <= rows and across > 2 * columns


@given(GEMMS, ARRAYS, STATIONARY)
@settings(max_examples=200)
def test_any_product_on_any_array_takes_the_closed_form(
    gemm: Gemm, array: tuple[int, int], stationary: Stationary
) -> None:
    """Every product, padded to whole folds, but for one in which nothing streams from fold to fold (`stays`)."""
    assume(not stays(gemm, stationary, *array))
    assert run(gemm, stationary, *array).cycles == closed_form(gemm, stationary, *array)


@given(GEMMS, ARRAYS)
@settings(max_examples=100)
def test_without_padding_a_product_takes_no_longer(gemm: Gemm, array: tuple[int, int]) -> None:
    """A fold that fills part of the array ends as soon as that part has: the closed form is a bound."""
    rows, columns = array
    layer = Layer.of("product", "GEMM", gemm.model_dump())
    metrics = simulate(layer, systolic_dataflow("output", columns), systolic_machine("output", rows, columns))
    assert metrics.cycles <= closed_form(gemm, "output", rows, columns)


@given(GEMMS, ARRAYS, STATIONARY)
@settings(max_examples=50)
def test_the_dataflows_are_legal(gemm: Gemm, array: tuple[int, int], stationary: Stationary) -> None:
    rows, columns = array
    layer = whole_folds(gemm, stationary, rows, columns)
    mapping = bind(layer, systolic_dataflow(stationary, columns), rows * columns)
    assert (check(mapping), mapping.warnings, mapping.units) == (None, (), array)


def test_one_fold_of_stationary_outputs() -> None:
    """2 × 3 PEs, K = 4: PE (1, 2) sees its first operands at 1 + 2 and ends at 3 + 4; two rows of sums leave: 9."""
    metrics = run(Gemm(M=2, N=3, K=4), "output", 2, 3)
    assert (metrics.compute_end, metrics.cycles) == (1 + 2 + 4, 1 + 2 + 4 + 2)


def test_one_fold_of_stationary_filters() -> None:
    """2 × 3 PEs, 4 rows of inputs: 2 cycles to load the filters, then 1 + 2 hops to PE (1, 2) and 4 products: 9."""
    assert run(Gemm(M=4, N=3, K=2), "filter", 2, 3).cycles == 2 + 1 + 2 + 4


def test_a_partial_fold_is_clocked_through_the_whole_array_when_padded() -> None:
    """3 × 1 outputs on 4 × 4 PEs, K = 2: as they are, 2 hops and 2 products, then 3 rows leave; padded 2·4 + 4 + 0."""
    gemm = Gemm(M=3, N=1, K=2)
    metrics = simulate(
        Layer.of("part", "GEMM", gemm.model_dump()), systolic_dataflow("output", 4), systolic_machine("output", 4, 4)
    )
    assert metrics.cycles < closed_form(gemm, "output", 4, 4) == run(gemm, "output", 4, 4).cycles == 12


def test_an_input_that_stays_is_not_sent_again() -> None:
    """One row of inputs against three folds of columns: the schedule streams it each time, here it is in the array.

    2 × 2 PEs, 2·2 + 2 + 1 − 2 = 5 cycles a fold. From the third fold on no inputs run down behind the filters, which
    saves the hop from row to row.
    """
    gemm = Gemm(M=1, N=6, K=2)
    assert stays(gemm, "filter", 2, 2)
    metrics = run(gemm, "filter", 2, 2)
    assert metrics.boundaries[0].upstream.input_read == 2
    assert (metrics.cycles, closed_form(gemm, "filter", 2, 2)) == (14, 15)


@pytest.mark.parametrize("case", published().systolic, ids=lambda case: case.name)
def test_the_closed_form_explains_what_is_published(case: SystolicCase) -> None:
    """WS: 8·4 folds of 2·32 + 32 + 256 − 2. IS: 8·8 of … + 128 − 2. OS: 8·4 without the 32 cycles of a drain.

    The RTL needs four cycles more than the hops and products.
    """
    expected = {
        "SCALE-Sim WS": 32 * (64 + 32 + 256 - 2) - 1,
        "SCALE-Sim IS": 64 * (64 + 32 + 128 - 2) - 1,
        "SCALE-Sim OS": 32 * (32 + 32 + 256 - 2) - 1,
        "RTL, K = 32": 16 + 16 + 32 - 2 + 4,
        "RTL, K = 16": 16 + 16 + 16 - 2 + 4,
    }
    assert case.cycles == expected[case.name]


def test_registers_at_the_edges_take_a_cycle_each_way() -> None:
    """16 × 16, K = 32: the last sum after 15 + 15 + 32 cycles, and one each to get in and out."""
    case = next(case for case in published().systolic if case.name == "RTL, K = 32")
    assert measure(case) == 15 + 15 + 32 + 1 + 1


@pytest.mark.slow
def test_published_cycles_are_met() -> None:
    assert [row.difference for row in systolic_rows()] == [0, 0, 0, -2, -2]


@pytest.mark.reference
def test_the_published_cycles_are_those_of_the_material(reference_material: Path) -> None:
    lines = csv.DictReader((reference_material / "systolic" / "cases.csv").read_text().splitlines())
    stated = [tuple(int(line[key]) for key in ("array_rows", "M", "N", "K", "cycles")) for line in lines]
    ours = [(c.array[0], c.gemm.M, c.gemm.N, c.gemm.K, c.cycles) for c in published().systolic]
    assert ours == stated
