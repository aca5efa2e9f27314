"""The schedule holds kinds of stretches, as many for a layer a thousand times as long: they stand for all steps."""

from __future__ import annotations

import pytest

from analytical import REFINED
from analytical.clusters import kinds
from analytical.ports import Ports
from analytical.positions import Tree
from analytical.schedule import Schedule, Series, Step, Stretch
from analytical.totals import Totals, totals
from analytical.traffic import Axes
from analytical.work import Workbook
from dataflow import catalog
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping

SCALES = (1, 10, 1000)


def schedule(mapping: Mapping, *, restart: bool = False) -> Schedule:
    trees = [Tree(subspace, mapping.levels) for subspace in mapping.layer.subspaces]
    workbook = Workbook(mapping, trees, Axes(mapping.layer), restart=restart, restart_pipeline=restart)
    return Schedule(mapping, trees, kinds(mapping, trees), workbook, restart=restart)


def steps(found: Schedule) -> list[Step]:
    return [stretch for stretch in found.stretches if isinstance(stretch, Step)]


def series(found: Stretch) -> list[tuple[Stretch, int]]:
    assert isinstance(found, Series)
    return list(found.parts)


def totals_of(mapping: Mapping) -> list[Totals]:
    return totals(schedule(mapping), len(mapping.levels), Ports(catalog.machine("reference-36")), REFINED)


def bound(layer: Layer, directives: str, pes: int) -> Mapping:
    return bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)


def layer_for(name: str, scale: int) -> Layer:
    """Return a layer of a type that a shipped dataflow is meant for, its loops `scale` times as long."""
    if "GEMM" in catalog.layer_types(name):
        return Layer.of("l", "GEMM", {"M": 256 * scale, "N": 192 * scale, "K": 128 * scale})
    extents = {"K": 768 * scale, "C": 768 * scale, "Y'": 768 * scale, "X'": 768 * scale}
    return Layer.of("l", "CONV", extents | {"R": 3, "S": 3})


@pytest.mark.parametrize("name", catalog.names("dataflows"))
def test_steps_worked_out_do_not_depend_on_the_layers_extents(name: str) -> None:
    found = [len(steps(schedule(bind(layer_for(name, scale), catalog.dataflow(name), 256)))) for scale in SCALES]
    assert found == [found[0]] * len(SCALES)


def test_first_middle_and_last_of_every_run_that_differ() -> None:
    """K: 9 full chunks and an edge; C: 20 for each. Of the 200 steps 8 differ.

    Among full chunks: the first step of all; the first C of a later K; a C in between, whatever the K; the last C
    before another full K, and before the edge. At the edge: its first C, one in between, its last.
    """
    mapping = bound(Layer.of("l", "CONV", {"K": 38, "C": 20}), "TemporalMap(4,4) K; TemporalMap(1,1) C;", 1)
    found = schedule(mapping)
    assert len(steps(found)) == 5 + 3
    assert [times for _, times in series(found.top)] == [1, 7, 1, 1]
    assert [times for _, times in series(series(found.top)[0][0])] == [1, 18, 1]
    between = {series(part)[1][0] for part, _ in series(found.top)[:3]}
    assert len(between) == 1
    assert totals_of(mapping)[0].steps == 200


def test_what_lies_before_and_after_makes_stretches_differ() -> None:
    """M = 4 around N = 3: the first M has nothing before, the last nothing after, and both between are the same."""
    mapping = bound(Layer.of("g", "GEMM", {"M": 4, "N": 3}), "TemporalMap(1,1) M; TemporalMap(1,1) N;", 1)
    (first, once), (between, twice), (last, at_the_end) = series(schedule(mapping).top)
    assert (once, twice, at_the_end) == (1, 2, 1)
    assert len({first, between, last}) == 3
    (_, middle, end), (start, other_middle, other_end), (other_start, _, very_end) = map(series, (first, between, last))
    assert middle == other_middle
    assert end == other_end
    assert start == other_start
    assert other_end != very_end


def test_units_that_work_for_the_first_time_under_a_loop_bring_what_they_held_before_it() -> None:
    """6 rows, 2 at a time on 2 units, and of these one after the other: unit 0, unit 1, then again at the next fold.

    When unit 1 begins its turn, the loop of Y has not been where it works; the first time it needs the filter's only
    element, later it still holds it. So the second steps differ though each follows a step of unit 0 in its loop.
    """
    layer = Layer.of("l", "CONV", {"Y'": 6})
    mapping = bound(layer, "SpatialMap(1,1) Y'; TemporalMap(1,1) Y;", 2)
    second = [series(fold)[1][0] for fold, _ in series(schedule(mapping).top)]
    assert [step.work.active for step in second if isinstance(step, Step)] == [0b10] * 3
    assert [step.work.filter.copies for step in second if isinstance(step, Step)] == [1, 0, 0]


def test_one_stretch_for_all_clusters_of_a_kind() -> None:
    """8 rows on 4 clusters at 2 folds, 2 products each in turn: 2 steps above, 2 below each, for 4 clusters at once."""
    layer = Layer.of("g", "GEMM", {"M": 8, "K": 2})
    mapping = bound(layer, "SpatialMap(1,1) M; Cluster(1, P); TemporalMap(1,1) K;", 4)
    assert len(steps(schedule(mapping))) == 2 + 2 * 2
    assert [each.steps for each in totals_of(mapping)] == [2, 16]


def test_levels_on_their_own_are_the_same_under_every_step() -> None:
    """As above: with nothing known across the steps of the level above, the 2 below either are the same."""
    layer = Layer.of("g", "GEMM", {"M": 8, "K": 2})
    mapping = bound(layer, "SpatialMap(1,1) M; Cluster(1, P); TemporalMap(1,1) K;", 4)
    assert len(steps(schedule(mapping, restart=True))) == 2 + 2


def test_stretches_come_after_their_parts() -> None:
    found = schedule(bind(layer_for("kcp_ws", 1), catalog.dataflow("kcp_ws"), 256))
    number = {stretch: place for place, stretch in enumerate(found.stretches)}
    for stretch in found.stretches:
        if isinstance(stretch, Series):
            assert all(number[part] < number[stretch] for part, _ in stretch.parts)
        else:
            assert all(number[below.stretch] < number[stretch] for below in stretch.below)
    assert found.stretches[-1] is found.top


def test_often_are_the_stretches_inside_several_loops() -> None:
    """M around N around K, 100 each: rounds of 5 at most, so the middle of M is visited 5 times, of N 25 times.

    The step inside is not more work than what it does to the clock.
    """
    layer = Layer.of("g", "GEMM", {"M": 100, "N": 100, "K": 100})
    found = schedule(bound(layer, "TemporalMap(1,1) M; TemporalMap(1,1) N; TemporalMap(1,1) K;", 1))
    middle = series(found.top)[1][0]
    assert found.often() == {series(middle)[1][0]}


def test_totals_hold_the_largest_tiles() -> None:
    """Rows 3 + 2 on one PE, 4 products each: 12 inputs, 4 filter elements, 3 outputs at most."""
    mapping = bound(Layer.of("g", "GEMM", {"M": 5, "K": 4}), "TemporalMap(3,3) M;", 1)
    (found,) = totals_of(mapping)
    assert (found.largest, found.together) == ((12, 4, 3), (12, 4, 3))
    assert simulate_mapping(mapping, catalog.machine("reference-36")).buffers.l1_bytes == 2 * 19
