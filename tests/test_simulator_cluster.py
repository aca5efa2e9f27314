"""The time rules of the reference machine, each on an example small enough to follow with a pencil.

`run` simulates a matrix product of M × K inputs, K × N weights and M × N outputs (1 each where not given). "2..5"
is from cycle 2 to cycle 5; ports are written as (elements/cycle, latency). Every test has a case in which its rule
binds and one in which it just does not.
"""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Metrics, Upstream
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping

Port = tuple[int, int]


def network(down: Port, up: Port, reduction: str = "tree") -> dict[str, Any]:
    return {
        "distribution": {"bandwidth": down[0], "latency": down[1]},
        "collection": {"bandwidth": up[0], "latency": up[1], "reduction": reduction},
    }


def run(
    sizes: dict[str, int],
    directives: str,
    *levels: dict[str, Any],
    pes: int = 1,
    type_: str = "GEMM",
    **machine: int | bool,
) -> Metrics:
    layer = Layer.of("layer", type_, sizes)
    mapping = bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)
    return simulate_mapping(mapping, Machine.model_validate({"pes": pes, "levels": levels, **machine}))


FAST = network((8, 0), (8, 0))


@pytest.mark.parametrize(
    ("bandwidth", "latency", "arrival"),
    [(1, 0, 5), (2, 0, 3), (4, 0, 2), (5, 0, 1), (6, 0, 1), (5, 1, 2), (2, 7, 10)],
)
def test_first_transfer_starts_at_once_and_arrives_after_occupancy_and_latency(
    bandwidth: int, latency: int, arrival: int
) -> None:
    """1 input and 4 weights occupy the port ⌈5 / bandwidth⌉ cycles; 4 MACs; 4 outputs leave 2 by 2, 3 cycles away."""
    found = run({"N": 4}, "", network((bandwidth, latency), (2, 3)))
    assert (found.compute_end, found.cycles) == (arrival + 4, arrival + 4 + 2 + 3)
    assert found.stalls == {"transfer": arrival, "barrier": 0, "slot": 0}


def test_latency_is_paid_only_for_data() -> None:
    """Rows 0-1, then 1-2 for the cluster, one by one for its PE: row 1 is computed twice, the second time for free.

    (Only a dataflow that repeats work has such a step.) One buffer each; the cluster gets 2 inputs and 1 weight in
    0..1, later 1 input, from port (4, 0). Port (1, 5) to the PE: row 0 with the weight 1..3, there at 8, computed
    8..9; row 1 9..10, there at 15, computed 15..16. The cluster's next data come in 16..17. Row 1 is there at once:
    17..18. Row 2 18..19, there at 24, computed 24..25. With 5 cycles for nothing it would end at 30.
    """
    directives = "TemporalMap(2,1) M; Cluster(1, P); TemporalMap(1,1) M;"
    found = run({"M": 3}, directives, network((4, 0), (8, 0)), network((1, 5), (8, 0)), buffering=1)
    assert (found.compute_end, found.stalls["transfer"]) == (25, 8 + (15 - 9) + (17 - 16) + (24 - 18))


@pytest.mark.parametrize(("above", "below", "arrival"), [(0, 0, 2), (3, 0, 5), (0, 3, 5), (4, 3, 9)])
def test_transfer_waits_until_the_data_are_in_the_cluster(above: int, below: int, arrival: int) -> None:
    """One MAC: its 2 operands are 1 cycle and `above` on the way to the cluster, then 1 and `below` to the PE."""
    found = run({}, "Cluster(1, P);", network((8, above), (8, 0)), network((8, below), (8, 0)))
    assert (found.compute_end, found.stalls["transfer"]) == (arrival + 1, arrival)


@pytest.mark.parametrize(
    ("buffering", "compute_end", "stalled"), [(1, 32, 5 + 3 * 5), (2, 19, 5 + 0 + 2), (3, 17, 5), (4, 17, 5)]
)
def test_transfer_waits_for_the_step_that_holds_its_buffer(buffering: int, compute_end: int, stalled: int) -> None:
    """12 products, 3 by 3, into one output: 6 operands per step through port (6, 4), 1 + 4 cycles; 3 cycles to compute.

    One buffer: every transfer starts at the end of the step before, so a step takes 5 + 3. Two: transfers 0..1,
    1..2, 8..9 (step 0 computes 5..8), 11..12 (step 1 8..11), so step 2 computes 13..16 and step 3 16..19. Three:
    transfer 2 comes with the first ones (2..3) and step 2 computes 11..14; transfer 3 starts at 8 and is there at
    13, in time. A fourth buffer changes nothing.
    """
    found = run({"K": 12}, "TemporalMap(3,3) K;", network((6, 4), (1, 0)), buffering=buffering)
    assert (found.compute_end, found.cycles) == (compute_end, compute_end + 1)
    assert found.stalls == {"transfer": stalled, "barrier": 0, "slot": 0}


