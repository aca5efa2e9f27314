"""The naive reference against small layers counted by hand, and against the worked example of the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataflow.directives import Cluster, Dataflow, Directive, Map
from dataflow.expressions import Number
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import L1, Boundary, Buffers, Downstream, Extremes, Metrics, Network, PerStep, Upstream
from dataflow.reader import read_network
from validation.reference import computed_points, enumerate_layer


def temporal(size: int, offset: int, dimension: str) -> Map:
    return Map(False, Number(size), Number(offset), dimension)


def spatial(size: int, offset: int, dimension: str) -> Map:
    return Map(True, Number(size), Number(offset), dimension)


def bound(layer: Layer, pes: int, *directives: Directive) -> Mapping:
    return bind(layer, Dataflow("by hand", directives), pes)


def machine(pes: int, *, bandwidth: int, latency: int, reduction: str, **others: bool | int) -> Machine:
    network = {
        "distribution": {"bandwidth": bandwidth, "latency": latency},
        "collection": {"bandwidth": 1, "latency": latency, "reduction": reduction},
    }
    return Machine.model_validate({"pes": pes, "levels": [network], **others})


def per_step(distributed: tuple[int, int], collected: tuple[int, int]) -> PerStep:
    """Return the extremes of two steps in which each PE computes one MAC."""
    return PerStep(Extremes(*distributed), Extremes(*collected), Extremes(1, 1), busiest_macs=2)


def test_outputs_stay_in_the_pes_until_they_are_complete() -> None:
    """Two PEs hold one output each while K passes, on ports of 1 element/cycle with 1 cycle of latency.

    Step k needs input (0, k), input (1, k) and filter (k, 0), the filter for both: 3 crossings, 4 receptions.
    Transfers occupy 0..3 and 3..6 and arrive at 4 and 7; compute 4..5 and 7..8; the 2 outputs leave 8..10 and are
    in the L2 at 11. The PEs waited 4 cycles for the first transfer and 7 - 5 for the second.
    """
    layer = Layer.of("gemm", "GEMM", {"M": 2, "K": 2})
    mapping = bound(layer, 2, temporal(1, 1, "K"), spatial(1, 1, "M"))
    assert enumerate_layer(mapping, machine(2, bandwidth=1, latency=1, reduction="tree")) == Metrics(
        cycles=11,
        compute_end=8,
        steps=(2,),
        boundaries=(Boundary(Upstream(4, 2, 2, 0), Downstream(4, 4, 2), Network(6, 2), per_step((3, 3), (0, 2))),),
        l1=L1.of(4),
        buffers=Buffers(l1_bytes=2 * (1 + 1 + 1), l2_bytes=2 * (2 + 1 + 2)),
        utilization=4 / (11 * 2),
        stalls={"transfer": 6, "barrier": 0, "slot": 0},
    )


@pytest.mark.parametrize(
    ("reduction", "cycles", "collected", "rewrites", "slot"), [("chain", 7, 2, 0, 0), ("none", 8, 4, 2, 1)]
)
def test_outputs_of_several_pes_are_added_on_the_way_or_in_the_buffer(
    reduction: str, cycles: int, collected: int, rewrites: int, slot: int
) -> None:
    """K is spread over two single-buffered PEs, distribution 2 elements/cycle, collection 1, no latency.

    Step 0 receives 2 inputs and 2 filters (0..2) and computes 2..3; step 1 only 2 inputs (from 3, the end of the
    step that holds the one buffer, to 4). A chain of two delays the one sum by 1: it leaves 4..5, the PEs are
    free at 5 - 1 = 4, step 1 computes 4..5 and drains 6..7. With no reduction two copies leave 3..5, so that step 1
    computes 5..6, one cycle later than its data, and drains 6..8; each second copy is a rewrite.
    """
    layer = Layer.of("gemm", "GEMM", {"M": 2, "K": 2})
    mapping = bound(layer, 2, temporal(1, 1, "M"), spatial(1, 1, "K"))
    found = enumerate_layer(mapping, machine(2, bandwidth=2, latency=0, reduction=reduction, buffering=1))
    assert (found.cycles, found.stalls) == (cycles, {"transfer": 2 + 1, "barrier": 0, "slot": slot})
    assert found.boundaries == (
        Boundary(
            Upstream(4, 2, collected, rewrites),
            Downstream(4, 2, 4),
            Network(6, collected),
            per_step((2, 4), (collected // 2, collected // 2)),
        ),
    )


def test_without_multicast_every_copy_crosses_alone() -> None:
    """Both PEs need filter (k, 0) in each of the two steps: 4 crossings instead of 2."""
    layer = Layer.of("gemm", "GEMM", {"M": 2, "K": 2})
    mapping = bound(layer, 2, temporal(1, 1, "K"), spatial(1, 1, "M"))
    alone = machine(2, bandwidth=1, latency=1, reduction="tree", multicast=False)
    assert enumerate_layer(mapping, alone).boundaries[0].upstream == Upstream(4, 4, 2, 0)


def test_a_cluster_waits_for_all_units_of_the_enclosing_step() -> None:
    """M folds over two clusters of one PE; K passes inside. Bandwidth 8 and latency 0, so that transfers are short.

    M = 3: fold 0 has rows 0 and 1, fold 1 row 2 alone. The L2 sends 2 · 2 inputs and 2 filters in 0..1, a cluster
    its PE 2 elements in 1..2 for k = 0, computed 2..3, and for k = 1 in 2..3, computed 3..4. Fold 1 comes with 2
    inputs in 1..2, but the first transfer to its PE waits for the compute end 3 of the step two before: sent 3..4,
    computed 4..5, and for k = 1 sent 4..5, computed 5..6. Its output goes from the PE to the cluster in 6..7 and
    to the L2 in 7..8, where the two of fold 0 arrived before (4..5 to the clusters, 5..7 to the L2).
    """
    layer = Layer.of("gemm", "GEMM", {"M": 3, "K": 2})
    mapping = bound(layer, 2, spatial(1, 1, "M"), Cluster(Number(1)), temporal(1, 1, "K"))
    found = enumerate_layer(mapping, machine(2, bandwidth=8, latency=0, reduction="tree"))
    assert (found.cycles, found.compute_end, found.steps) == (8, 6, (2, 6))


def test_points_are_counted_as_often_as_they_are_computed() -> None:
    """Chunks of 2 rows, 1 apart, share row 1; offset 2 on size 1 leaves out K = 1."""
    layer = Layer.of("gemm", "GEMM", {"M": 3, "K": 3})
    mapping = bound(layer, 1, temporal(2, 1, "M"), temporal(1, 2, "K"))
    assert computed_points(mapping) == {(m, 0, k): 1 + (m == 1) for m in range(3) for k in (0, 2)}


def test_only_whole_windows_are_computed() -> None:
    """Dilation 2: a window of 2 taps reaches over 3 rows, so chunks of 4 rows, 1 apart, hold 2 outputs each."""
    layer = Layer.of("conv", "CONV", {"Y": 5, "R": 2}, dilation=(2, 1))
    mapping = bound(layer, 1, temporal(4, 1, "Y"))
    found = computed_points(mapping)
    rows = {point[layer.dimensions.index("Y'")]: count for point, count in found.items()}
    assert rows == {0: 1, 1: 2, 2: 1}


@pytest.mark.reference
@pytest.mark.parametrize("part", range(6))
def test_worked_example_is_reproduced_exactly(reference_material: Path, part: int) -> None:
    """Every number of every sixth record: cycles, compute end, steps and all counts."""
    folder = reference_material / "worked"
    mapped = {entry.layer.name: entry for entry in read_network(folder / "worked.m").layers}
    records = json.loads((folder / "expected.json").read_text())
    assert {record["layer"] for record in records} == set(mapped)
    for record in records[part::6]:
        entry = mapped[record["layer"]]
        assert entry.dataflow is not None
        hardware = _machine(record["hardware"])
        found = enumerate_layer(bind(entry.layer, entry.dataflow, hardware.pes), hardware).to_dict()
        for boundary in found["boundaries"]:
            del boundary["per_step"]  # the examples do not have it
        found |= {"layer": entry.layer.name, "hardware": record["hardware"], "macs": entry.layer.macs}
        assert {key: found[key] for key in record} == record


def _machine(record: dict[str, Any]) -> Machine:
    network = {
        "distribution": record["distribution"],
        "collection": record["collection"] | {"reduction": record["reduction"]},
    }
    return Machine.model_validate(
        {key: record[key] for key in ("pes", "lanes", "buffering", "multicast")} | {"levels": [network]}
    )
