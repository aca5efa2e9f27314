"""Tiles as classes of coordinates, against the sets of elements that they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.layers import OPERATIONS, TENSORS, Layer
from dataflow.regions import Box
from simulator.tiles import Footprint, Held, Moved, TileSpace, runs, slices
from validation.strategies import layers

GEMM = Layer.of("gemm", "GEMM", {"M": 4, "N": 4, "K": 4})


@pytest.mark.parametrize(
    ("coefficients", "box", "expected"),
    [
        ((3, 1), ((0, 3), (0, 2)), ((0, 2), (3, 5), (6, 8))),  # σ = 3 with 2 taps: every third element is left out
        ((3, 1), ((0, 3), (0, 3)), ((0, 9),)),  # 3 taps close the gaps
        ((3, 1), ((2, 4), (1, 3)), ((7, 9), (10, 12))),  # 3·2 + 1, 3·2 + 2, 3·3 + 1, 3·3 + 2
        ((1, 2), ((0, 2), (0, 3)), ((0, 6),)),  # δ = 2, but two slides fill the holes between taps
        ((2, 2), ((0, 2), (0, 2)), ((0, 1), (2, 3), (4, 5))),  # σ = δ = 2 touches even coordinates only
        ((0, 1), ((5, 9), (2, 4)), ((2, 4),)),  # the axis is the tap itself
        ((1, 0), ((5, 9), (2, 4)), ((5, 9),)),
        ((4, 1), ((6, 7), (1, 2)), ((25, 26),)),  # a single element
        ((1,), ((3, 8),), ((3, 8),)),
    ],
)
def test_runs_of_an_axis(coefficients: tuple[int, ...], box: Box, expected: tuple[tuple[int, int], ...]) -> None:
    assert runs(coefficients, box) == expected


@given(
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    st.tuples(*[st.tuples(st.integers(0, 9), st.integers(1, 7)) for _ in range(2)]),
)
def test_runs_hold_the_coordinates_of_the_axis_and_no_more(
    coefficients: tuple[int, int], ranges: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    """As few runs as there can be: the next one never starts where one ends."""
    box = tuple((low, low + length) for low, length in ranges)
    found = runs(coefficients, box)
    naive = sorted({sum(map(int.__mul__, coefficients, point)) for point in product(*(range(*r) for r in box))})
    assert [coordinate for run in found for coordinate in range(*run)] == naive
    assert all(end < start for (_, end), (start, _) in pairwise(found))


def held(*boxes: tuple[tuple[int, int], ...] | None, origin: tuple[int, ...] = (0, 0, 0)) -> Held:
    """Return tiles of a GEMM: for each unit its ranges of M, N and K, None where the unit is not of the group."""
    active = sum(1 << unit for unit, box in enumerate(boxes) if box is not None)
    footprints = tuple(Footprint(tuple(box and (box[place],) for box in boxes), active) for place in range(3))
    return Held(active, footprints, origin)


def test_footprint_of_one_box_serves_every_unit() -> None:
    shared = Footprint((((0, 2),),), active=0b101)
    assert [shared.box(unit) for unit in range(3)] == [((0, 2),)] * 3
    assert list(shared.holders()) == [(((0, 2),), 0b101)]


def test_footprint_of_one_box_per_unit() -> None:
    dealt = Footprint((((0, 2),), None, ((2, 3),)), active=0b101)
    assert [dealt.box(unit) for unit in range(3)] == [((0, 2),), None, ((2, 3),)]
    assert list(dealt.holders()) == [(((0, 2),), 0b001), (((2, 3),), 0b100)]


def test_units_that_share_elements() -> None:
    """Units 0 and 1 take rows 0-1 and 1-2, one column, K = 0-2: 3 · 2 different inputs, row 1's two of them twice.

    The filter column (2 elements) is the same for both; the outputs are rows 0, 1, 1, 2.
    """
    wanted = [held(((0, 2), (0, 1), (0, 2)), ((1, 3), (0, 1), (0, 2)))]
    tiles = TileSpace(GEMM)
    assert tiles.compare(wanted, []).moved("input") == Moved(distinct=6, copies=8, units=0b11, shared=True)
    assert tiles.compare(wanted, []).moved("filter") == Moved(distinct=2, copies=4, units=0b11, shared=True)
    assert tiles.compare(wanted, []).moved("output") == Moved(distinct=3, copies=4, units=0b11, shared=True)


def test_only_what_a_unit_does_not_hold_moves() -> None:
    """Unit 0 held rows 0-1 and wants rows 1-2; unit 1 wants row 0, which only unit 0 held. K = 0 throughout."""
    before = [held(((0, 2), (0, 1), (0, 1)), ((3, 4), (0, 1), (0, 1)))]
    after = [held(((1, 3), (0, 1), (0, 1)), ((0, 1), (0, 1), (0, 1)))]
    tiles = TileSpace(GEMM)
    assert tiles.compare(after, before).moved("input") == Moved(distinct=2, copies=2, units=0b11, shared=False)
    assert tiles.compare(after, before).moved("filter") == Moved(distinct=0, copies=0, units=0, shared=False)


def test_origins_place_the_tiles() -> None:
    """The same footprint one row further on: a row of two inputs moves, and no unit's tile stays what it was."""
    there = held(((0, 2), (0, 1), (0, 2)), origin=(1, 0, 0))
    here = held(((0, 2), (0, 1), (0, 2)))
    found = TileSpace(GEMM).compare([there], [here])
    assert found.moved("input") == Moved(distinct=2, copies=2, units=1, shared=False)
    assert (found.differing("input"), found.differing("filter")) == (1, 0)


