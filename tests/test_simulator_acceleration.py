"""Skipping what repeats changes no number, and skips nearly everything where everything repeats."""

from __future__ import annotations

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from simulator.acceleration import steady_until
from simulator.nest import Nest, Odometer, Region
from simulator.simulate import simulate_mapping
from simulator.tiles import Origin

Skips = list[tuple[int, int]]


@pytest.fixture
def skips(monkeypatch: pytest.MonkeyPatch) -> Skips:
    """Return the list to which every jump adds (loop, iterations)."""
    found: Skips = []
    skip = Odometer.skip

    def spy(odometer: Odometer, loop: int, iterations: int, displacement: Origin) -> None:
        found.append((loop, iterations))
        skip(odometer, loop, iterations, displacement)

    monkeypatch.setattr(Odometer, "skip", spy)
    return found


def bound(layer: Layer, directives: str, pes: int = 1) -> Mapping:
    return bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)


def gemm(**sizes: int) -> Layer:
    return Layer.of("gemm", "GEMM", sizes)


def array(pes: int = 1, down: tuple[int, int] = (4, 1), up: tuple[int, int] = (4, 1), **others: int | bool) -> Machine:
    """Return a machine; ports as (elements/cycle, latency)."""
    distribution, collection = ({"bandwidth": bandwidth, "latency": latency} for bandwidth, latency in (down, up))
    return Machine.model_validate(
        {"pes": pes, "levels": [{"distribution": distribution, "collection": collection}], **others}
    )


def conv(sizes: dict[str, int], stride: int = 1, type_: str = "CONV") -> Layer:
    return Layer.of("conv", type_, sizes, stride=(stride, 1))


STRIDED = conv({"Y'": 31, "R": 2}, stride=2)
NESTED = "TemporalMap(2,2) M; TemporalMap(2,2) N; TemporalMap(1,1) K;"
CLUSTERS = """SpatialMap(1,1) K; TemporalMap(2,2) C; TemporalMap(3,1) Y; TemporalMap(3,1) X;
              Cluster(2, P); SpatialMap(1,1) C;"""
THREE_LEVELS = """TemporalMap(2,2) M; SpatialMap(2,2) N; Cluster(2, P); TemporalMap(1,1) M; SpatialMap(1,1) N;
                  Cluster(1, P); TemporalMap(1,1) K;"""
ROWS = "TemporalMap(4,4) Y; TemporalMap(1,1) R; TemporalMap(1,1) X';"
TRANSPOSED = "TemporalMap(2,2) Y'; TemporalMap(1,1) R; TemporalMap(1,1) K;"


@pytest.mark.parametrize(
    ("layer", "directives", "machine", "loops"),
    [
        pytest.param(gemm(M=100), "TemporalMap(1,1) M;", array(), {0}, id="one loop"),
        pytest.param(gemm(M=101, K=3), "TemporalMap(2,2) M;", array(), {0}, id="an edge at the end"),
        pytest.param(gemm(M=21, N=25, K=9), NESTED, array(), {0, 1, 2}, id="every one of three nested loops"),
        # 6 rows on 4 units: units 2 and 3 hold tiles of the first fold through the whole second one,
        pytest.param(
            gemm(M=6, N=30, K=12),
            "SpatialMap(1,1) M; TemporalMap(1,1) N; TemporalMap(1,1) K;",
            array(4),
            {1, 2},
            id="idle units in the last fold",
        ),
        # and where the folds are inside, what they held before matters again in every iteration.
        pytest.param(
            gemm(M=6, N=30, K=12),
            "TemporalMap(1,1) N; SpatialMap(1,1) M; TemporalMap(1,1) K;",
            array(4),
            {0, 2},
            id="idle units that come back",
        ),
        pytest.param(
            conv({"K": 6, "C": 10, "X'": 12, "S": 3}),
            "TemporalMap(1,1) C; SpatialMap(1,1) K; TemporalMap(3,1) X;",
            array(4),
            {0, 2},
            id="idle units that come back to a sliding window",
        ),
        # The window is longer than its way, so that what units 2 and 3 held at its end is of use at its next beginning.
        pytest.param(
            conv({"K": 6, "Y'": 8, "R": 3, "X'": 10, "S": 12}),
            "TemporalMap(3,1) Y; SpatialMap(1,1) K; TemporalMap(12,1) X;",
            array(4),
            {0, 2},
            id="idle units that come back to what they hold",
        ),
        pytest.param(
            conv({"K": 6, "C": 4, "Y'": 9, "X'": 12, "R": 3, "S": 3}), CLUSTERS, array(8), {2, 3}, id="clusters"
        ),
        # 5 outputs take 5 cycles to leave a PE that computes them in 2: three slots fill up, iteration by iteration.
        pytest.param(
            conv({"G": 16, "X'": 5}),
            "TemporalMap(1,1) G; Cluster(1, P);",
            array(down=(2, 0), up=(1, 0), lanes=3, buffering=3),
            {0},
            id="slots that fill up",
        ),
        pytest.param(gemm(M=40, N=4, K=3), THREE_LEVELS, array(4), {0}, id="clusters of clusters"),
        pytest.param(
            conv({"Y'": 31, "R": 2, "X'": 10}, stride=2), ROWS, array(), {0, 2}, id="rows and taps in pieces, stride 2"
        ),
        pytest.param(
            conv({"Y": 30, "R": 3, "K": 8}, stride=2, type_="TRCONV"), TRANSPOSED, array(), {0, 2}, id="transposed"
        ),
        pytest.param(
            gemm(M=9, N=9, K=9),
            "TemporalMap(1,1) K; TemporalMap(1,1) M; SpatialMap(1,1) N; Cluster(1, P);",
            array(4, down=(3, 2), up=(1, 7)),
            {0, 1},
            id="drains that lag behind",
        ),
    ],
)
def test_loops_are_skipped_and_nothing_changes(
    layer: Layer, directives: str, machine: Machine, loops: set[int], skips: Skips
) -> None:
    mapping = bound(layer, directives, machine.pes)
    accelerated = simulate_mapping(mapping, machine)
    assert {loop for loop, _ in skips} == loops
    assert accelerated == simulate_mapping(mapping, machine, accelerate=False)


