"""DRAM and L2 behind the top level, each rule on an example that can be followed with a pencil, and against sets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import InputError
from dataflow.hardware import Dram, Machine, RowBuffer
from dataflow.hardware_files import parse_machine
from dataflow.layers import TENSORS, Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from simulator.nest import Nest
from simulator.residency import Plan
from simulator.simulate import simulate_mapping
from validation.reference_regions import Tiles, life
from validation.strategies import Case, cases

PORTS = {"distribution": {"bandwidth": 2, "latency": 1}, "collection": {"bandwidth": 2, "latency": 1}}
OUTPUTS_STAY = "TemporalMap(1,1) K; SpatialMap(1,1) M;"
OUTPUTS_RETURN = "TemporalMap(1,1) K; TemporalMap(1,1) M;"


def product(directives: str, sizes: dict[str, int], pes: int = 1) -> Mapping:
    return bind(Layer.of("product", "GEMM", sizes), parse_dataflow(f"Dataflow {{ {directives} }}"), pes)


def run(mapping: Mapping, pes: int = 1, **machine: object) -> Metrics:
    return simulate_mapping(mapping, Machine.model_validate({"pes": pes, "levels": [PORTS], **machine}))


TALL = product(OUTPUTS_STAY, {"M": 2, "K": 3}, pes=2)


@pytest.mark.parametrize(("bandwidth", "compute_end", "cycles"), [(1, 13, 17), (2, 10, 13), (3, 9, 12)])
def test_steps_wait_for_the_bus(bandwidth: int, compute_end: int, cycles: int) -> None:
    """Two PEs, three steps of 2 inputs and 1 weight each; 2 elements a cycle to the PEs, there a cycle later.

    At 1 element/cycle: fetched 0..3, 3..6 and 6..9, since step 0 has left its buffer at 5. Sent 3..5, 6..8, 9..11,
    computed 6..7, 9..10, 12..13. The outputs leave 13..14, are in the L2 at 15 and in the DRAM at 17.
    At 2: fetched 0..2, 2..4, 4..6; sent 2..4, 4..6, 6..8; computed 5..6, 7..8, 9..10; out 10..11, 12, 13.
    At 3: fetched 0..1, 1..2, 3..4; sent 1..3, 3..5, 5..7 (step 0 ends at 5); computed 4..5, 6..7, 8..9; out 9..10, in
    the L2 at 11, in the DRAM at 12.
    """
    found = run(TALL, 2, dram={"bandwidth": bandwidth})
    assert (found.compute_end, found.cycles) == (compute_end, cycles)


def test_latency_delays_data_and_not_the_bus() -> None:
    """As above at 1 element/cycle, ten cycles away: in the L2 at 13, 16 and, fetched 15..18 as step 0 has left, 28."""
    found = run(TALL, 2, dram={"bandwidth": 1, "latency": 10})
    assert (found.compute_end, found.cycles) == (28 + 2 + 1 + 1, 32 + 1 + 1 + 2)


def test_one_buffer_fetches_a_step_only_when_the_one_before_has_left() -> None:
    """0..3, sent 3..5, computed 6..7; 5..8, sent 8..10, 11..12; 10..13, sent 13..15, 16..17; out 17..18, 19, 21."""
    found = run(TALL, 2, dram={"bandwidth": 1}, buffering=1)
    assert (found.compute_end, found.cycles) == (17, 21)


def test_a_read_goes_before_a_write_that_waits_as_well() -> None:
    """Three rows of 1 input, one weight for all, 1 element a cycle everywhere, no latency, one PE and one buffer.

    Fetched 0..2, sent 2..4, computed 4..5, drained 5..6; row 1 is fetched 4..5, sent 5..6, computed 6..7, drained 7..8.
    At 6 the first output and the third row (its buffer is free at 6) both ask: the row goes first, 6..7, the output
    7..8. Row 2 is sent 7..8, computed 8..9, drained 9..10. The outputs are written 7..8, 8..9 and 10..11.
    """
    ports = {"distribution": {"bandwidth": 1}, "collection": {"bandwidth": 1}}
    mapping = product("TemporalMap(1,1) M;", {"M": 3})
    found = run(mapping, levels=[ports], dram={"bandwidth": 1}, buffering=1)
    assert (found.compute_end, found.cycles) == (9, 11)


def test_streamed_outputs_are_spilled_and_come_back() -> None:
    """Two outputs come by three times: written 2 · 3 times, read back 2 · 2 times; resident ones are written once."""
    mapping = product(OUTPUTS_RETURN, {"M": 2, "K": 3})
    streamed = run(mapping, dram={"bandwidth": 1}, l2={"resident": []}).dram
    assert streamed is not None
    assert (streamed.output_write, streamed.output_read, streamed.resident) == (6, 4, ())
    resident = run(mapping, dram={"bandwidth": 1}, l2={"resident": ["output"]}).dram
    assert resident is not None
    assert (resident.output_write, resident.output_read, resident.resident) == (2, 0, ("output",))


@pytest.mark.parametrize(
    ("capacity", "resident"),
    [(None, {"filter"}), (38, {"filter"}), (37, set())],
)
def test_what_saves_most_per_byte_stays(capacity: int | None, resident: set[str]) -> None:
    """Rows one by one, columns three by three: a weight tile of 4 · 3 comes again for each of 5 rows, 2 · 12 a row.

    Streamed the weights are 5 · 24, resident 24: 96 elements saved. Inputs and outputs pass once either way: nothing is
    saved, and one output tile of 3 and input tile of 4 cost more whole. Two tiles of each need 2 · (4 + 12 + 3) = 38
    bytes; with the weights whole, 2 · (4 + 3) + 24 = 38 as well, so nothing more is needed.
    """
    mapping = product("TemporalMap(1,1) M; TemporalMap(3,3) N;", {"M": 5, "N": 6, "K": 4})
    machine = Machine.model_validate({"pes": 1, "levels": [PORTS], "l2": {"bytes": capacity}, "dram": {"bandwidth": 1}})
    plan = Plan(mapping.layer, Nest(mapping.layer, mapping.levels[0]), machine)
    assert plan.resident & {"filter"} == resident
    assert plan.bytes == 38 or capacity is None


@pytest.mark.parametrize(("hit", "cycles"), [(0, 509), (10, 549)])
def test_a_row_that_is_open_costs_less(hit: int, cycles: int) -> None:
    """Four inputs at 0..3, a weight at 4, outputs at 5..8, rows of two, a bank for each, 100 cycles to open one.

    The bus is never idle. Input 0 and the weight, rows 0 and 2: 0..202; input 1, row 0 is open: ..203; inputs 2 and 3,
    of which the first opens row 1: ..304, ..305, before the outputs that wait; output 0, row 2 is open: ..306; outputs
    1 and 2 in row 3: ..407, ..408; output 3 in row 4: ..509. Four of the transfers are to open rows.
    """
    mapping = product("TemporalMap(1,1) M;", {"M": 4})
    rows = {"banks": 64, "row_elements": 2, "hit": hit, "miss": 100}
    assert run(mapping, dram={"bandwidth": 1, "row_buffer": rows}).cycles == cycles


def test_rows_of_one_bank_close_each_other() -> None:
    """One bank: as above up to 202 with row 2 open, so that every further transfer but the second of a row opens one.

    Input 1 opens row 0: ..303; inputs 2 and 3 row 1: ..404, ..405; output 0 row 2: ..506; outputs 1 and 2 row 3: ..607,
    ..608; output 3 row 4: ..709.
    """
    mapping = product("TemporalMap(1,1) M;", {"M": 4})
    rows = {"banks": 1, "row_elements": 2, "miss": 100}
    assert run(mapping, dram={"bandwidth": 1, "row_buffer": rows}).cycles == 709


def test_traffic_of_one_port_takes_turns() -> None:
    """Two PEs, three steps of 3 elements through an L2 port of 1 element/cycle: 0..3, 3..6 and 6..9.

    They arrive at 4, 7 and 10; computed 4..5, 7..8, 10..11; the third has a buffer from 5 and the port from 6. The
    outputs take the port two cycles, 11..13, and are in the L2 at 14.
    """
    found = run(TALL, 2, l2={"port_bandwidth": 1})
    assert (found.compute_end, found.cycles) == (11, 14)


def sets(mapping: Mapping) -> dict[str, list[frozenset[Any]]]:
    """Return what the units of the top level hold together, step by step, by tensor."""
    tiles = Tiles(mapping.layer)
    return {
        tensor: [
            frozenset().union(*(tiles.of(region, tensor) for region in step.regions)) for step in life(mapping).steps
        ]
        for tensor in TENSORS
    }


@settings(max_examples=150)
@given(cases(max_macs=300, max_pes=12), st.sets(st.sampled_from(TENSORS)), st.integers(1, 5), st.booleans())
def test_exchanges_are_differences_of_sets(case: Case, resident: set[str], bandwidth: int, port: bool) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    l2 = machine.l2.model_copy(
        update={"resident": tuple(sorted(resident)), "port_bandwidth": bandwidth if port else None}
    )
    found = simulate_mapping(mapping, machine.model_copy(update={"dram": Dram(bandwidth=bandwidth), "l2": l2}))
    assert found.dram is not None
    for tensor, held in sets(mapping).items():
        before, after = [frozenset[Any](), *held], [*held[1:], frozenset[Any]()]
        if tensor == "output":
            left = sum(len(now - then) for now, then in zip(held, after, strict=True))
            distinct = len(frozenset().union(*held))
            expected = (0, distinct) if tensor in resident else (left - distinct, left)
            assert (found.dram.output_read, found.dram.output_write) == expected
        else:
            new = sum(len(now - then) for now, then in zip(held, before, strict=False))
            read = getattr(found.dram, f"{tensor}_read")
            assert read == (len(frozenset().union(*held)) if tensor in resident else new)
    without = simulate_mapping(mapping, machine)
    assert found.cycles >= without.cycles
    assert found.boundaries == without.boundaries


@settings(max_examples=100)
@given(cases(max_macs=300, max_pes=12), st.integers(1, 5), st.integers(0, 9))
def test_a_row_buffer_that_costs_nothing_changes_nothing(case: Case, bandwidth: int, latency: int) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    dram = Dram(bandwidth=bandwidth, latency=latency)
    rows = RowBuffer(row_elements=4, miss=0)
    plain = simulate_mapping(mapping, machine.model_copy(update={"dram": dram}))
    paged = dram.model_copy(update={"row_buffer": rows})
    assert simulate_mapping(mapping, machine.model_copy(update={"dram": paged})) == plain


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("dram={bandwidth: 0}", "override dram={bandwidth: 0}: dram.bandwidth: 0 is less than 1"),
        ("dram={latency: 3}", "override dram={latency: 3}: dram.bandwidth: this key is missing"),
        (
            "dram={bandwidth: 1, row_buffer: {miss: 3}}",
            "override dram={bandwidth: 1, row_buffer: {miss: 3}}: dram.row_buffer.row_elements: this key is missing",
        ),
        (
            "l2={ports: 2}",
            "override l2={ports: 2}: l2.ports: unknown key ports; the keys here are bytes, port_bandwidth, resident",
        ),
    ],
)
def test_what_is_wrong_is_said(override: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_machine(
            "pes: 4\nlevels: [{distribution: {bandwidth: 1}, collection: {bandwidth: 1}}]", overrides=[override]
        )
    assert str(error.value) == message
