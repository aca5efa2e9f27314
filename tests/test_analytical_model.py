"""The published model on examples small enough to count by hand, and against the naive reference."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical import PUBLISHED, Assumptions, analyze
from analytical.runtime import Analysis
from dataflow.directives import Dataflow, MappedLayer
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Boundary, Buffers, Downstream, Network, Upstream
from dataflow.reader import parse_dataflow, read_network
from dataflow.regions import whole
from validation.reference import enumerate_layer


def machine(pes: int, bandwidth: int = 4, latency: int = 1, lanes: int = 1) -> Machine:
    port = {"bandwidth": bandwidth, "latency": latency}
    return Machine.model_validate({"pes": pes, "lanes": lanes, "levels": [{"distribution": port, "collection": port}]})


def flow(directives: str) -> Dataflow:
    return parse_dataflow(f"Dataflow d {{ {directives} }}")


def counted(read: tuple[int, int], written: tuple[int, int], outputs: tuple[int, int, int]) -> Boundary:
    """Return a boundary: (input, filter) read above and written below; outputs (drained, arriving, read)."""
    drained, arriving, read_again = outputs
    return Boundary(
        Upstream(*read, output_write=arriving, output_read=read_again),
        Downstream(*written, output_drained=drained),
        Network(distributed=sum(read), collected=arriving),
    )


CONV_1D = Layer.of("conv", "CONV", {"X'": 12, "S": 6})


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        # Each fold's 3 outputs stay for 6 taps; the one filter element goes to all, each unit's input is new.
        ("SpatialMap(1,1) X'; TemporalMap(1,1) S;", counted((72, 24), (72, 72), (12, 12, 0))),
        # Each tap stays for 4 folds; all 3 outputs leave after every step and all but 12 come again.
        ("TemporalMap(1,1) S; SpatialMap(1,1) X';", counted((72, 6), (72, 18), (72, 72, 60))),
        # 3 taps at a time work on one output, which leaves 3 units after both folds, added on the way.
        ("TemporalMap(1,1) X'; SpatialMap(1,1) S;", counted((72, 72), (72, 72), (36, 12, 0))),
        # Each fold of 3 taps stays for 12 outputs, which leave at once and come in the second fold again.
        ("SpatialMap(1,1) S; TemporalMap(1,1) X';", counted((72, 6), (72, 6), (72, 24, 12))),
    ],
)
def test_one_dimensional_convolution_on_3_pes(directives: str, expected: Boundary) -> None:
    """12 outputs × 6 taps on 3 PEs of one MAC each: 24 steps, and 24 × 3 inputs, as x' + s moves every time."""
    result = analyze(CONV_1D, flow(directives), machine(3))
    assert result.steps == (24,)
    assert result.boundaries == (expected,)


def test_tiled_one_dimensional_convolution() -> None:
    """S(2,2) X', T(3,3) S on 3 PEs: 2 folds × 2 chunks of taps; unit u's inputs are [2u + 3j, 2u + 3j + 4) at step j.

    First step: 4 inputs per unit, 12 in sum, 0..7 = 8 different; each later step 3 new per unit, 9 in sum,
    7 different (neighbours share one). Inputs: 8 + 3·7 = 29 read, 12 + 3·9 = 39 written. Filter: 3 per step,
    12 read and 36 written. 6 outputs leave after each fold. A unit computes 6 cycles.
    Time at 4 elements/cycle and latency 1: first (⌈11/4⌉ + 1) + 6 = 10, then 3 × max(⌈10/4⌉ + 1, 6, ⌈6/4⌉ + 1) = 18,
    and the last drain 3. Tiles: 4 + 3 + 2 elements of a PE, 8 + 3 + 6 on top, each twice.
    """
    result = analyze(CONV_1D, flow("SpatialMap(2,2) X'; TemporalMap(3,3) S;"), machine(3))
    assert result.boundaries == (counted((29, 12), (39, 36), (12, 12, 0)),)
    assert (result.steps, result.cycles, result.compute_end) == ((4,), 31, 28)
    assert result.buffers == Buffers(l1_bytes=18, l2_bytes=34)
    assert result.utilization == 72 / (31 * 3)