@pytest.mark.parametrize(("rows", "waited"), [(3, 1), (4, 0)])
def test_no_unit_computes_before_all_have_finished_the_enclosing_step(rows: int, waited: int) -> None:
    """Two columns, one after the other, of 3 or 4 rows in twos on two clusters of 1 PE; all ports (8, 0).

    The clusters have their data at 1, the PEs at 2. Cluster 0 computes 2..3 and 3..4, so column 0 ends at 4, then
    4..5 and 5..6. With 3 rows, cluster 1 has one row: computed 2..3, and column 1's weight, sent 2..3 without
    regard to the barrier, is there at 3 and waits until 4.
    """
    directives = "TemporalMap(1,1) N; SpatialMap(2,2) M; Cluster(1, P); TemporalMap(1,1) M;"
    found = run({"M": rows, "N": 2}, directives, FAST, pes=2)
    assert (found.compute_end, found.stalls) == (6, {"transfer": 2 + 2, "barrier": waited, "slot": 0})


@pytest.mark.parametrize("latency", [0, 7])
@pytest.mark.parametrize(
    ("buffering", "compute_end", "cycles", "transfer", "slot"), [(1, 12, 16, 3, 6), (2, 7, 14, 1, 3), (3, 4, 14, 1, 0)]
)
def test_output_tile_waits_until_an_earlier_one_has_left_the_pes(
    buffering: int, compute_end: int, cycles: int, transfer: int, slot: int, latency: int
) -> None:
    """3 rows of 4 outputs each, 1 cycle to fetch and 1 to compute, 4 to drain through port (1, latency), in order.

    One slot: step 0 computes 1..2 and drains 2..6; step 1, whose data are there at 3, computes 6..7 and drains
    7..11; step 2 (there at 8) 11..12 and 12..16. Two: step 1 computes 2..3 and its drain waits for the port: 6..10;
    step 2 (there at 3) waits for the first tile only, computes 6..7 and drains 10..14. Three: it computes 3..4.
    What travels after it has left the PEs holds no slot.
    """
    port = network((5, 0), (1, latency))
    found = run({"M": 3, "N": 4}, "TemporalMap(1,1) M;", port, buffering=buffering, lanes=4)
    assert (found.compute_end, found.cycles) == (compute_end, cycles + latency)
    assert found.stalls == {"transfer": transfer, "barrier": 0, "slot": slot}


@pytest.mark.parametrize(("loops", "compute_end", "slot"), [("MK", 11, 3), ("KM", 17, 3 * 3)])
def test_tile_that_goes_on_needs_no_other_slot(loops: str, compute_end: int, slot: int) -> None:
    """One slot, 2 rows of 4 outputs, K = 2: 4 steps of 4 MACs in 1 cycle; ports (5, 0) and (1, 0).

    K inside: 5 operands each; the first row computes 1..2 and 3..4, leaves in 4..8; the next step, whose data are
    there at 5, waits until 8 for the slot, the last one goes on at 10..11.
    K outside: the row changes with every step and drains 4 cycles; data come in 1 cycle after a step's end, so that
    each of three steps waits 3 of the 4: computed 1..2, 6..7, 11..12, 16..17.
    """
    directives = " ".join(f"TemporalMap(1,1) {loop};" for loop in loops)
    found = run({"M": 2, "N": 4, "K": 2}, directives, network((5, 0), (1, 0)), buffering=1, lanes=4)
    assert (found.compute_end, found.cycles, found.stalls["slot"]) == (compute_end, compute_end + 4, slot)


