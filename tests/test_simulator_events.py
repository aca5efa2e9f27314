"""The events of a simulation: complete, exact, and the same in a window whatever is skipped around it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from switched import rich_cases

from dataflow import catalog
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from simulator.attribution import Attribution
from simulator.events import EVERYTHING, Compute, Drain, Event, Stall, Step, Transfer, Window
from simulator.recorder import Recorder
from simulator.simulate import simulate_mapping
from validation.strategies import Case


def recorded(mapping: Mapping, machine: Machine, window: Window | None = None) -> tuple[Metrics, list[Event]]:
    """Return what a recorder keeps; without a window, nothing is skipped."""
    recorder = Recorder(mapping.layer, window or EVERYTHING)
    return simulate_mapping(mapping, machine, probe=recorder, window=window), recorder.events


def test_a_layer_with_a_pencil() -> None:
    """Outputs X' = 0, 1 of a window of 2 on one PE, input-stationary in nothing: a product at a time, S inside.

    Ports (1, 1) down and (1, 2) up, one buffer. Step 0: input 0 and weight 0 occupy the port 0..2, are there at 3, and
    are computed 3..4. Step 1 (s = 1): input 1 and weight 1 in 4..6, there at 7, computed 7..8; the sum drains 8..9 and
    is in the L2 at 11. Step 2 (x' = 1, s = 0): input 1 is there, weight 0 again 8..9, there at 10, computed 10..11, and
    so on.
    """
    layer = Layer.of("conv", "CONV", {"X'": 2, "S": 2})
    dataflow = parse_dataflow("Dataflow d { TemporalMap(1,1) X'; TemporalMap(1,1) S; }")
    ports = {"distribution": {"bandwidth": 1, "latency": 1}, "collection": {"bandwidth": 1, "latency": 2}}
    machine = Machine.model_validate({"pes": 1, "buffering": 1, "levels": [ports]})
    _, events = recorded(bind(layer, dataflow, 1), machine)
    assert [e for e in events if isinstance(e, Transfer)][:3] == [
        Transfer(0, 2, (), 0, {"input": 1, "filter": 1, "sums": 0}, {0: 3}, {0: (1, 1)}, ()),
        Transfer(4, 6, (), 1, {"input": 1, "filter": 1, "sums": 0}, {0: 7}, {0: (1, 1)}, ("buffer",)),
        Transfer(8, 9, (), 2, {"input": 0, "filter": 1, "sums": 0}, {0: 10}, {0: (0, 1)}, ("buffer",)),
    ]
    assert [e for e in events if isinstance(e, Compute)][:3] == [
        Compute(3, 4, (), 0, 0, 1),
        Compute(7, 8, (), 1, 0, 1),
        Compute(10, 11, (), 2, 0, 1),
    ]
    assert next(e for e in events if isinstance(e, Drain)) == Drain(8, 9, (), 1, 1, 11)
    assert [e for e in events if isinstance(e, Stall)][:3] == [
        Stall(0, 3, (), 0, "fill"),
        Stall(4, 7, (), 1, "distribution"),
        Stall(8, 10, (), 2, "distribution"),
    ]
    second = [e for e in events if isinstance(e, Step)][1]
    assert (second.begin, second.end, second.indices) == (4, 8, (0, 1))
    ranges = {name: limits for name, limits in second.ranges[0].items() if name in ("X'", "S")}
    assert ranges == {"X'": (0, 1), "S": (1, 2)}


@settings(max_examples=100)
@given(rich_cases())
def test_events_add_up_to_the_record(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    found, events = recorded(mapping, machine)
    assert found == simulate_mapping(mapping, machine)
    levels = range(len(mapping.levels))
    sent, collected, steps = Counter[int](), Counter[int](), Counter[int]()
    for event in events:
        level = len(event.cluster)
        if isinstance(event, Transfer):
            sent[level] += sum(event.elements.values())
        elif isinstance(event, Drain):
            collected[level] += event.elements
        elif isinstance(event, Step):
            steps[level] += 1
    assert [sent[level] for level in levels] == [boundary.network.distributed for boundary in found.boundaries]
    assert [collected[level] for level in levels] == [boundary.network.collected for boundary in found.boundaries]
    assert tuple(steps[level] for level in levels) == found.steps
    assert sum(event.macs for event in events if isinstance(event, Compute)) == layer.macs
    assert max(event.end for event in events if isinstance(event, Step)) == found.compute_end
    assert max(event.upstream for event in events if isinstance(event, Drain)) <= found.cycles


@settings(max_examples=60)
@given(rich_cases())
def test_stalls_are_what_cycles_are_put_down_to(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    attribution = Attribution()
    cycles = simulate_mapping(mapping, machine, probe=attribution).cycles
    _, events = recorded(mapping, machine)
    waited: list[Counter[str]] = [Counter() for _ in mapping.levels]
    for event in events:
        if isinstance(event, Stall):
            waited[len(event.cluster)][event.cause] += event.end - event.begin
    for level, causes in enumerate(attribution.by_level(mapping, cycles)):
        for cause in ("dram", "l2_port", "distribution", "barrier", "slot", "fill"):
            assert waited[level][cause] == causes[cause]


def in_order(events: list[Event]) -> list[str]:
    return sorted(map(repr, events))


@settings(max_examples=100)
@given(rich_cases(max_macs=3000), st.integers(0, 3000), st.integers(0, 60))
def test_a_window_shows_what_was_there_whatever_is_skipped(case: Case, first: int, length: int) -> None:
    layer, dataflow, machine = case
    mapping, window = bind(layer, dataflow, machine.pes), Window(first, first + length)
    plain, everything = recorded(mapping, machine)
    found, events = recorded(mapping, machine, window)
    assert found == plain
    stall = [event for event in everything if not (isinstance(event, Stall) and event.cause == "idle")]
    here = [event for event in events if not (isinstance(event, Stall) and event.cause == "idle")]
    assert in_order(here) == in_order([event for event in stall if window.holds(event)])


@settings(max_examples=60)
@given(rich_cases(max_macs=3000), st.integers(0, 200), st.integers(0, 3))
def test_steps_of_the_top_level_are_a_window_too(case: Case, first: int, length: int) -> None:
    layer, dataflow, machine = case
    mapping, window = bind(layer, dataflow, machine.pes), Window(first_step=first, last_step=first + length)
    plain, everything = recorded(mapping, machine)
    found, events = recorded(mapping, machine, window)
    assert found == plain
    assert in_order(events) == in_order([event for event in everything if window.holds(event)])


@pytest.mark.parametrize("dataflow", ["kcp_ws", "yr_rs", "maeri"])
def test_a_moment_of_a_large_layer_takes_no_simulation_of_all_of_it(dataflow: str) -> None:
    """Around cycle 1,000,000 of 9 to 34 million: steps there are followed, and nearly all others skipped."""
    machine = catalog.machine("reference-256")
    layer = next(mapped.layer for mapped in catalog.network("vgg16").layers if mapped.layer.name == "conv1_2")
    mapping = bind(layer, catalog.dataflow(dataflow), machine.pes)
    found, events = recorded(mapping, machine, Window(1_000_000, 1_000_020))
    assert found == simulate_mapping(mapping, machine)
    assert found.accelerated > 0.999
    assert {type(event) for event in events} >= {Step, Compute, Transfer}
    assert all(event.begin <= 1_000_020 and event.end >= 1_000_000 for event in events)


def test_a_cluster_is_a_window_too() -> None:
    dataflow = parse_dataflow("Dataflow d { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }")
    mapping = bind(Layer.of("g", "GEMM", {"M": 3, "N": 2, "K": 2}), dataflow, 6)
    machine = catalog.machine("reference-36", ["pes=6"])
    _, events = recorded(mapping, machine, Window(cluster=(1,)))
    assert {event.cluster for event in events} == {(1,)}
    assert {event.unit for event in events if isinstance(event, Compute)} == {0, 1}
