"""A cluster's distribution network: what a step sends over which links, and when its units have their data."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping

ROWS = "SpatialMap(2,2) M;"


def run(sizes: dict[str, int], directives: str, pes: int, distribution: dict[str, Any], **machine: object) -> Metrics:
    mapping = bind(Layer.of("product", "GEMM", sizes), parse_dataflow(f"Dataflow {{ {directives} }}"), pes)
    ports = {"distribution": distribution, "collection": {"bandwidth": 8, "reduction": "none"}}
    return simulate_mapping(mapping, Machine.model_validate({"pes": pes, "levels": [ports], **machine}))


@pytest.mark.parametrize("sync", ["barrier", "dataflow"])
def test_a_unit_begins_while_others_still_receive(sync: str) -> None:
    """Three rows of three on two PEs: PE 0 has two. Its six inputs pass a crossbar 0..6, the three of PE 1 6..9.

    The three weights have wires of their own. PE 0 computes 6..12, PE 1 9..12. Four rows of six inputs for each, and
    PE 1 ends at 18: one PE that waited until the port is free would end at 15, and at 18.
    """
    crossbar = {"topology": "crossbar", "bandwidth": 1, "filter_bandwidth": 3}
    assert run({"M": 3, "K": 3}, ROWS, 2, crossbar, sync=sync).compute_end == 12
    assert run({"M": 4, "K": 3}, ROWS, 2, crossbar, sync=sync).compute_end == 18


@pytest.mark.parametrize("sync", ["barrier", "dataflow"])
def test_a_cluster_begins_while_others_still_receive(sync: str) -> None:
    """The same with the two PEs in clusters of their own, on wires."""
    crossbar = {"topology": "crossbar", "bandwidth": 1, "filter_bandwidth": 3}
    directives = f"{ROWS} Cluster(1, P); TemporalMap(2,2) M;"
    mapping = bind(Layer.of("product", "GEMM", {"M": 3, "K": 3}), parse_dataflow(f"Dataflow {{ {directives} }}"), 2)
    wires = {"distribution": {"bandwidth": None}, "collection": {"bandwidth": None}}
    levels = [{"distribution": crossbar, "collection": {"bandwidth": 8}}, wires]
    machine = Machine.model_validate({"pes": 2, "levels": levels, "sync": sync})
    assert simulate_mapping(mapping, machine).compute_end == 12


@pytest.mark.parametrize(("topology", "end"), [("crossbar", 6 + 3), ("systolic", 3 + 6 + 3)])
def test_filters_go_beside_the_inputs_but_on_a_chain_ahead_of_them(topology: str, end: int) -> None:
    """Two rows of three on two PEs: six inputs, one a cycle, three weights, one a cycle; three cycles of work.

    On a crossbar inputs take 0..6, of which PE 1 has the last. On a chain weights go 0..3 and inputs 3..9, those for
    PE 1 first: it has them at 6 + 1, PE 0 at 9.
    """
    port = {"topology": topology, "bandwidth": 1, "filter_bandwidth": 1}
    assert run({"M": 2, "K": 3}, "SpatialMap(1,1) M;", 2, port).compute_end == end


@pytest.mark.parametrize(
    ("distribution", "multicast", "links"),
    [
        ({"topology": "bus"}, True, {}),
        ({"topology": "crossbar"}, True, {"in": 6, "to 0": 4, "to 1": 4}),
        ({"topology": "crossbar"}, False, {"in": 8, "to 0": 4, "to 1": 4}),
        ({"topology": "systolic"}, True, {"to 0": 6, "to 1": 4}),
        ({"topology": "tree"}, True, {"root": 6, "1.0": 4, "1.1": 4}),
        ({"topology": "mesh"}, True, {"in": 6, "0 to 1": 4}),
        (
            {"topology": "systolic", "filter_bandwidth": 1},
            True,
            {"inputs to 0": 4, "inputs to 1": 2, "filters to 0": 2, "filters to 1": 2},
        ),
    ],
)
def test_elements_that_cross_each_link(distribution: dict[str, Any], multicast: bool, links: dict[str, int]) -> None:
    """Two rows of two on two PEs, in two steps: two inputs for each PE, and two weights for both."""
    sizes, directives = {"M": 2, "K": 2}, "SpatialMap(1,1) M; TemporalMap(1,1) K;"
    found = run(sizes, directives, 2, {"bandwidth": 4, **distribution}, multicast=multicast)
    assert found.boundaries[0].network.links == links
    assert ("links" in found.to_dict()["boundaries"][0]["network"]) == bool(links)


def test_loads_are_summed_over_the_clusters_of_a_level() -> None:
    """Two clusters of one PE on a crossbar of one port each: two inputs and two weights each."""
    directives = "SpatialMap(1,1) M; Cluster(1, P); TemporalMap(1,1) K;"
    found = run({"M": 2, "K": 2}, directives, 2, {"bandwidth": 4, "topology": "crossbar"})
    assert found.boundaries[0].network.links == {"in": 6, "to 0": 4, "to 1": 4}
    assert found.boundaries[1].network.links == {"in": 8, "to 0": 8}