@pytest.mark.parametrize("loops", ["M N K", "N M K", "K M N"])
@pytest.mark.parametrize("up", [(1, 3), (64, 0)])
def test_units_without_a_barrier_repeat_themselves_too(loops: str, up: tuple[int, int], skips: Skips) -> None:
    """12 rows on 4 PEs, and 30 columns and 9 products one by one, in any order."""
    directives = "".join(f"{'SpatialMap' if loop == 'M' else 'TemporalMap'}(1,1) {loop};" for loop in loops.split())
    machine = array(4, up=up).model_copy(update={"sync": "dataflow"})
    mapping = bound(gemm(M=12, N=30, K=9), directives, 4)
    accelerated = simulate_mapping(mapping, machine)
    assert skips
    assert accelerated.accelerated > 0.5
    assert accelerated == simulate_mapping(mapping, machine, accelerate=False)


def test_a_unit_that_begins_after_a_skip_has_waited_since_the_beginning(skips: Skips) -> None:
    """σ = 2: unit 0 works at tap 0 only, for 30 filters, and unit 1 at tap 1: it has waited for 30 by then."""
    layer, directives = conv({"Y'": 2, "R": 2, "K": 30}, stride=2), "SpatialMap(1,1) Y; TemporalMap(1,1) R;"
    mapping = bound(layer, f"{directives} TemporalMap(1,1) K;", 2)
    machine = array(2).model_copy(update={"sync": "dataflow"})
    accelerated = simulate_mapping(mapping, machine)
    assert {loop for loop, _ in skips} == {2}
    assert accelerated == simulate_mapping(mapping, machine, accelerate=False)


@pytest.mark.parametrize("buffering", [1, 2, 3])
@pytest.mark.parametrize("up", [(1, 3), (2, 3), (64, 0)])
def test_slots_and_buffers_repeat_like_everything_else(buffering: int, up: tuple[int, int], skips: Skips) -> None:
    """50 rows of 7 outputs in tiles of 4 and 3, which fetch, compute and drain in turn."""
    machine = array(down=(5, 0), up=up, lanes=4, buffering=buffering)
    mapping = bound(gemm(M=50, N=7, K=5), "TemporalMap(1,1) M; TemporalMap(4,4) N;")
    accelerated = simulate_mapping(mapping, machine)
    assert [loop for loop, _ in skips] == [0]
    assert accelerated == simulate_mapping(mapping, machine, accelerate=False)


