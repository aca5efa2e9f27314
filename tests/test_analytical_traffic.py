"""What is new to units, against sets of elements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical.neighbours import Scene
from analytical.positions import Leaf
from analytical.runs import Runs, difference, intersection, size, union
from analytical.traffic import Amount, Axes, Before, members
from dataflow.layers import TENSORS, Layer
from dataflow.regions import Box

UNITS = 4
EVERYONE = (1 << UNITS) - 1

runs = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=5).map(
    lambda pairs: union([[(low, low + length)] for low, length in pairs])  # type: ignore[misc]
)


def coordinates(these: Runs) -> set[int]:
    return {coordinate for low, high in these for coordinate in range(low, high)}


@given(runs, runs)
def test_runs_are_sets(one: Runs, other: Runs) -> None:
    assert coordinates(union([one, other])) == coordinates(one) | coordinates(other)
    assert coordinates(intersection(one, other)) == coordinates(one) & coordinates(other)
    assert coordinates(difference(one, other)) == coordinates(one) - coordinates(other)
    assert size(one) == len(coordinates(one))


@given(st.sets(st.integers(0, 100)))
def test_members_of_a_set_of_units(units: set[int]) -> None:
    assert members(sum(1 << unit for unit in units)) == sorted(units)


@dataclass(frozen=True)
class Comparison:
    """A scene, the units active in it, and what disjoint sets of units held before."""

    layer: Layer
    scene: Scene
    active: int
    before: list[tuple[int, Scene]]


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """Draw boxes in every subspace, the same for all units except in at most one, now and up to 3 times before.

    Leaves come back, at the same place or at another one.
    """
    type_ = draw(st.sampled_from(["CONV", "TRCONV", "GEMM"]))
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    layer = (
        Layer.of("l", type_, {}, stride=draw(pair), dilation=draw(pair))
        if type_ != "GEMM"
        else Layer.of("l", type_, {})
    )
    moving = draw(st.integers(0, len(layer.subspaces) - 1))
    leaves: dict[int, list[Leaf]] = {}

    def scene() -> Scene:
        found = []
        for number, subspace in enumerate(layer.subspaces):
            known = leaves.setdefault(number, [])
            if not known or draw(st.booleans()):
                shown = UNITS if number == moving else 1
                known.append(Leaf(tuple(draw(box(len(subspace.dimensions))) for _ in range(shown))))
            origin = tuple(draw(st.integers(0, 2)) for _ in subspace.dimensions)
            found.append((draw(st.sampled_from(known)), origin))
        return tuple(found)

    active = draw(st.integers(1, EVERYONE))
    groups = draw(st.lists(st.integers(0, 3), min_size=UNITS, max_size=UNITS))
    before = []
    for number in range(3):
        group = active & sum(1 << unit for unit, own in enumerate(groups) if own == number)
        if group:
            before.append((group, scene()))
    return Comparison(layer, scene(), active, before)


def box(dimensions: int) -> st.SearchStrategy[Box]:
    side = st.tuples(st.integers(0, 2), st.integers(1, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
    return st.tuples(*[side] * dimensions)


def tile(layer: Layer, tensor: str, scene: Scene, unit: int) -> set[tuple[int, ...]]:
    """Return the elements that a unit's region touches."""
    axes = []
    for axis in layer.tensor_axes(tensor):
        place, subspace = next((n, s) for n, s in enumerate(layer.subspaces) if axis in s.names)
        leaf, origin = scene[place]
        found = leaf.box(unit)
        assert found is not None
        points = product(*(range(low + o, high + o) for (low, high), o in zip(found, origin, strict=True)))
        axes.append({sum(c * p for c, p in zip(subspace.coefficients(axis), point, strict=True)) for point in points})
    return set(product(*axes))


@given(comparisons(), st.sampled_from(TENSORS))
@settings(max_examples=300)
def test_new_elements_are_those_of_the_tiles_that_were_not_held(drawn: Comparison, tensor: str) -> None:
    held = {unit: tile(drawn.layer, tensor, scene, unit) for group, scene in drawn.before for unit in members(group)}
    new = [tile(drawn.layer, tensor, drawn.scene, unit) - held.get(unit, set()) for unit in members(drawn.active)]
    found = Axes(drawn.layer).new(tensor, drawn.active, Before(drawn.scene, drawn.before))
    assert found == Amount(distinct=len(set().union(*new)), copies=sum(map(len, new)))


@given(comparisons(), st.sampled_from(TENSORS))
def test_units_with_another_tile(drawn: Comparison, tensor: str) -> None:
    layer = drawn.layer
    for _, other in drawn.before:
        differing = Axes(layer).differing(tensor, drawn.scene, other)
        assert [unit for unit in range(UNITS) if differing >> unit & 1] == [
            unit for unit in range(UNITS) if tile(layer, tensor, drawn.scene, unit) != tile(layer, tensor, other, unit)
        ]


@given(comparisons(), st.sampled_from(TENSORS))
def test_units_that_keep_all_of_their_tile(drawn: Comparison, tensor: str) -> None:
    layer = drawn.layer
    for _, other in drawn.before:
        for unit in range(UNITS):
            keeps = Axes(layer).keeps(tensor, unit, drawn.scene, other)
            assert keeps == (tile(layer, tensor, drawn.scene, unit) <= tile(layer, tensor, other, unit))


def test_a_unit_that_was_idle_had_no_tile() -> None:
    """GEMM, rows 0 and 1 on two units; before, unit 1 was idle: only its tile is another one."""
    layer = Layer.of("l", "GEMM", {"M": 2})
    still = (Leaf((((0, 1),),)), (0,))
    now, before = ((Leaf((((0, 1),), other)), (0,)) for other in (((1, 2),), None))
    assert Axes(layer).differing("output", (now, still, still), (before, still, still)) == 0b10


def test_a_tile_of_a_windowed_axis_has_gaps() -> None:
    """Rows 4·y' + r, y' < 2, r < 2: {0, 1, 4, 5}."""
    layer = Layer.of("l", "CONV", {"Y'": 2, "R": 2}, stride=(4, 1))
    region = [tuple((0, layer.sizes[d]) for d in subspace.dimensions) for subspace in layer.subspaces]
    assert [Axes(layer).tile(tensor, region) for tensor in TENSORS] == [4, 2, 2]


def test_units_that_move_in_two_subspaces_are_refused() -> None:
    layer = Layer.of("l", "GEMM", {"M": 2, "N": 2})
    moves = (Leaf((((0, 1),), ((1, 2),))), (0,))
    still = (Leaf((((0, 1),),)), (0,))
    message = "two subspaces share the units of a level: no such dataflow computes its layer"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Axes(layer).new("output", 0b11, Before((moves, moves, still), []))
