"""What the steps of one cluster move, one after another and across the seams between its parent's steps."""

from __future__ import annotations

from itertools import pairwise
from operator import sub

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.activities import Following, Planned
from simulator.nest import Nest, Region
from simulator.results import largest_tiles, largest_together
from simulator.sequence import Choreography, Steps
from simulator.tiles import Moved, TileSpace

GEMM = Layer.of("gemm", "GEMM", {"M": 3, "N": 2, "K": 2})
NOTHING = Moved(distinct=0, copies=0, units=0, shared=False)


def choreography(
    layer: Layer, directives: str, pes: int = 1, level: int = 0, reduction: str = "tree", **others: int | bool
) -> Choreography:
    mapping = bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)
    network = {"distribution": {"bandwidth": 1}, "collection": {"bandwidth": 1, "reduction": reduction}}
    machine = Machine.model_validate({"pes": pes, "levels": [network], **others})
    return Choreography(Nest(layer, mapping.levels[level]), TileSpace(layer), machine, level)


def live(choreography: Choreography, *regions: Region) -> list[Planned]:
    """Return the steps of a cluster whose regions in successive steps of its parent are ``regions``."""
    steps = Steps(choreography)
    found: list[Planned] = []
    for region, then in zip(regions, [*regions[1:], None], strict=True):
        following = then and Following(then.lengths, tuple(map(sub, then.origin, region.origin)))
        found += [planned.displaced(region.origin) for planned in steps.under(region, following)]
    return found


def rows(low: int, number: int) -> Region:
    """Return a region of `GEMM`: some rows, all of N and K."""
    return Region(((number,), (2,), (2,)), (low, 0, 0))


def test_every_step_knows_the_next_one_also_under_the_next_parent_step() -> None:
    """2 + 1 rows, one by one."""
    planned = live(choreography(GEMM, "TemporalMap(1,1) M;"), rows(0, 2), rows(2, 1))
    assert [p.step.origin for p in planned] == [(0, 0, 0), (1, 0, 0), (2, 0, 0)]
    assert [p.upcoming and p.upcoming.origin for p in planned] == [(1, 0, 0), (2, 0, 0), None]


def test_nothing_is_forgotten_at_a_seam() -> None:
    """The 2 × 2 weights stay for the row after the seam; every row brings 2 inputs and takes 2 outputs away."""
    planned = live(choreography(GEMM, "TemporalMap(1,1) M;"), rows(0, 1), rows(1, 1))
    assert [p.activity.filter.distinct for p in planned] == [4, 0]
    assert [p.activity.input.distinct for p in planned] == [2, 2]
    assert [p.activity.output.distinct for p in planned] == [2, 2]


def test_outputs_stay_where_the_next_step_needs_them_across_a_seam() -> None:
    """K is cut by the parent: the row's 2 outputs go on being accumulated, and leave when it is idle next."""
    halves = [Region(((1,), (2,), (1,)), (0, 0, k)) for k in range(2)]
    planned = live(choreography(GEMM, "TemporalMap(1,1) M;"), *halves)
    assert [p.activity.output for p in planned] == [NOTHING, Moved(distinct=2, copies=2, units=1, shared=False)]
    assert [(p.activity.leaving, p.activity.collected) for p in planned] == [((), 0), ((0,), 2)]
    assert [p.activity.new_tile for p in planned] == [True, False]


def test_idle_units_keep_their_operands_and_lose_their_outputs() -> None:
    """3 rows on 2 units, for column 0 and then column 1; unit 1 is idle when row 2 is computed.

    Back for column 1 it still has row 1, so that it gets the 2 weights only; unit 0 held row 2 and gets row 0 too.
    Row 1's output left before the idle step, and returning begins a new tile, as it does for unit 0 in any case.
    """
    planned = live(choreography(GEMM, "TemporalMap(1,1) N; SpatialMap(1,1) M;", pes=2), rows(0, 3))
    assert [p.activity.active for p in planned] == [(0, 1), (0,), (0, 1), (0,)]
    assert [p.activity.input for p in planned] == [
        Moved(distinct=4, copies=4, units=0b11, shared=False),
        *[Moved(distinct=2, copies=2, units=0b01, shared=False)] * 3,
    ]
    assert [p.activity.filter.copies for p in planned] == [4, 0, 4, 0]
    assert [p.activity.leaving for p in planned] == [(0, 1), (0,), (0, 1), (0,)]
    assert [p.activity.new_tile for p in planned] == [True] * 4