@pytest.mark.parametrize(
    ("buffering", "latency", "steps", "compute_end", "stalls"),
    [(2, 4, 20, 83, 5 + 9 * 2), (3, 12, 60, 326, 13 + 19 * 7)],
)
def test_iterations_may_alternate(
    buffering: int, latency: int, steps: int, compute_end: int, stalls: int, skips: Skips
) -> None:
    """3 products per step: fetched in 1 cycle, `latency` later there, computed in 3; a buffer frees 3 at the end.

    With two buffers and latency 4, steps 2i and 2i + 1 compute back to back, and the data of 2i + 2 come 1 + 4
    after the end of 2i, which is 2 after that of 2i + 1: 5 + 8·i to 11 + 8·i. With three and 12: three steps back to
    back take 9, and 1 + 12 after the first one's end is 7 after the last one's: a round of 16, from 13 on.
    """
    machine = array(down=(6, latency), up=(1, 0), buffering=buffering)
    mapping = bound(gemm(K=3 * steps), "TemporalMap(3,3) K;")
    found = simulate_mapping(mapping, machine)
    assert (found.compute_end, found.stalls["transfer"]) == (compute_end, stalls)
    assert found == simulate_mapping(mapping, machine, accelerate=False)
    ((loop, iterations),) = skips
    assert (loop, iterations % buffering) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "directives", "pes"),
    [
        (1, "TemporalMap(1,1) N;", 1),
        (6, "SpatialMap(1,1) M; TemporalMap(1,1) N;", 4),  # in the second fold, idle units keep what they hold
        (6, "TemporalMap(1,1) N; SpatialMap(1,1) M;", 4),  # in every second step
        (4, "TemporalMap(1,1) N; SpatialMap(2,2) M; Cluster(1, P); TemporalMap(1,1) M; Cluster(1, P);", 2),
    ],
)
def test_effort_does_not_grow_with_the_number_of_iterations(
    rows: int, directives: str, pes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    advance = Odometer.advance

    def spy(odometer: Odometer) -> None:
        nonlocal turns
        turns += 1
        advance(odometer)

    monkeypatch.setattr(Odometer, "advance", spy)
    efforts = []
    for columns in (40, 4000):
        turns = 0
        found = simulate_mapping(bound(gemm(M=rows, N=columns, K=2), directives, pes), array(pes))
        assert found.boundaries[0].upstream.output_write == rows * columns
        efforts.append(turns)
    assert efforts[0] == efforts[1] < 200


@pytest.mark.parametrize("rows", [3, 40, 4000])
def test_queue_of_drains_may_grow_for_ever(rows: int) -> None:
    """A row's 8 outputs, 2 on each of 4 PEs, take 2 cycles to compute and 8 to reach the L2, where nothing waits.

    Data are with the clusters at 1, with the PEs at 2; row i computes in 2 + 2i..4 + 2i and is with its clusters at
    6 + 2i. From 6 on, the port to the L2 is never idle.
    """
    mapping = bound(gemm(M=rows, N=8), "TemporalMap(1,1) M; SpatialMap(2,2) N; Cluster(1, P);", 4)
    found = simulate_mapping(mapping, array(4, down=(16, 0), up=(1, 0)))
    assert (found.compute_end, found.cycles) == (2 + 2 * rows, 6 + 8 * rows)


@pytest.mark.parametrize("loops", ["MKN", "KMN", "MNK", "NMK", "NKM", "KNM"])
@pytest.mark.parametrize("bandwidth", [1, 2, 3, 5])
def test_queue_of_drains_may_grow_and_shrink(loops: str, bandwidth: int) -> None:
    """Outputs leave in bursts or all the time, whether the L2 takes them quickly enough or not."""
    directives = " ".join(f"TemporalMap(1,1) {loop};" for loop in loops).replace(
        "TemporalMap(1,1) N", "SpatialMap(3,3) N"
    )
    mapping = bound(gemm(M=17, N=25, K=9), f"{directives} Cluster(1, P);", 3)
    machine = array(3, down=(7, 1), up=(bandwidth, 4))
    assert simulate_mapping(mapping, machine) == simulate_mapping(mapping, machine, accelerate=False)


def test_short_loops_are_not_looked_at(skips: Skips) -> None:
    simulate_mapping(bound(gemm(M=3, N=3, K=3), "TemporalMap(1,1) M; TemporalMap(1,1) N; TemporalMap(1,1) K;"), array())
    assert skips == []


@pytest.mark.parametrize(
    ("layer", "directives", "loop", "first", "last", "displacement"),
    [
        (gemm(M=10), "TemporalMap(3,3) M;", 0, 0, 2, (3, 0, 0)),  # 3 3 3 1
        (gemm(M=10), "TemporalMap(5,5) M;", 0, 1, 1, (0, 0, 0)),  # 5 5: nothing follows
        (gemm(M=12, N=4), "TemporalMap(1,1) N; TemporalMap(3,3) M;", 1, 1, 3, (3, 0, 0)),
        (STRIDED, "TemporalMap(4,4) Y; TemporalMap(1,1) R;", 0, 0, 14, (0, 0, 0, 0, 2, 0, 0, 0)),  # 2 outputs per tap
        (STRIDED, "TemporalMap(3,3) Y; TemporalMap(1,1) R;", 0, 0, 0, (0, 0, 0, 0, 2, 0, 0, 0)),  # 0 1, 2, 3 4, 5, …
    ],
)
def test_iterations_that_are_cut_alike(
    layer: Layer, directives: str, loop: int, first: int, last: int, displacement: Origin
) -> None:
    nest = Nest(layer, bound(layer, directives).levels[0])
    region = Region.whole(layer)
    assert steady_until(nest, region, nest.odometer(region.lengths), loop, first) == (last, displacement)
