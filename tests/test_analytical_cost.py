"""Costs follow from counts alone: hand-derived figures, and what holds for every layer."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical import PUBLISHED, analyze
from analytical.area import area
from analytical.cost import accesses, bounds, cost, crossings, energy
from dataflow import catalog
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Buffers, Metrics
from dataflow.reader import parse_dataflow
from dataflow.technology import Technology
from simulator.simulate import simulate
from validation.strategies import Case, cases

ROUND = Technology(name="round", mac=1, l1=2, network=3, cluster_buffer=5, l2=10, mac_pj=2)


def _machine(pes: int, bandwidths: tuple[int, int] = (2, 1), **others: object) -> Machine:
    network = {"distribution": {"bandwidth": bandwidths[0]}, "collection": {"bandwidth": bandwidths[1]}}
    return Machine.model_validate({"pes": pes, "levels": [network], **others})


def _example() -> tuple[Layer, Metrics, Machine, str]:
    """Return 4 rows in 2 folds on 2 clusters of 2 PEs, which share K = 2."""
    layer = Layer.of("gemm", "GEMM", {"M": 4, "K": 2})
    text = "Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }"
    machine = _machine(4)
    return layer, simulate(layer, parse_dataflow(text), machine), machine, text


# By hand


def test_accesses_of_an_example_counted_by_hand() -> None:
    """8 MACs; each PE holds one weight throughout and gets one input per fold.

    L2: 8 inputs and 2 weights read, 4 outputs written. The weights go to both clusters and stay: 8 inputs and 4
    weights are written to the cluster buffers and read from there, and again written to the L1. 8 partial sums leave
    the L1, the tree makes 4 of them, which are written to a cluster buffer, and read when they leave it.
    """
    counts = accesses(_example()[1])
    plain = {store: {tensor: (a.read, a.write) for tensor, a in row.items()} for store, row in counts.items()}
    assert plain == {
        "l1": {"input": (8, 8), "filter": (8, 4), "output": (8 + 8, 8)},
        "cluster_buffers": {"input": (8, 8), "filter": (4, 4), "output": (4, 4)},
        "l2": {"input": (8, 0), "filter": (2, 0), "output": (0, 4)},
    }
    assert crossings(_example()[1]) == {"input": 8 + 8, "filter": 2 + 4, "output": 4 + 4}


def test_energy_of_the_example() -> None:
    """From the accesses above, at 2 for the L1, 3 for a crossing, 5 for a cluster buffer and 10 for the L2."""
    layer, metrics, machine, _ = _example()
    found = energy(metrics, layer.macs, machine, ROUND)
    assert found.components == {"mac": 8, "l1": 2 * 52, "network": 3 * 30, "cluster_buffers": 5 * 32, "l2": 10 * 14}
    assert found.tensors == {
        "input": 2 * 16 + 3 * 16 + 5 * 16 + 10 * 8,
        "filter": 2 * 12 + 3 * 6 + 5 * 8 + 10 * 2,
        "output": 2 * 24 + 3 * 8 + 5 * 8 + 10 * 4,
    }
    assert found.total == 502


def test_what_follows_from_the_energy() -> None:
    """502 at 2 pJ is 1.004 nJ; at 0.5 GHz a cycle is 2 ns. Of that, the MACs take 16 pJ."""
    layer, metrics, machine, _ = _example()
    half = machine.model_copy(update={"clock_ghz": 0.5})
    record = energy(metrics, layer.macs, half, ROUND).to_dict()
    picojoules, nanoseconds = Fraction(1004), Fraction(2 * metrics.cycles)
    assert record["total"] == 502
    assert record["energy_delay"] == 502 * metrics.cycles
    assert record["nanojoules"]["total"] == 1.004
    assert record["nanojoules"]["components"]["mac"] == 0.016
    assert record["power_mw"]["total"] == float(picojoules / nanoseconds)
    assert record["macs_per_joule"] == float(8 / (picojoules / 10**12))
    assert record["gmacs_per_second_per_joule"] == float(8 / nanoseconds / (picojoules / 10**12))
    assert record["energy_delay_js"] == float(picojoules * nanoseconds / 10**21)


def test_a_cluster_buffer_costs_what_the_l1_does_unless_stated() -> None:
    layer, metrics, machine, _ = _example()
    silent = ROUND.model_copy(update={"cluster_buffer": None})
    assert energy(metrics, layer.macs, machine, silent).components["cluster_buffers"] == 2 * 32


@pytest.mark.parametrize("change", [{"mac_pj": None}, {"mac": 0, "l1": 0, "network": 0, "cluster_buffer": 0, "l2": 0}])
def test_what_cannot_be_told_in_joules_is_none(change: dict[str, float | None]) -> None:
    layer, metrics, machine, _ = _example()
    record = energy(metrics, layer.macs, machine, ROUND.model_copy(update=change)).to_dict()
    unknown = {"nanojoules", "power_mw", "macs_per_joule", "gmacs_per_second_per_joule", "energy_delay_js"}
    assert {key for key, value in record.items() if value is None} == unknown


def test_costs_of_the_example() -> None:
    """8 MACs; 14 L2 accesses, all through its ports. The L1 has 16, 12 and 24 accesses, the L2 8, 2 and 4.

    Bounds: 8 MACs on 4 PEs; 10 and 4 elements through the L2's ports of 2 and 1; 12 and 4 through two pairs of
    ports of clusters, 2 and 1 wide. Steps: the L2 sends 2 · 2 inputs and 2 weights, then 4 inputs, and receives 2
    outputs each time; a cluster sends 2 inputs and 2 weights, then 2 inputs, and receives a sum. A cluster has 2 MACs
    for its 2 PEs.
    """
    layer, metrics, machine, text = _example()
    mapping = bind(layer, parse_dataflow(text), 4)
    record = cost(metrics, mapping, machine, ROUND).to_dict()
    assert record["intensity"] == {
        "macs_per_l2_access": 8 / 14,
        "macs_per_l2_byte": 8 / 14,
        "macs_per_l2_port_element": 8 / 14,
    }
    assert record["reuse"] == {
        "input": {"macs_per_l2_access": 1.0, "l1_per_l2_access": 2.0},
        "filter": {"macs_per_l2_access": 4.0, "l1_per_l2_access": 6.0},
        "output": {"macs_per_l2_access": 2.0, "l1_per_l2_access": 6.0},
    }
    assert record["tensors"] == {"input": 8, "filter": 2, "output": 4}
    assert record["bounds"] == {
        "cycles": 5,
        "compute": 2,
        "distribution": (5, 3),
        "collection": (4, 2),
        "reached": 5 / metrics.cycles,
    }
    top, clusters = record["levels"]
    assert (top["clusters"], clusters["clusters"]) == (1, 2)
    assert top["distribution"] == {
        "average": 10 / metrics.cycles,
        "peak": 6.0,
        "sufficient": 6,
        "elements_per_step": 10 / 2,
        "delay": {"least": 2, "average": 10 / 2 / 2, "most": 3},
    }
    assert clusters["distribution"] == {
        "average": 12 / (2 * metrics.cycles),
        "peak": 4.0,
        "sufficient": 4,
        "elements_per_step": 12 / 4,
        "delay": {"least": 1, "average": 12 / 4 / 2, "most": 2},
    }
    assert (top["collection"]["sufficient"], clusters["collection"]["sufficient"]) == (2, 1)
    assert top["collection"]["delay"] == {"least": 2, "average": 2.0, "most": 2}
    assert top["compute"] == clusters["compute"] == {"least": 1, "average": 1.0, "most": 1}
    assert top["multicast"] == {"input": 1.0, "filter": 2.0}
    assert (top["reduction"], clusters["reduction"]) == (1.0, 2.0)
    assert record["macs_per_cycle"] == record["busy_pes"] == record["gmacs_per_second"] == 8 / metrics.cycles


# Area


def test_area_at_28_nm() -> None:
    """Two ports make a bus of 14.662 · 2 + 28.895 = 58.219; the arbiter's fit is negative there, so it is none.

    Four ports: 87.543 and 19.2322. The L2's networks have 2 buses down and 1 up.
    """
    technology = catalog.technology("maestro-28nm")
    machine = _machine(4, l1={"bytes": 100}, l2={"bytes": 1000}, lanes=2)
    flat = area((4,), machine, technology, Buffers(1, 1))
    assert flat.pes == 8 * Fraction("4470.9014")
    assert (flat.l1, flat.l2, flat.message) == (1024, 2560, None)
    assert flat.network == 3 * Fraction("87.543") + Fraction("19.2322")
    deep = area((2, 2), machine, technology, Buffers(1, 1))
    assert deep.network == (1 + 2) * 3 * Fraction("58.219")
    assert deep.message == "the cluster buffers are left out: the record does not tell their sizes"
    assert flat.total == flat.pes + 1024 + 2560 + flat.network


def test_unbounded_scratchpads_are_as_large_as_the_layer_needs() -> None:
    found = area((4,), _machine(4), catalog.technology("maestro-28nm"), Buffers(l1_bytes=10, l2_bytes=50))
    assert (found.l1, found.l2) == (Fraction("102.4"), 128)


def test_areas_that_a_technology_does_not_state_are_none_and_named() -> None:
    found = area((4,), _machine(4), catalog.technology("eyeriss-65nm"), Buffers(10, 50))
    assert found.to_dict() == {
        "total": None,
        "pes": None,
        "l1": None,
        "l2": None,
        "network": None,
        "message": "technology eyeriss-65nm does not state pe_um2, sram_um2_per_byte, bus_um2, arbiter_um2",
    }
    some = ROUND.model_copy(update={"pe_um2": 10.0})
    assert area((4,), _machine(4), some, Buffers(10, 50)).pes == 40
    assert area((4,), _machine(4), some, Buffers(10, 50)).total is None


# What always holds

TECHNOLOGIES = st.builds(
    Technology,
    name=st.just("drawn"),
    mac=st.floats(0, 10),
    l1=st.floats(0, 10),
    network=st.floats(0, 10),
    cluster_buffer=st.none() | st.floats(0, 10),
    l2=st.floats(0, 100),
)


@settings(max_examples=60)
@given(cases(max_macs=300), TECHNOLOGIES)
def test_energy_divides_by_component_and_by_tensor(case: Case, technology: Technology) -> None:
    layer, dataflow, machine = case
    for metrics in (simulate(layer, dataflow, machine), analyze(layer, dataflow, machine, PUBLISHED)):
        found = energy(metrics, layer.macs, machine, technology)
        assert sum(found.components.values()) == found.total
        assert sum(found.tensors.values(), found.mac) == found.total
        assert found.mac == layer.macs * Fraction(repr(technology.mac))
        networks = [boundary.network for boundary in metrics.boundaries]
        assert sum(crossings(metrics).values()) == sum(each.distributed + each.collected for each in networks)


@settings(max_examples=150)
@given(cases(max_macs=600))
def test_no_layer_is_faster_than_its_bounds(case: Case) -> None:
    layer, dataflow, machine = case
    metrics = simulate(layer, dataflow, machine)
    units = bind(layer, dataflow, machine.pes).units
    assert bounds(metrics, layer.macs, units, machine).cycles <= metrics.cycles


@settings(max_examples=80)
@given(cases(max_macs=400))
def test_more_than_the_sufficient_bandwidth_saves_nothing(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    metrics = simulate(layer, dataflow, machine)
    levels = cost(metrics, mapping, machine, ROUND).levels

    def with_ports(*, sufficient: bool) -> Machine:
        networks = []
        for number, level in enumerate(levels):
            network = machine.network(number).model_dump()
            for side, port in (("distribution", level.distribution), ("collection", level.collection)):
                network[side]["bandwidth"] = port.sufficient if sufficient else 10**6
            networks.append(network)
        return Machine.model_validate(machine.model_dump() | {"levels": networks})

    one, other = (simulate(layer, dataflow, with_ports(sufficient=each)) for each in (True, False))
    assert one == other
