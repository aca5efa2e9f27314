"""Partial sums that return to the units, each rule on an example small enough to follow with a pencil.

Products of M × K inputs by K × N weights. Ports are (elements/cycle, latency); "2..5" is from cycle 2 to cycle 5.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.hardware_files import parse_machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Metrics, Upstream
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping
from simulator.values import execute, operands
from validation.reference import enumerate_layer
from validation.reference_values import output
from validation.strategies import Case, dataflows, layers, rich_machines

Port = tuple[int, int]


def network(down: Port, up: Port, reduction: str = "tree", sums: str = "return") -> dict[str, Any]:
    return {
        "distribution": {"bandwidth": down[0], "latency": down[1]},
        "collection": {"bandwidth": up[0], "latency": up[1], "reduction": reduction, "partial_sums": sums},
    }


def run(sizes: dict[str, int], directives: str, *levels: dict[str, Any], pes: int = 1, **machine: object) -> Metrics:
    """Simulate a product; the naive reference has to say the same."""
    mapping = bind(Layer.of("layer", "GEMM", sizes), parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)
    described = Machine.model_validate({"pes": pes, "levels": levels, **machine})
    found = simulate_mapping(mapping, described)
    assert found == enumerate_layer(mapping, described)
    return found


@pytest.mark.parametrize(("latency", "compute_end"), [(0, 10), (1, 10), (2, 11), (3, 12)])
def test_a_sum_goes_back_once_it_is_in_the_buffer(latency: int, compute_end: int) -> None:
    """4 rows of 2 products, K outside, ports (2, 0) down, (1, latency) up, 5 buffers.

    Row 0: 2 operands 0..1, computed 1..2, drained 2..3, in the buffer at 3 + latency. Rows 1 to 3: an input each, so
    that the port is free at 4. Row 0 again: 2 operands and the sum take 2 cycles, from 4 on if the sum is there by
    then, which it is with latency 1, and not with 2. The others: an input and a sum, there in time, a cycle each; the
    last one is computed after that.
    """
    directives = "TemporalMap(1,1) K; TemporalMap(1,1) M;"
    found = run({"M": 4, "K": 2}, directives, network((2, 0), (1, latency)), buffering=5)
    assert found.compute_end == compute_end


def test_sums_cross_the_ports_and_are_counted() -> None:
    """3 products for each of 2 rows: 6 sums leave, 4 come back. Steps bring an input only, or 2 operands and a sum."""
    found = run({"M": 2, "K": 3}, "TemporalMap(1,1) K; TemporalMap(1,1) M;", network((2, 0), (1, 0)))
    (boundary,) = found.boundaries
    assert boundary.upstream == Upstream(input_read=6, filter_read=3, output_write=6, output_read=4)
    assert (boundary.network.distributed, boundary.network.returned, boundary.network.collected) == (9 + 4, 4, 6)
    assert (boundary.per_step.distributed.least, boundary.per_step.distributed.most) == (1, 3)


def test_what_stays_in_the_units_does_not_return() -> None:
    found = run({"M": 2, "K": 3}, "TemporalMap(1,1) M; TemporalMap(1,1) K;", network((2, 0), (1, 0)))
    assert found.boundaries[0].network.returned == 0


@pytest.mark.parametrize(("reduction", "added"), [("tree", 0), ("none", 2 * 2)])
def test_a_sum_of_several_units_returns_to_the_first(reduction: str, added: int) -> None:
    """4 products of each of 2 rows, 2 at a time on 2 units: 2 sums return to unit 0, over a crossbar's port of its own.

    Without a reduction network both units' copies arrive, and the second is added to the first: twice for every row.
    """
    crossbar = network((8, 0), (4, 0), reduction)
    crossbar["distribution"] |= {"topology": "crossbar"}
    found = run({"M": 2, "K": 4}, "SpatialMap(1,1) K; TemporalMap(1,1) M;", crossbar, pes=2)
    (boundary,) = found.boundaries
    assert (boundary.network.returned, boundary.upstream.output_read) == (2, 2 + added)
    operands_of_one = 2 * (2 + 1)  # 2 rows' inputs and a weight, for each of 2 folds
    assert boundary.network.links == {
        "in": 2 * operands_of_one + 2,
        "to 0": operands_of_one + 2,
        "to 1": operands_of_one,
    }


def test_sums_return_level_by_level() -> None:
    """2 rows and columns, K outside at the top, rows inside: the L2 sends 4 sums to the cluster, and that to its PE.

    In the cluster nothing arrives that finds a sum there: it has been sent down before. Unless the cluster adds up:
    then every one of the 4 that came back is added to.
    """
    directives = "TemporalMap(1,1) K; TemporalMap(2,2) M; TemporalMap(1,1) N; Cluster(1, P); TemporalMap(1,1) M;"
    found = run({"M": 2, "N": 2, "K": 2}, directives, network((4, 0), (4, 0)), network((4, 0), (4, 0)))
    assert [boundary.network.returned for boundary in found.boundaries] == [4, 4]
    assert [boundary.upstream.output_read for boundary in found.boundaries] == [4, 4]
    above = run(
        {"M": 2, "N": 2, "K": 2}, directives, network((4, 0), (4, 0)), network((4, 0), (4, 0), sums="accumulate")
    )
    assert [boundary.network.returned for boundary in above.boundaries] == [4, 0]
    assert [boundary.upstream.output_read for boundary in above.boundaries] == [4, 4]


@st.composite
def returning_cases(draw: st.DrawFn) -> Case:
    machine = draw(rich_machines(st.integers(1, 8)))
    described = machine.to_dict()
    for level in described["levels"]:
        sums = draw(st.sampled_from(("return", "return", "accumulate")))
        level["collection"] |= {"bandwidth": level["collection"]["bandwidth"] or 2, "partial_sums": sums}
    layer = draw(layers(max_macs=300))
    machine = Machine.model_validate(described)
    return layer, draw(dataflows(layer, machine)), machine


@settings(max_examples=150)
@given(returning_cases())
def test_the_sums_that_return_are_those_that_the_output_needs(case: Case) -> None:
    """The machine computes NumPy's output with numbers in it, and moves what the naive reference says that it does."""
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    executed = execute(layer, dataflow, machine)
    assert np.array_equal(executed.output, output(layer, *operands(layer, None, None, 0)))
    assert executed.metrics == simulate_mapping(mapping, machine) == enumerate_layer(mapping, machine)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (
            "pes: 1\nlevels: [{distribution: {bandwidth: 1}, collection: {bandwidth: null, partial_sums: return}}]\n",
            "m.yaml: levels[0].collection: partial sums return from a buffer, which wires (bandwidth null) do not have "
            "behind them",
        ),
        (
            "pes: 1\nlevels: [{distribution: {bandwidth: 1}, collection: {bandwidth: 1, partial_sums: return}}]\n"
            "dram: {bandwidth: 1}\n",
            "m.yaml: partial sums return to the units only without a dram and without l2.port_bandwidth",
        ),
        (
            "pes: 1\nlevels: [{distribution: {bandwidth: 1}, collection: {bandwidth: 1, partial_sums: back}}]\n",
            "m.yaml: levels[0].collection.partial_sums: 'back' is not supported; this version supports 'accumulate' or "
            "'return'",
        ),
    ],
)
def test_machines_that_cannot_send_sums_back_are_refused(described: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        parse_machine(described, "m.yaml")