def test_unit_without_a_tile_differs_from_one_with() -> None:
    here = held(((0, 2), (0, 1), (0, 2)), ((2, 4), (0, 1), (0, 2)))
    alone = held(((0, 2), (0, 1), (0, 2)), None)
    assert TileSpace(GEMM).compare([here], [alone]).differing("output") == 0b10
    assert TileSpace(GEMM).compare([here], []).differing("output") == 0b11


def test_elements_of_a_tile_with_gaps() -> None:
    """σ = 3, 2 taps, 3 outputs: 6 of the 8 rows that the windows span; C = 2 and the 4 columns are dense."""
    layer = Layer.of("conv", "CONV", {"C": 2, "Y'": 3, "R": 2, "X": 4}, stride=(3, 1))
    lengths = tuple(tuple(layer.sizes[d] for d in subspace.dimensions) for subspace in layer.subspaces)
    elements = {tensor: TileSpace(layer).elements(tensor, lengths) for tensor in TENSORS}
    assert elements == {"input": 2 * 6 * 4, "filter": 2 * 2, "output": 3 * 4}


def test_slices_of_an_origin() -> None:
    layer = Layer.of("conv", "CONV", {"R": 2})
    assert [(place.start, place.stop) for place in slices(layer.subspaces)] == [
        *((0, 1), (1, 2), (2, 3), (3, 4)),  # N, G, K, C
        *((4, 6), (6, 8)),  # Y' with R, X' with S
    ]


UNITS = 4
Boxes = tuple[Box | None, ...]


@st.composite
def groups(draw: st.DrawFn, layer: Layer) -> list[Held]:
    """Draw the tiles of up to 4 units, in up to two groups that keep their places apart from each other."""
    free = list(range(UNITS))
    found = []
    for _ in range(draw(st.integers(0, 2))):
        chosen = sorted(draw(st.sets(st.sampled_from(free)))) if free else []
        free = [unit for unit in free if unit not in chosen]
        active = sum(1 << unit for unit in chosen)
        footprints = tuple(_footprint(draw, len(subspace.dimensions), chosen) for subspace in layer.subspaces)
        origin = tuple(draw(st.integers(0, 2)) for subspace in layer.subspaces for _ in subspace.dimensions)
        if active:
            found.append(Held(active, footprints, origin))
    return found