def test_tiles_and_not_steps_take_slots() -> None:
    """Two slots, 4 rows of 4 outputs with K = 2 inside; 5 operands in 1 cycle, 4 MACs in 1, 4 outputs through (1, 0).

    The first two rows compute 1..5 and drain 3..7 and 7..11. Row 2 waits for the slot of row 0 from 5 on: computed
    7..8 and 8..9, drained 11..15. Row 3 (there at 9) waits for row 1's: computed 11..12 and 12..13, drained 15..19.
    """
    port = network((5, 0), (1, 0))
    found = run({"M": 4, "N": 4, "K": 2}, "TemporalMap(1,1) M; TemporalMap(1,1) K;", port, lanes=4)
    assert (found.compute_end, found.cycles) == (13, 19)
    assert found.stalls == {"transfer": 1, "barrier": 0, "slot": 2 + 2}


@pytest.mark.parametrize(
    ("reduction", "units", "delay"),
    [("tree", 4, 2), ("tree", 5, 3), ("tree", 8, 3), ("chain", 4, 3), ("chain", 5, 4), ("tree", 2, 1), ("chain", 2, 1)],
)
def test_sums_take_the_reduction_network_its_time(reduction: str, units: int, delay: int) -> None:
    """2 rows, K across the units, one buffer and one slot, port (16, 0) down, (1, 0) up.

    Row 0: data at 1, computed 1..2, its sum leaves the network in 2 + ρ..3 + ρ, and left the PEs at 3. Row 1: data
    2..3, computed 3..4 whatever ρ is, the sum 4 + ρ..5 + ρ.
    """
    port = network((16, 0), (1, 0), reduction)
    found = run({"M": 2, "K": units}, "TemporalMap(1,1) M; SpatialMap(1,1) K;", port, pes=units, buffering=1)
    assert (found.compute_end, found.cycles, found.stalls["slot"]) == (4, 5 + delay, 0)


def test_slot_is_held_while_the_port_is_occupied() -> None:
    """As above with 4 units, tree (ρ = 2), 3 columns: the 3 sums occupy the port 3 cycles.

    Row 0: 3 MACs per unit 2..5 (4 + 12 operands in 2 cycles), sums 7..10, out of the PEs at 8. Row 1: 4 inputs
    5..6, waits 2 cycles for the slot, 8..11, sums 13..16.
    """
    port = network((8, 0), (1, 0))
    found = run({"M": 2, "N": 3, "K": 4}, "TemporalMap(1,1) M; SpatialMap(1,1) K;", port, pes=4, buffering=1)
    assert (found.compute_end, found.cycles, found.stalls["slot"]) == (11, 16, 2)


@pytest.mark.parametrize("reduction", ["tree", "chain", "none"])
@pytest.mark.parametrize(("sizes", "spread"), [({"M": 4}, "M"), ({"M": 1, "N": 4}, "N"), ({"N": 4, "K": 1}, "K")])
def test_what_one_unit_alone_has_is_not_delayed(reduction: str, sizes: dict[str, int], spread: str) -> None:
    """On 4 units: 4 outputs of 4 units, or (K = 1) all on one. Data at 1, computed in 1 or 4 cycles, drained in 1."""
    found = run(sizes, f"SpatialMap(1,1) {spread};", network((8, 0), (4, 0), reduction), pes=4)
    assert found.cycles == found.compute_end + 1 == (1 + 4 + 1 if spread == "K" else 1 + 1 + 1)


def test_without_a_reduction_network_every_copy_crosses_and_is_added_above() -> None:
    """3 products of one output on 3 units: computed 1..2, 3 copies leave 2..5, 2 of them are added in the L2."""
    found = run({"K": 3}, "SpatialMap(1,1) K;", network((8, 0), (1, 0), "none"), pes=3)
    assert (found.cycles, found.compute_end) == (5, 2)
    assert found.boundaries[0].upstream == Upstream(input_read=3, filter_read=3, output_write=3, output_read=2)


@pytest.mark.parametrize(("latency", "cycles"), [(0, 3 + 1 + 1), (5, 3 + 6 + 1)])
def test_a_cluster_drains_when_its_units_have_drained(latency: int, cycles: int) -> None:
    """One MAC: data with the cluster at 1, with its PE at 2, computed 2..3; up through (8, latency), then (8, 2)."""
    found = run({}, "Cluster(1, P);", network((8, 0), (8, 2)), network((8, 0), (8, latency)))
    assert (found.compute_end, found.cycles) == (3, cycles + 2)