def test_unit_that_returns_to_its_output_tile_begins_a_new_one() -> None:
    """1 output, its 3 products on 2 units, so that unit 1 is idle in the second fold; the region comes twice.

    Unit 0 has the same output in all four steps. Unit 1 had none in the second, so its return in the third begins
    a tile of the cluster; its being idle in the fourth does not.
    """
    layer = Layer.of("gemm", "GEMM", {"K": 6})
    halves = [Region(((1,), (1,), (3,)), (0, 0, k)) for k in (0, 3)]
    planned = live(choreography(layer, "SpatialMap(1,1) K;", pes=2), *halves)
    assert [p.activity.active for p in planned] == [(0, 1), (0,), (0, 1), (0,)]
    assert [p.activity.new_tile for p in planned] == [True, False, True, False]
    assert [p.activity.leaving for p in planned] == [(1,), (), (1,), (0,)]


@pytest.mark.parametrize(("multicast", "distributed"), [(True, 3 + 2), (False, 3 + 3 * 2)])
@pytest.mark.parametrize("reduction", ["tree", "none"])
def test_what_crosses_the_ports_when_the_filter_is_shared(multicast: bool, distributed: int, reduction: str) -> None:
    """3 rows of K = 1 on 3 units, all with the weights of 2 columns: 3 inputs, 2 weights each; 3 · 2 outputs leave."""
    layer = Layer.of("gemm", "GEMM", {"M": 3, "N": 2})
    chosen = choreography(layer, "SpatialMap(1,1) M;", pes=3, reduction=reduction, multicast=multicast)
    (planned,) = live(chosen, Region.whole(layer))
    activity = planned.activity
    assert (activity.distributed, activity.collected, activity.shared) == (distributed, 6, False)


@pytest.mark.parametrize(
    ("reduction", "collected", "shared"), [("tree", 2, True), ("chain", 2, True), ("none", 6, False)]
)
def test_what_crosses_the_ports_when_outputs_are_shared(reduction: str, collected: int, shared: bool) -> None:
    """2 columns of 1 row, their 3 products each on 3 units: 2 sums or 6 products leave."""
    layer = Layer.of("gemm", "GEMM", {"N": 2, "K": 3})
    chosen = choreography(layer, "SpatialMap(1,1) K;", pes=3, reduction=reduction)
    (planned,) = live(chosen, Region.whole(layer))
    assert (planned.activity.collected, planned.activity.shared) == (collected, shared)
    assert planned.activity.output == Moved(distinct=2, copies=6, units=0b111, shared=True)


@pytest.mark.parametrize(("lanes", "duration"), [(1, 4), (2, 2), (3, 2), (4, 1), (5, 1)])
def test_the_busiest_unit_sets_the_duration(lanes: int, duration: int) -> None:
    """3 rows in chunks of 2 on 2 units, N = 1, K = 2: 4 and 2 MACs, ⌈4 / lanes⌉ cycles."""
    layer = Layer.of("gemm", "GEMM", {"M": 3, "K": 2})
    (planned,) = live(choreography(layer, "SpatialMap(2,2) M;", pes=2, lanes=lanes), Region.whole(layer))
    assert (planned.activity.macs, planned.activity.duration) == (6, duration)
    tiles, shapes = TileSpace(layer), [planned.activity.shape]
    assert largest_tiles(tiles, shapes) == [4, 2, 2]  # of unit 0: 2 · 2 inputs, 2 weights, 2 outputs
    assert largest_together(tiles, shapes) == [6, 2, 3]


def test_steps_that_do_the_same_share_their_activity() -> None:
    """100 rows: the first step fetches the weights, the last but one is followed by the last, the last by none."""
    layer = Layer.of("gemm", "GEMM", {"M": 100})
    planned = live(choreography(layer, "TemporalMap(1,1) M;"), Region.whole(layer))
    activities = [p.activity for p in planned]
    assert len(set(activities)) == 3
    assert all(one is other for one, other in pairwise(activities[1:-1]))
