"""Coverage: any small layer is judged as counting its points one by one judges it."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.directives import Cluster, Dataflow, Map
from dataflow.expressions import Number
from dataflow.layers import Layer
from dataflow.legality import check
from dataflow.levels import Level, LevelMap, Mapping, bind
from dataflow.placements import place
from dataflow.regions import cut, trips
from validation.reference import computed_points
from validation.strategies import arbitrary_dataflows, dataflows, layers, machines


def first_wrong_by_counting(mapping: Mapping) -> tuple[tuple[int, ...], int] | None:
    """Return the first point that is not computed once, and its count, from counting every point."""
    counted = computed_points(mapping)
    every = product(*(range(mapping.layer.sizes[dimension]) for dimension in mapping.layer.dimensions))
    return next(((point, counted[point]) for point in every if counted[point] != 1), None)


def assert_exact(mapping: Mapping) -> None:
    found = check(mapping)
    expected = first_wrong_by_counting(mapping)
    assert (found and (tuple(found.point.values()), found.times)) == expected


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_dataflow_is_judged_as_counting_judges_it(data: st.DataObject) -> None:
    layer = data.draw(layers(max_macs=200))
    machine = data.draw(machines(pes=st.integers(1, 12)))
    assert_exact(bind(layer, data.draw(arbitrary_dataflows(layer, machine)), machine.pes))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_dataflow_that_is_legal_by_construction_is_legal(data: st.DataObject) -> None:
    layer = data.draw(layers())
    machine = data.draw(machines(pes=st.integers(1, 40)))
    assert check(bind(layer, data.draw(dataflows(layer, machine)), machine.pes)) is None


@st.composite
def spread_dataflows(draw: st.DrawFn, layer: Layer) -> tuple[Dataflow, int]:
    """Draw levels in which every unit has a spatial map and most chunks meet, so that faults are subtle."""
    levels = draw(st.integers(1, 2))
    maps: list[list[Map]] = []
    for _ in range(levels):
        names = draw(st.lists(st.sampled_from(sorted(layer.sizes)), unique=True, min_size=1, max_size=4))
        shared = draw(st.integers(1, len(names)))
        sizes = [draw(st.integers(1, 4)) for _ in names]
        offsets = [draw(st.sampled_from((size, size, size, 1, 2, 5))) for size in sizes]
        maps.append(
            [
                Map(index < shared, Number(size), Number(offset), name)
                for index, (name, size, offset) in enumerate(zip(names, sizes, offsets, strict=True))
            ]
        )
    units = draw(st.integers(1, 3))
    between = (Cluster(Number(units)),) if levels == 2 else ()
    pes = (units if levels == 2 else 1) * draw(st.integers(1, 4))
    return Dataflow("spread", (*maps[0], *between, *(m for level in maps[1:] for m in level))), pes


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_units_that_share_several_dimensions_are_judged_as_counting_judges_them(data: st.DataObject) -> None:
    layer = data.draw(layers(max_macs=150))
    dataflow, pes = data.draw(spread_dataflows(layer))
    assert_exact(bind(layer, dataflow, pes))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_placements_are_the_cuts_of_all_steps(data: st.DataObject) -> None:
    layer = data.draw(layers(max_macs=150, types=("CONV", "TRCONV")))
    subspace = next(s for s in layer.subspaces if s.window and s.window.tap == "R")
    names = data.draw(st.lists(st.sampled_from(subspace.names), unique=True, min_size=1))
    numbers = [(data.draw(st.booleans()), data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))) for _ in names]
    maps = [
        LevelMap(name, spatial, size, offset, Map(spatial, Number(size), Number(offset), name))
        for name, (spatial, size, offset) in zip(names, numbers, strict=True)
    ]
    units = data.draw(st.integers(1, 3))
    box = tuple((0, layer.sizes[dimension]) for dimension in subspace.dimensions)
    steps = list(product(*(range(trips(subspace, box, m, units)) for m in maps)))
    shared = units if any(m.spatial for m in maps) else 1
    expected = [(cut(subspace, box, maps, step, unit, units), unit) for step in steps for unit in range(shared)]
    found = place(subspace, tuple(layer.sizes[d] for d in subspace.dimensions), Level(units, tuple(maps)))
    unit_of = np.zeros(len(found.starts), np.int64) if found.units is None else found.units
    boxes = [
        (tuple((low, low + length) for low, length in zip(lows, lengths, strict=True)), unit)
        for lows, lengths, unit in zip(found.starts.tolist(), found.lengths.tolist(), unit_of.tolist(), strict=True)
    ]
    assert sorted(boxes) == sorted((b, unit) for b, unit in expected if b is not None)