def test_every_parent_step_starts_afresh() -> None:
    """GEMM M = 2, N = 3, K = 2: two clusters of 2 PEs, one per m, with k across the PEs; n advances 3 times.

    Top: each unit keeps its 2 inputs (4 read), all get column n's 2 weights (6 read, 12 written), 2 outputs leave
    per step. A cluster's region is 1 × 1 × 2, one step: 2 inputs, 2 weights, one output from 2 PEs; 3 · 2 such
    regions, and the inputs that would have stayed are fetched again: 12 instead of 4.
    At 1 element/cycle and latency 0 a region takes 4 + 1 + 1 = 6; top: 6 + 6, then 2 × max(2, 6, 2), then 2.
    """
    dataflow = flow("TemporalMap(1,1) N; SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K;")
    result = analyze(Layer.of("g", "GEMM", {"M": 2, "N": 3, "K": 2}), dataflow, machine(4, bandwidth=1, latency=0))
    assert result.boundaries == (
        counted((4, 6), (4, 12), (6, 6, 0)),
        counted((12, 12), (12, 12), (12, 6, 0)),
    )
    assert (result.steps, result.cycles, result.compute_end) == ((3, 6), 26, 24)


def test_a_last_fold_moves_only_what_its_units_need() -> None:
    """6 rows on 4 units: 4 + 2; the column of 2 weights stays with units that have it, and goes down once."""
    result = analyze(Layer.of("g", "GEMM", {"M": 6, "K": 2}), flow("SpatialMap(1,1) M;"), machine(4))
    assert result.boundaries == (counted((12, 2), (12, 8), (6, 6, 0)),)


def test_without_multicast_and_reduction_every_copy_crosses() -> None:
    """One output of 4 products on 4 units after another, 3 times: the 4 inputs stay, weights are new."""
    port = {"bandwidth": 4}
    lonely = Machine.model_validate(
        {"pes": 4, "multicast": False, "levels": [{"distribution": port, "collection": {**port, "reduction": "none"}}]}
    )
    shared_input = flow("TemporalMap(1,1) M; TemporalMap(1,1) K; SpatialMap(1,1) N;")
    spread_sum = flow("TemporalMap(1,1) N; SpatialMap(1,1) K;")
    layer = Layer.of("g", "GEMM", {"N": 3, "K": 4})
    assert analyze(layer, spread_sum, lonely).boundaries == (counted((4, 12), (4, 12), (12, 12, 9)),)
    assert analyze(layer, shared_input, lonely).boundaries == (counted((12, 12), (12, 12), (3, 3, 0)),)


def test_lanes_divide_the_compute_time() -> None:
    """7 MACs on 2 lanes: 4 cycles, after 14 operands (4 + 1 cycles), before one output (1 + 1)."""
    result = analyze(Layer.of("g", "GEMM", {"K": 7}), flow("TemporalMap(7,7) K;"), machine(1, lanes=2))
    assert (result.cycles, result.compute_end) == (11, 9)