def _footprint(draw: st.DrawFn, dimensions: int, chosen: Sequence[int]) -> Footprint:
    shared = draw(st.booleans())
    boxes: list[Box | None] = [None] * (1 if shared else UNITS)
    for unit in [0] if shared else chosen:
        lows = [draw(st.integers(0, 2)) for _ in range(dimensions)]
        boxes[unit] = tuple((low, low + draw(st.integers(1, 3))) for low in lows)
    return Footprint(tuple(boxes), (1 << UNITS) - 1 if shared else sum(1 << unit for unit in chosen))


def naive_tiles(layer: Layer, tensor: str, held_tiles: Iterable[Held]) -> dict[int, set[tuple[int, ...]]]:
    """Return each unit's elements, point by point of its region."""
    tiles: dict[int, set[tuple[int, ...]]] = {unit: set() for unit in range(UNITS)}
    for units, footprints, origin in held_tiles:
        for unit in range(UNITS):
            if units >> unit & 1:
                ranges = [r for footprint in footprints for r in footprint.box(unit) or ()]
                shifted = [range(low + o, high + o) for (low, high), o in zip(ranges, origin, strict=True)]
                tiles[unit] = {_element(layer, tensor, point) for point in product(*shifted)}
    return tiles


def _element(layer: Layer, tensor: str, point: tuple[int, ...]) -> tuple[int, ...]:
    names = [dimension for subspace in layer.subspaces for dimension in subspace.dimensions]
    place = dict(zip(names, point, strict=True))
    for window in layer.windows:
        place[window.name] = window.stride * place[window.slide] + window.dilation * place[window.tap]
    return tuple(place[axis] for axis in layer.tensor_axes(tensor))


def test_subspaces_of_a_single_point_add_nothing() -> None:
    """2 of 4 rows on each of 2 units, N = 1 and K = 1: 4 inputs, the one weight twice, 4 outputs."""
    wanted = [held(((0, 2), (0, 1), (0, 1)), ((2, 4), (0, 1), (0, 1)))]
    found = TileSpace(Layer.of("gemm", "GEMM", {"M": 4})).compare(wanted, [])
    assert [found.moved(tensor) for tensor in TENSORS] == [
        Moved(distinct=4, copies=4, units=0b11, shared=False),
        Moved(distinct=1, copies=2, units=0b11, shared=True),
        Moved(distinct=4, copies=4, units=0b11, shared=False),
    ]


@given(st.data(), layers(max_macs=1), st.sampled_from(TENSORS))
@settings(max_examples=150)
def test_what_moves_and_what_differs_is_what_sets_of_elements_say(
    data: st.DataObject, layer: Layer, tensor: str
) -> None:
    """Only the type, the stride and the dilation of the layer matter here: boxes are drawn at random, in 0 … 6."""
    dimensions = OPERATIONS[layer.type].dimensions
    sizes = {dimension: 1 if dimension in OPERATIONS[layer.type].fixed_to_one else 7 for dimension in dimensions}
    layer = Layer.of("any", layer.type, sizes, stride=layer.stride, dilation=layer.dilation)
    wanted, before = data.draw(groups(layer)), data.draw(groups(layer))
    now, then = naive_tiles(layer, tensor, wanted), naive_tiles(layer, tensor, before)
    moving = {unit: now[unit] - then[unit] for unit in range(UNITS)}
    copies = Counter(element for elements in moving.values() for element in elements)
    found = TileSpace(layer).compare(wanted, before)
    assert found.moved(tensor) == Moved(
        distinct=len(copies),
        copies=copies.total(),
        units=sum(1 << unit for unit in range(UNITS) if moving[unit]),
        shared=max(copies.values(), default=0) > 1,
    )
    assert found.differing(tensor) == sum(1 << u for u in range(UNITS) if now[u] != then[u])
