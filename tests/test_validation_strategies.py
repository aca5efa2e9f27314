"""Generated layers, machines and dataflows are what they promise to be; on them the reference obeys its bounds."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from dataflow.hardware import Collection, Distribution, LevelNetwork, Machine
from dataflow.layers import OPERATIONS, Layer
from dataflow.levels import Mapping, bind
from validation.reference import computed_points, enumerate_layer
from validation.reference_regions import Tiles, whole
from validation.strategies import Case, arbitrary_dataflows, cases, dataflows, layers, machines

NETWORK = LevelNetwork(distribution=Distribution(bandwidth=1), collection=Collection(bandwidth=1, reduction="none"))


def bound(case: Case) -> Mapping:
    layer, dataflow, machine = case
    return bind(layer, dataflow, machine.pes)


def is_legal(mapping: Mapping) -> bool:
    """Tell by brute force whether the PEs compute every point of the iteration space exactly once."""
    counts = computed_points(mapping)
    return len(counts) == mapping.layer.macs and set(counts.values()) == {1}


@st.composite
def arbitrary_cases(draw: DrawFn) -> Case:
    layer = draw(layers(max_macs=100))
    machine = draw(machines(pes=st.integers(1, 12)))
    return layer, draw(arbitrary_dataflows(layer, machine)), machine


@given(cases(max_macs=500))
@settings(max_examples=200)
def test_dataflows_compute_every_point_once(case: Case) -> None:
    assert is_legal(bound(case))


@given(cases())
def test_every_level_with_several_units_spreads_something_over_them(case: Case) -> None:
    for level in bound(case).levels:
        assert level.units == 1 or any(level_map.spatial for level_map in level.maps)


@given(st.data(), st.integers(1, 300))
@settings(max_examples=50)
def test_layers_keep_to_the_limit(data: st.DataObject, max_macs: int) -> None:
    assert data.draw(layers(max_macs=max_macs)).macs <= max_macs


@given(arbitrary_cases())
def test_arbitrary_dataflows_bind(case: Case) -> None:
    layer, dataflow, machine = case
    assert prod(bind(layer, dataflow, machine.pes).units) <= machine.pes


@pytest.mark.parametrize("legal", [True, False])
def test_arbitrary_dataflows_are_of_both_kinds(legal: bool) -> None:
    find(arbitrary_cases(), lambda case: is_legal(bound(case)) is legal)


@pytest.mark.parametrize("type_", OPERATIONS)
def test_every_layer_type_occurs(type_: str) -> None:
    layer = find(layers(types=(type_,)), lambda found: found.macs > 1)
    assert (layer.type, layer.macs) == (type_, 2)


def test_the_plainest_case_is_one_mac_on_one_pe() -> None:
    layer, dataflow, machine = find(cases(), lambda _: True)
    assert (layer.type, layer.macs, dataflow.directives) == ("GEMM", 1, ())
    assert machine == Machine(pes=1, buffering=1, multicast=False, levels=(NETWORK,))


def test_row_stationary_clusters_occur_and_shrink() -> None:
    """Two PEs share the rows and the taps of a single window; nothing else is left in the plainest such dataflow."""
    layer = Layer.of("conv", "CONV", {"R": 2})
    machine = Machine(pes=2, levels=(NETWORK,))
    found = find(dataflows(layer, machine), lambda dataflow: _spreads_windows(bind(layer, dataflow, 2)))
    assert [str(directive) for directive in found.directives] == ["SpatialMap(1,1) Y", "SpatialMap(1,1) R"]


def _spreads_windows(mapping: Mapping) -> bool:
    return any(
        level.units > 1 and {"Y", "R"} <= {level_map.dimension for level_map in level.maps if level_map.spatial}
        for level in mapping.levels
    )


@given(cases(max_macs=300))
@settings(max_examples=60)
def test_reference_keeps_the_bounds_of_any_machine(case: Case) -> None:
    """No fewer cycles than all lanes need, outputs complete in the L2 once, operands each read at least once."""
    layer, _, machine = case
    found = enumerate_layer(bound(case), machine)
    assert found.cycles >= found.compute_end >= -(-layer.macs // (machine.pes * machine.lanes))
    assert 0 < found.utilization <= 1
    l2 = found.boundaries[0].upstream
    outputs = Tiles(layer).of(whole(layer), "output")
    assert l2.output_write - l2.output_read == len(outputs)


@given(cases(max_macs=300))
@settings(max_examples=60)
def test_reference_is_never_faster_on_a_slower_network(case: Case) -> None:
    """Every time is a maximum of sums, so a later transfer can make nothing earlier; counts do not change."""
    mapping, machine = bound(case), case[2]
    slower = machine.model_copy(update={"levels": tuple(_slower(network) for network in machine.levels)})
    before, after = enumerate_layer(mapping, machine), enumerate_layer(mapping, slower)
    assert after.cycles >= before.cycles
    assert after.boundaries == before.boundaries


def _slower(network: LevelNetwork) -> LevelNetwork:
    latency = network.distribution.latency + 1
    bandwidth = -(-network.collection.bandwidth // 2)
    return LevelNetwork(
        distribution=network.distribution.model_copy(update={"latency": latency}),
        collection=network.collection.model_copy(update={"bandwidth": bandwidth}),
    )