def test_assumptions_other_than_the_published_are_refused() -> None:
    message = (
        "the closed form is that of PUBLISHED, not of Assumptions(restart_reuse=False, restart_pipeline=True, "
        "worst_unit=True, no_reduction_delay=True, steady_drain=True)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        analyze(CONV_1D, flow("SpatialMap(1,1) X';"), machine(12), Assumptions(restart_reuse=False))
    assert Assumptions() == PUBLISHED


@pytest.mark.parametrize("scale", [1, 10, 1000])
def test_kinds_of_steps_do_not_grow_with_the_layer(scale: int) -> None:
    """K, Y and X each have full positions and an edge, C only full ones; S is whole.

    The first step; K moving on to a full chunk or to its edge: 2; Y likewise at 2 positions of K: 4; X (its last
    fold has fewer units) likewise at 4 positions: 8; C at 8 positions: 8.
    """
    dataflow = flow(
        "TemporalMap(4,4) K; TemporalMap(4,2) Y; SpatialMap(5,3) X; TemporalMap(1,1) C; TemporalMap(3,3) S;"
    )
    sizes = {"K": 20 * scale + 2, "C": 5 * scale, "Y'": 12 * scale + 1, "X'": 72 * scale + 3, "R": 3, "S": 3}
    layer = Layer.of("c", "CONV", sizes)
    analysis = Analysis(bind(layer, dataflow, 8), machine(8))
    assert len(analysis.steps(0, whole(layer)).kinds) == 1 + 2 + 4 + 8 + 8


sizes = st.tuples(st.integers(1, 3), st.integers(1, 4))


@st.composite
def even_dataflows(draw: st.DrawFn) -> tuple[Layer, str, int]:
    """Draw a layer, directives of one level and a number of PEs such that chunks and folds divide evenly."""
    pes, folds, spatial_size = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    stride, dilation, taps = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    spatial = draw(st.sampled_from(["K", "C", "Y'", "X"]))
    shape = {name: draw(sizes) for name in ("K", "C", "Y'", "X'")}
    shape["X'" if spatial == "X" else spatial] = (spatial_size, pes * folds)
    reach = dilation * (taps - 1) + 1
    maps = []
    for name, (size, _) in shape.items():
        kind = "Spatial" if name == spatial or (name, spatial) == ("X'", "X") else "Temporal"
        windowed = name == "X'" and (spatial == "X" or draw(st.booleans()))
        covers = f"({stride * (size - 1) + reach},{stride * size}) X" if windowed else f"({size},{size}) {name}"
        maps.append(f"{kind}Map{covers};")
    layer = Layer.of(
        "even",
        "CONV",
        {name: size * count for name, (size, count) in shape.items()} | {"S": taps, "R": draw(st.integers(1, 2))},
        stride=(1, stride),
        dilation=(1, dilation),
    )
    return layer, " ".join(draw(st.permutations(maps))), pes


@settings(deadline=None, max_examples=60)
@given(even_dataflows(), st.booleans(), st.sampled_from(["tree", "none"]))
def test_counts_are_exact_on_one_level_without_edges(
    drawn: tuple[Layer, str, int], multicast: bool, reduction: str
) -> None:
    layer, directives, pes = drawn
    port = {"bandwidth": 3}
    levels = [{"distribution": port, "collection": {**port, "reduction": reduction}}]
    array = Machine.model_validate({"pes": pes, "multicast": multicast, "levels": levels})
    result = analyze(layer, flow(directives), array)
    exact = enumerate_layer(bind(layer, flow(directives), pes), array)
    assert result.steps == exact.steps
    assert result.boundaries == exact.boundaries
    assert result.buffers == exact.buffers


SINGLE_LEVEL_EXACT = {
    *("nlr_s1", "nlr_s2", "xp_ws_s1", "xp_ws_s2", "depthwise", "grouped", "part_reduction"),
    *("slot_bound", "slot_partial_tile_change", "window_lt_stride", "row_partition_s1", "trconv"),
}

#: One subspace is cut by several loops, whose steps are neither all full nor all there.
SINGLE_LEVEL_INEXACT = {
    "both_Y_and_Yprime": "Y' and Y step together: only equal positions meet, and index 0 stands for all of them",
    "overlap_outputs": "which rows of Y a chunk holds depends on R, and with it which steps are empty",
    "row_partition_s2": "at stride 2 a tap finds one output row in a chunk, or two",
    "trconv_rows": "units with taps of the wrong parity are idle, others in every step",
    "trconv_parity": "a tap works on the even or on the odd units, so that tiles outlive an idle step",
}


def agrees(record: dict[str, Any], mapped: MappedLayer) -> bool:
    hardware = dict(record["hardware"])
    collection = {**hardware.pop("collection"), "reduction": hardware.pop("reduction")}
    levels = [{"distribution": hardware.pop("distribution"), "collection": collection}]
    assert mapped.dataflow is not None
    result = analyze(mapped.layer, mapped.dataflow, Machine.model_validate({**hardware, "levels": levels})).to_dict()
    return all(result[key] == record[key] for key in ("steps", "boundaries"))


@pytest.mark.reference
def test_counts_of_the_worked_single_level_examples(reference_material: Path) -> None:
    worked = reference_material / "worked"
    every = json.loads((worked / "expected.json").read_text())
    records = [record for record in every if len(record["steps"]) == 1]
    names = {record["layer"] for record in records}
    assert names == SINGLE_LEVEL_EXACT | set(SINGLE_LEVEL_INEXACT)
    layers = {mapped.layer.name: mapped for mapped in read_network(worked / "worked.m").layers}
    inexact = {record["layer"] for record in records if not agrees(record, layers[record["layer"]])}
    assert inexact == set(SINGLE_LEVEL_INEXACT)