@pytest.mark.parametrize("latency", [0, 5])
def test_drains_of_units_that_nothing_leaves_are_not_waited_for(latency: int) -> None:
    """8 channels of 6 output rows, 2 per cluster of 1 PE; tap 0 reaches rows 0-4, tap 1 rows 1-5, so row 0 is done.

    Data are with the clusters at 1 (tap 0) and 2 (tap 1). Tap 0: PE 0 computes row 0 in 2..3 and row 1 in 3..4, PE
    1 rows 2 and 3 likewise, PE 2 row 4 in 2..3. Row 0 leaves PE 0 in 3..4 through port (8, latency); row 1 goes on
    with tap 1. Row 3 leaves PE 1 only in 4..5, but goes on in cluster 1: row 0 leaves cluster 0 alone, at 4 +
    latency, for 8 cycles of port (1, 0). Tap 1 ends at 6 and its last rows are in the clusters at 7 + latency; the
    40 elements of rows 1-5 leave one by one from 12 + latency on.
    """
    directives = "TemporalMap(1,1) R; SpatialMap(2,2) Y'; Cluster(1, P); TemporalMap(1,1) Y';"
    levels = network((64, 0), (1, 0)), network((64, 0), (8, latency))
    found = run({"K": 8, "Y": 5, "R": 2}, directives, *levels, pes=3, lanes=8, type_="TRCONV")
    assert (found.compute_end, found.cycles, found.stalls["slot"]) == (6, 12 + latency + 40, 0)


def test_multicast_sends_once_what_several_units_need() -> None:
    """4 units share 2 weights (1 row each, K = 2): 8 + 2 elements in 5 cycles, or 8 + 8 in 8, on port (2, 0)."""
    alike, alone = (
        run({"M": 4, "K": 2}, "SpatialMap(1,1) M;", network((2, 0), (4, 0)), pes=4, multicast=multicast)
        for multicast in (True, False)
    )
    assert (alike.compute_end, alone.compute_end) == (5 + 2, 8 + 2)
    assert (alike.boundaries[0].upstream.filter_read, alone.boundaries[0].upstream.filter_read) == (2, 8)
    assert alike.boundaries[0].downstream == alone.boundaries[0].downstream
    assert (alike.boundaries[0].network.distributed, alone.boundaries[0].network.distributed) == (10, 16)


@pytest.mark.parametrize(("rows", "inputs"), [(3, 2 + 1 + 1 + 1), (4, 4 * 2)])
def test_idle_units_keep_their_inputs(rows: int, inputs: int) -> None:
    """2 columns of 3 or 4 rows on 2 units. Of 3 rows, unit 1 keeps row 1 while row 2 is computed, for column 1."""
    found = run({"M": rows, "N": 2}, "TemporalMap(1,1) N; SpatialMap(1,1) M;", FAST, pes=2)
    assert (found.boundaries[0].upstream.input_read, found.boundaries[0].downstream.filter_write) == (inputs, 4)


def test_partial_sums_that_come_again_are_read_and_written() -> None:
    """2 rows × 3 products. K outside: each step's output leaves, 6 arrive in the L2 and 4 of them are not the first."""
    outside = run({"M": 2, "K": 3}, "TemporalMap(1,1) K; TemporalMap(1,1) M;", FAST)
    inside = run({"M": 2, "K": 3}, "TemporalMap(1,1) M; TemporalMap(1,1) K;", FAST)
    written = [found.boundaries[0].upstream for found in (outside, inside)]
    assert [(w.output_write, w.output_read) for w in written] == [(6, 4), (2, 0)]


def test_partial_sums_meet_in_the_cluster_buffer() -> None:
    """The PE's K loop is outside its rows, so each output reaches the cluster 3 times, and the L2 once."""
    directives = "TemporalMap(2,2) M; Cluster(1, P); TemporalMap(1,1) K; TemporalMap(1,1) M;"
    found = run({"M": 2, "K": 3}, directives, FAST)
    written = [boundary.upstream for boundary in found.boundaries]
    assert [(w.output_write, w.output_read) for w in written] == [(2, 0), (6, 4)]


def test_a_stay_in_the_cluster_buffer_ends_when_the_output_leaves() -> None:
    """The cluster's K loop is outside its rows: each of 6 arrivals there begins a stay, and 4 are added in the L2."""
    directives = "TemporalMap(1,1) K; TemporalMap(1,1) M; Cluster(1, P); TemporalMap(1,1) M;"
    found = run({"M": 2, "K": 3}, directives, FAST)
    written = [boundary.upstream for boundary in found.boundaries]
    assert [(w.output_write, w.output_read) for w in written] == [(6, 4), (6, 0)]
