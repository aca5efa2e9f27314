"""Units without a barrier: each goes on when its own data, step and output tile let it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping
from validation.strategies import Case, cases


def run(sizes: dict[str, int], directives: str, pes: int, distribution: dict[str, Any], **machine: object) -> Metrics:
    mapping = bind(Layer.of("product", "GEMM", sizes), parse_dataflow(f"Dataflow {{ {directives} }}"), pes)
    collection = {"bandwidth": 8, "reduction": machine.pop("reduction", "none")}
    ports = {"distribution": distribution, "collection": collection}
    return simulate_mapping(mapping, Machine.model_validate({"pes": pes, "levels": [ports], **machine}))


UNEVEN = ({"M": 3, "K": 2, "N": 4}, "TemporalMap(1,1) K; SpatialMap(2,2) M; Cluster(1, P); TemporalMap(1,1) M;", 2)


@pytest.mark.parametrize(("sync", "barrier"), [("barrier", 4), ("dataflow", 0)])
def test_a_unit_with_less_to_do_does_not_wait(sync: str, barrier: int) -> None:
    """Two clusters share three rows, two and one, for each of two steps: the second does not wait for the first."""
    found = run(*UNEVEN, {"bandwidth": 8}, sync=sync)
    assert found.stalls["barrier"] == barrier


def test_units_of_a_chain_compute_skewed() -> None:
    """Three PEs, four steps, one weight for all a step, hops of a cycle, wires: PE u computes k in cycle k + u: 4 + 2.

    With one buffer a step is sent when the last PE has ended the one before: three cycles each.
    """
    chain = {"topology": "systolic", "bandwidth": None}
    sizes, directives = {"M": 3, "K": 4}, "TemporalMap(1,1) K; SpatialMap(1,1) M;"
    assert run(sizes, directives, 3, chain, sync="dataflow", buffering=4).compute_end == 6
    assert run(sizes, directives, 3, chain, sync="dataflow", buffering=1).compute_end == 12


@pytest.mark.parametrize(("reduction", "cycles"), [("chain", 6 + 1), ("tree", 6 + 2 + 1)])
def test_a_chain_adds_while_later_units_compute(reduction: str, cycles: int) -> None:
    """Three PEs of a chain share K = 3; four rows pass. The last product is there at 4 + 2.

    PE 2 adds it to what has come down the chain: nothing more to wait for. A tree needs two more cycles. One to leave.
    """
    chain = {"topology": "systolic", "bandwidth": None}
    sizes, directives = {"M": 4, "K": 3}, "TemporalMap(1,1) M; SpatialMap(1,1) K;"
    found = run(sizes, directives, 3, chain, sync="dataflow", buffering=4, output_buffering=8, reduction=reduction)
    assert (found.compute_end, found.cycles) == (6, cycles)


def test_a_multicast_waits_for_the_slowest_buffer() -> None:
    """Two PEs, one with two rows and one with one, wires, one buffer: the weight of step k waits for both of them.

    Step k begins when PE 0 has ended step k - 1: every two cycles, although PE 1 needs one.
    """
    sizes, directives = {"M": 3, "K": 3}, "TemporalMap(1,1) K; SpatialMap(2,2) M;"
    found = run(sizes, directives, 2, {"bandwidth": None}, sync="dataflow", buffering=1)
    assert found.compute_end == 6


@pytest.mark.parametrize(("buffering", "end"), [(1, 46), (2, 25)])
def test_a_transfer_waits_for_a_buffer_although_steps_before_it_are_still_on_their_way(
    buffering: int, end: int
) -> None:
    """One PE, five rows in twos, two weights, wires of six cycles: steps of 2, 2, 1, 2, 2 and 1 cycles.

    Two buffers: steps 0 and 1 are sent at 0, computed 6..8 and 8..10. Step 2 is sent at 8, computed 14..15; step 3 is
    sent when step 1 has ended, 10, and computed 16..18; step 4 at 15, 21..23; step 5 at 18, 24..25. With one buffer
    every step takes six cycles more: 6 · 6 + 10.
    """
    sizes, directives = {"M": 5, "K": 2}, "TemporalMap(1,1) K; TemporalMap(2,2) M;"
    wires = {"bandwidth": None, "latency": 6}
    found = run(sizes, directives, 1, wires, sync="dataflow", buffering=buffering, output_buffering=6)
    assert found.compute_end == end


@settings(max_examples=250)
@given(cases(max_macs=400, max_pes=16))
def test_never_slower_than_with_a_barrier_and_all_counts_the_same(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    together = simulate_mapping(mapping, machine)
    apart = simulate_mapping(mapping, machine.model_copy(update={"sync": "dataflow"}))
    assert apart.cycles <= together.cycles
    assert (apart.steps, apart.boundaries, apart.buffers) == (together.steps, together.boundaries, together.buffers)
    assert apart.stalls["barrier"] == 0
