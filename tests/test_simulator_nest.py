"""The loop nest of a level, against the cuts of every unit at every position of the loops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice, product

import pytest
from hypothesis import given, settings

from dataflow.layers import Layer
from dataflow.levels import Level, Mapping, bind
from dataflow.reader import parse_dataflow
from dataflow.regions import Box, cut, trips
from simulator.nest import REMEMBERED, Nest, Odometer, Region, Step
from validation.strategies import Case, cases

Boxes = tuple[Box, ...]


def bound(layer: Layer, directives: str, pes: int = 1) -> Mapping:
    return bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)


def top(layer: Layer, directives: str, pes: int = 1) -> Nest:
    mapping = bound(layer, directives, pes)
    return Nest(layer, mapping.levels[0])


def boxes(layer: Layer, region: Region | None) -> Boxes | None:
    """Return a region as the cuts describe it: one box per subspace."""
    if region is None:
        return None
    ends = list(accumulate((len(lengths) for lengths in region.lengths), initial=0))
    return tuple(
        tuple((low, low + length) for low, length in zip(region.origin[start:], lengths, strict=False))
        for start, lengths in zip(ends, region.lengths, strict=False)
    )


def naive_steps(layer: Layer, level: Level, region: Boxes) -> Iterator[tuple[tuple[int, ...], list[Boxes | None]]]:
    """Yield where the loops stand and what every unit works on, position after position, the empty ones left out."""
    own = [
        (subspace, box, [i for i, level_map in enumerate(level.maps) if level_map.dimension in subspace.names])
        for subspace, box in zip(layer.subspaces, region, strict=True)
    ]
    loops = {i: trips(subspace, box, level.maps[i], level.units) for subspace, box, loops in own for i in loops}
    for indices in product(*(range(loops[i]) for i in range(len(level.maps)))):
        units: list[Boxes | None] = []
        for unit in range(level.units):
            cuts = [
                cut(subspace, box, [level.maps[i] for i in loops], [indices[i] for i in loops], unit, level.units)
                for subspace, box, loops in own
            ]
            found = tuple(box for box in cuts if box is not None)
            units.append(found if len(found) == len(cuts) else None)
        if any(units):
            yield indices, units


@given(cases(max_macs=600))
@settings(max_examples=100)
def test_steps_are_the_cuts_that_are_not_empty(case: Case) -> None:
    """At every level, for the first and the last region that a unit of the level above works on."""
    layer, dataflow, machine = case
    regions = [Region.whole(layer)]
    for level in bind(layer, dataflow, machine.pes).levels:
        nest = Nest(layer, level)
        below = []
        for region in regions:
            start = boxes(layer, region)
            assert start is not None
            steps = [step.displaced(region.origin) for step in nest.steps(region.lengths)]
            units = [[step.region(unit) for unit in range(level.units)] for step in steps]
            found = [
                (step.indices, [boxes(layer, r) for r in regions]) for step, regions in zip(steps, units, strict=True)
            ]
            assert found == list(naive_steps(layer, level, start))
            below += [r for step_regions in units for r in step_regions if r is not None]
        regions = [below[0], below[-1]]


@given(cases(max_macs=600))
@settings(max_examples=50)
def test_shapes_know_who_works_and_how_much(case: Case) -> None:
    layer, dataflow, machine = case
    level = bind(layer, dataflow, machine.pes).levels[0]
    for step in Nest(layer, level).steps(Region.whole(layer).lengths):
        work = {}
        for unit in range(level.units):
            found = boxes(layer, step.region(unit))
            if found is not None:
                work[unit] = 1
                for low, high in (r for box in found for r in box):
                    work[unit] *= high - low
        assert step.shape.members == tuple(work)
        assert step.shape.active == sum(1 << unit for unit in work)
        assert (step.shape.macs, step.shape.largest) == (sum(work.values()), max(work.values()))


def test_steps_that_are_empty_do_not_exist() -> None:
    """Output chunk i meets row chunk j (the 3 rows of one window) only where i = j: 4 of 16 positions."""
    layer = Layer.of("conv", "CONV", {"Y'": 4, "R": 3})
    nest = top(layer, "TemporalMap(1,1) Y'; TemporalMap(3,1) Y;")
    region = Region.whole(layer)
    assert nest.trips(region.lengths) == (4, 4)
    assert [step.indices for step in nest.steps(region.lengths)] == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_units_that_have_nothing_are_idle_and_steps_without_any_do_not_exist() -> None:
    """σ = 2: output y' = (row − r) / 2 exists at (row, r) = (0, 0), (1, 1), (2, 0), (3, 1) only.

    Two units take rows 0 and 1, then 2 and 3. They take turns in working, tap by tap; one unit has work for every
    other tap alone, so that half of its positions are no steps.
    """
    layer = Layer.of("conv", "CONV", {"Y'": 2, "R": 2}, stride=(2, 1))
    nest = top(layer, "SpatialMap(1,1) Y; TemporalMap(1,1) R;", pes=2)
    steps = list(nest.steps(Region.whole(layer).lengths))
    assert [(step.indices, step.shape.members) for step in steps] == [
        *(((0, 0), (0,)), ((0, 1), (1,))),
        *(((1, 0), (0,)), ((1, 1), (1,))),
    ]
    alone = top(layer, "TemporalMap(1,1) Y; TemporalMap(1,1) R;")
    assert [step.indices for step in alone.steps(Region.whole(layer).lengths)] == [(0, 0), (1, 1), (2, 0), (3, 1)]


def test_steps_that_look_alike_share_their_shape() -> None:
    """7 rows in chunks of 2: three full ones and an edge."""
    layer = Layer.of("gemm", "GEMM", {"M": 7, "N": 2})
    steps = list(top(layer, "TemporalMap(2,2) M; TemporalMap(1,1) N;").steps(Region.whole(layer).lengths))
    assert len({step.shape for step in steps}) == 2
    assert {step.shape for step in steps[:6]} == {steps[0].shape}
    assert [step.origin for step in steps] == [(m, n, 0) for m in (0, 2, 4, 6) for n in (0, 1)]
    assert steps[-1].region(0) == Region(((1,), (1,), (1,)), (6, 1, 0))


@pytest.mark.parametrize(("columns", "remembered"), [(1, True), (REMEMBERED // 2 + 1, False)])
def test_walks_are_remembered_while_they_are_short(columns: int, remembered: bool) -> None:
    """4 rows of few or many columns, one by one, 3 rows at a time on 3 units: all of them work in some step."""
    layer = Layer.of("gemm", "GEMM", {"M": 4, "N": columns})
    nest = top(layer, "SpatialMap(1,1) M; TemporalMap(1,1) N;", pes=3)
    lengths = Region.whole(layer).lengths
    walk = nest.walk(lengths)
    assert (walk is not None) == remembered
    first = nest.first(lengths)
    assert first is not None
    assert (first.indices, first.shape.active) == ((0, 0), 0b111)
    if remembered:
        assert walk is not None
        assert (walk.reach, nest.walk(lengths)) == (0b111, walk)
        assert [step.indices for step in walk.steps] == [step.indices for step in nest.steps(lengths)]


def positions(odometer: Odometer, number: int | None = None) -> list[tuple[int, ...]]:
    def turn() -> Iterator[tuple[int, ...]]:
        while not odometer.finished:
            yield tuple(odometer.indices)
            odometer.advance()

    return list(islice(turn(), number))


@pytest.mark.parametrize("trips_", [(), (1,), (3,), (2, 3), (2, 1, 3)])
def test_odometer_turns_its_last_loop_fastest(trips_: tuple[int, ...]) -> None:
    assert positions(Odometer(trips_, ())) == list(product(*map(range, trips_)))


def test_odometer_skips_iterations_of_a_loop_from_where_it_stands() -> None:
    odometer = Odometer((2, 9, 3), (0, 0))
    before = positions(odometer, 4)
    assert before == [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)]
    odometer.skip(1, 5, (4, 1))
    assert odometer.origin == (-20, -5)
    assert positions(odometer, 10) == [*product((0,), (6, 7, 8), range(3)), (1, 0, 0)]


def test_steps_after_a_skip_follow_as_if_what_is_left_out_had_no_width() -> None:
    """10 rows of N = 2, one by one; after row 3 has begun, 4 rows are left out, so that rows 8 and 9 stand at 4, 5."""
    layer = Layer.of("gemm", "GEMM", {"M": 10, "N": 2})
    nest = top(layer, "TemporalMap(1,1) M; TemporalMap(1,1) N;")
    region = Region.whole(layer)
    odometer = nest.odometer(region.lengths)
    steps = nest.steps(region.lengths, odometer)
    first: list[Step] = list(islice(steps, 7))
    odometer.skip(0, 4, (1, 0, 0))
    rest = list(steps)
    assert [step.origin for step in first] == [(m, n, 0) for m in range(4) for n in range(2)][:7]
    assert [step.origin for step in rest] == [(3, 1, 0), *((m, n, 0) for m in (4, 5) for n in range(2))]
    assert [step.indices for step in rest] == [(7, 1), (8, 0), (8, 1), (9, 0), (9, 1)]


def test_loops_know_the_subspace_that_they_cut() -> None:
    """Subspaces of a CONV: N, G, K, C, (Y', R), (X', S)."""
    layer = Layer.of("conv", "CONV", {"K": 2, "C": 2, "Y'": 4, "R": 2, "X'": 4})
    nest = top(layer, "TemporalMap(1,1) C; TemporalMap(2,1) Y; TemporalMap(1,1) X'; TemporalMap(1,1) R;")
    assert nest.places == [3, 4, 5, 4]
