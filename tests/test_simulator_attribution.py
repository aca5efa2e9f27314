"""Every cycle of every cluster has one cause, on whatever machine."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.hardware import Dram, Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.attribution import CAUSES, Attribution
from simulator.simulate import simulate_mapping
from validation.strategies import Case, cases

TOPOLOGIES = ("bus", "crossbar", "tree", "systolic", "mesh")


def causes(
    sizes: dict[str, int], directives: str, pes: int, *, bandwidth: int = 2, up: int = 2, **machine: object
) -> list[dict[str, int]]:
    """Return the causes by level, those that do not occur left out."""
    mapping = bind(Layer.of("product", "GEMM", sizes), parse_dataflow(f"Dataflow {{ {directives} }}"), pes)
    ports = {
        "distribution": {"bandwidth": bandwidth, "latency": 1},
        "collection": {"bandwidth": up, "reduction": "none"},
    }
    attribution = Attribution()
    found = simulate_mapping(
        mapping, Machine.model_validate({"pes": pes, "levels": [ports], **machine}), probe=attribution
    )
    return [{c: n for c, n in level.items() if n} for level in attribution.by_level(mapping, found.cycles)]


def test_a_layer_that_waits_for_its_data() -> None:
    """Three steps of 3 elements at 2 a cycle: there at 3, 5 and 7, computed 3..4, 5..6, 7..8, out 8..9."""
    found = causes({"M": 2, "K": 3}, "TemporalMap(1,1) K; SpatialMap(1,1) M;", 2)
    assert found == [{"computing": 3, "distribution": 2, "fill": 3, "drain": 1}]


def test_a_layer_that_waits_for_dram() -> None:
    """As above, in the L2 at 3, 6 and 9: sent 3..5, 6..8, 9..11, there at 6, 9, 12; out 13..14, in the DRAM at 16.

    Between 7 and 9 the second step's data were in the L2 since 6: distribution. Likewise 10..12: the third's since 9.
    """
    found = causes({"M": 2, "K": 3}, "TemporalMap(1,1) K; SpatialMap(1,1) M;", 2, dram={"bandwidth": 1})
    assert found == [{"computing": 3, "distribution": 4, "fill": 6, "drain": 3}]
    slow = causes({"M": 2, "K": 3}, "TemporalMap(1,1) K; SpatialMap(1,1) M;", 2, dram={"bandwidth": 1, "latency": 10})
    assert slow[0]["dram"] == 28 - 20  # the third step's data: the second ended at 20


def test_a_layer_that_waits_for_output_slots() -> None:
    """Four outputs from four PEs, uncombined, 1 a cycle: each takes the port 4 cycles.

    Sent 0..1, 1..2, 3..4 and 4..5, as buffers get free; there at 2, 3, 5 and 6. Computed 2..3 and 3..4, drained 3..7
    and 7..11. The third step has its data at 5 and waits for the first tile to leave until 7; computed 7..8; the fourth
    waits until 11; 11..12. Out 11..15, 15..19.
    """
    found = causes({"M": 4, "K": 4}, "TemporalMap(1,1) M; SpatialMap(1,1) K;", 4, bandwidth=8, up=1)
    assert found == [{"computing": 4, "distribution": 1, "slot": (7 - 5) + (11 - 8), "fill": 2, "drain": 19 - 12}]


def test_units_that_wait_for_each_other_and_units_that_are_idle() -> None:
    """Two clusters share three rows of four columns, two and one, for each of two steps of K.

    The first computes all the time from 2 + 2 on; the second waits at the barrier for four cycles after its first step.
    With one row a third cluster has nothing to do at all.
    """
    rows = "TemporalMap(1,1) K; SpatialMap(2,2) M; Cluster(1, P); TemporalMap(1,1) M;"
    found = causes({"M": 3, "K": 2, "N": 4}, rows, 2, bandwidth=8, up=8)
    assert found[1]["barrier"] == 4
    assert found[1]["computing"] == 2 * (8 + 4)
    alone = causes({"M": 2, "K": 2}, "SpatialMap(2,2) M; Cluster(1, P); TemporalMap(1,1) K;", 3, bandwidth=8, up=8)
    assert alone[1]["idle"] == 2 * sum(alone[0].values())


@settings(max_examples=150)
@given(
    cases(max_macs=300, max_pes=12),
    st.sampled_from(["barrier", "dataflow"]),
    st.sampled_from(TOPOLOGIES),
    st.booleans(),
    st.booleans(),
)
def test_the_causes_sum_to_the_total(case: Case, sync: str, topology: str, dram: bool, port: bool) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    networks = [
        level.model_copy(update={"distribution": level.distribution.model_copy(update={"topology": topology})})
        for level in machine.levels
    ]
    rich = machine.model_copy(
        update={
            "sync": sync,
            "levels": tuple(networks),
            "dram": Dram(bandwidth=2, latency=3) if dram else None,
            "l2": machine.l2.model_copy(update={"port_bandwidth": 3 if port else None}),
        }
    )
    attribution = Attribution()
    cycles = simulate_mapping(mapping, rich, probe=attribution).cycles
    assert cycles == simulate_mapping(mapping, rich).cycles
    for level, found in enumerate(attribution.by_level(mapping, cycles)):
        assert tuple(found) == CAUSES
        assert min(found.values()) >= 0
        assert sum(found.values()) == cycles * prod(mapping.units[:level])
        assert dram or not found["dram"]
        assert port or not found["l2_port"]
        assert sync == "barrier" or not found["barrier"]


@settings(max_examples=100)
@given(cases(max_macs=300, max_pes=12))
def test_the_innermost_clusters_compute_as_long_as_their_busiest_pes_do(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    attribution = Attribution()
    found = simulate_mapping(mapping, machine, probe=attribution)
    *_, innermost = attribution.by_level(mapping, found.cycles)
    assert innermost["computing"] >= -(-layer.macs // (mapping.units[-1] * machine.lanes))
    assert innermost["slot"] == found.stalls["slot"]


def test_no_cause_is_invented() -> None:
    with pytest.raises(KeyError):
        Attribution().computed(object(), object())  # type: ignore[arg-type]  # a step that was never sent
