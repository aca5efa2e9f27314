"""Networks, wires, buffers and units without a barrier: the simulator, a naive reference, and what has to follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from analytical.model import analyze_mapping
from dataflow.hardware import KEYS_OF_TOPOLOGIES, Machine
from dataflow.levels import bind
from simulator.simulate import simulate_mapping
from simulator.topologies import TOPOLOGIES
from validation.reference import enumerate_layer
from validation.strategies import Case, cases, dataflows, layers, rich_machines

EVERY = tuple(KEYS_OF_TOPOLOGIES)


@st.composite
def rich_cases(
    draw: DrawFn,
    topologies: tuple[str, ...] = EVERY,
    syncs: tuple[str, ...] = ("barrier", "dataflow"),
    max_macs: int = 300,
    returning: bool = True,
) -> Case:
    layer = draw(layers(max_macs=max_macs))
    machine = draw(rich_machines(st.integers(1, 12), topologies, syncs, returning=returning))
    return layer, draw(dataflows(layer, machine)), machine


def changed(machine: Machine, **distribution: object) -> Machine:
    """Return the machine with other distribution networks."""
    described = machine.to_dict()
    for level in described["levels"]:
        level["distribution"] |= distribution
    return Machine.model_validate(described)


def test_every_topology_of_hardware_files_is_there() -> None:
    assert set(TOPOLOGIES) == set(KEYS_OF_TOPOLOGIES)


@settings(max_examples=300)
@given(rich_cases())
def test_the_simulator_is_the_naive_reference_with_any_switches(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    assert simulate_mapping(mapping, machine) == enumerate_layer(mapping, machine)


@settings(max_examples=200)
@given(rich_cases(max_macs=4000))
def test_skipping_what_repeats_changes_nothing_with_any_switches(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    assert simulate_mapping(mapping, machine) == simulate_mapping(mapping, machine, accelerate=False)


@settings(max_examples=300)
@given(rich_cases(("bus",), ("barrier",), returning=False))
def test_the_refined_model_is_exact_with_wires_and_any_buffers(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    assert analyze_mapping(mapping, machine) == replace(simulate_mapping(mapping, machine), stalls={})


@settings(max_examples=300)
@given(rich_cases())
def test_units_without_a_barrier_are_never_slower(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    together, apart = (
        simulate_mapping(mapping, machine.model_copy(update={"sync": sync})) for sync in ("barrier", "dataflow")
    )
    assert apart.cycles <= together.cycles
    assert apart.boundaries == together.boundaries


@settings(max_examples=300)
@given(rich_cases(), st.sampled_from(["bandwidth", "filter_bandwidth", "port_width", "link_widths"]), st.booleans())
def test_wider_networks_are_never_slower(case: Case, key: str, wires: bool) -> None:
    """Of any one kind of link; with wires for the port, those links that are as wide as the port are wires, too."""
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    described = machine.to_dict()
    for level in described["levels"]:
        port: dict[str, Any] = level["distribution"]
        if port[key] is not None and not (wires and key == "filter_bandwidth"):
            wider = [width + 1 for width in port[key]] if key == "link_widths" else port[key] + 1
            port[key] = None if wires and key in ("bandwidth", "port_width") else wider
    assert (
        simulate_mapping(mapping, Machine.model_validate(described)).cycles <= simulate_mapping(mapping, machine).cycles
    )


@settings(max_examples=200)
@given(cases(max_macs=300, max_pes=12), st.integers(2, 4), st.integers(1, 5))
def test_switches_that_take_no_time_are_a_crossbar(case: Case, fanout: int, columns: int) -> None:
    """Links behind the port that are as wide as it is pass on what comes."""
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    crossbar = simulate_mapping(mapping, changed(machine, topology="crossbar"))
    tree = simulate_mapping(mapping, changed(machine, topology="tree", hop=0, fanout=fanout))
    mesh = simulate_mapping(mapping, changed(machine, topology="mesh", hop=0, columns=columns))
    assert tree.cycles == mesh.cycles == crossbar.cycles
    assert tree.stalls == mesh.stalls == crossbar.stalls


@settings(max_examples=100)
@given(cases(max_macs=200, max_pes=1))
def test_one_unit_sees_no_more_of_a_crossbar_than_of_a_bus(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    crossbar = changed(machine, topology="crossbar")
    assert simulate_mapping(mapping, crossbar).cycles == simulate_mapping(mapping, machine).cycles
