"""Trees of runs, against the cut of every unit at every position of the loops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical.positions import Fork, Leaf, Place, Tree, plus
from dataflow.directives import Map
from dataflow.expressions import Number
from dataflow.layers import Layer, Subspace
from dataflow.levels import Level, LevelMap
from dataflow.regions import Box, cut, trips

Boxes = tuple[Box | None, ...]


def level_map(dimension: str, size: int, offset: int, *, spatial: bool = False) -> LevelMap:
    return LevelMap(dimension, spatial, size, offset, Map(spatial, Number(size), Number(offset), dimension))


def rows(type_: str = "CONV", *, taps: int = 3, stride: int = 1, dilation: int = 1) -> Subspace:
    """Return the vertical subspace of a layer: (Y', R) of a convolution, (Y, R) of a transposed one."""
    layer = Layer.of("a", type_, {"R": taps}, stride=(stride, 1), dilation=(dilation, 1))
    return next(subspace for subspace in layer.subspaces if "R" in subspace.dimensions)


def channels() -> Subspace:
    return next(s for s in Layer.of("a", "CONV", {}).subspaces if s.dimensions == ("C",))


def root(subspace: Subspace, maps: tuple[LevelMap, ...], units: int, lengths: tuple[int, ...]) -> Place | None:
    return Tree(subspace, (Level(units, maps),)).root(0, lengths)


def every_position(place: Place | None) -> Iterator[Boxes]:
    """Yield the units' boxes at every position of a tree, in order; a single one if all share it."""
    if place is None:
        return
    position, origin = place
    if isinstance(position, Leaf):
        yield tuple(
            box and tuple((low + o, high + o) for (low, high), o in zip(box, origin, strict=True))
            for box in position.boxes
        )
        return
    for run in position.runs:
        for index in range(run.count):
            yield from every_position((run.below, plus(origin, run.at(index))))


def every_cut(subspace: Subspace, maps: tuple[LevelMap, ...], units: int, lengths: tuple[int, ...]) -> Iterator[Boxes]:
    """Yield what `cut` says for each unit at each position that is not empty; for one where no map is spatial."""
    box = tuple((0, length) for length in lengths)
    shown = units if any(each.spatial for each in maps) else 1
    for indices in product(*(range(trips(subspace, box, each, units)) for each in maps)):
        boxes = tuple(cut(subspace, box, maps, indices, unit, units) for unit in range(shown))
        if any(boxes):
            yield boxes


def runs(place: Place | None) -> list[int]:
    """Return the counts of all runs of a tree, a fork before those below it."""
    if place is None or isinstance(place[0], Leaf):
        return []
    return [count for run in place[0].runs for count in (run.count, *runs((run.below, run.origin)))]


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Subspace, tuple[LevelMap, ...], int, tuple[int, ...]]:
    """Draw a subspace, any maps of it, units, and the lengths of a region."""
    type_ = draw(st.sampled_from(["CONV", "TRCONV", "plain"]))
    stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    subspace = channels() if type_ == "plain" else rows(type_, stride=stride, dilation=dilation)
    lengths = tuple(draw(st.integers(1, 5 if name == "R" else 60)) for name in subspace.dimensions)
    names = draw(st.lists(st.sampled_from(subspace.names), unique=True))
    numbers = st.integers(1, 12)
    maps = tuple(level_map(name, draw(numbers), draw(numbers), spatial=draw(st.booleans())) for name in names)
    return subspace, maps, draw(st.integers(1, 4)), lengths


@given(cuts())
@settings(max_examples=300)
def test_a_tree_has_the_position_of_every_index(
    drawn: tuple[Subspace, tuple[LevelMap, ...], int, tuple[int, ...]],
) -> None:
    assert list(every_position(root(*drawn))) == list(every_cut(*drawn))


BILLION = 10**9


@pytest.mark.parametrize(
    ("maps", "units", "lengths", "expected"),
    [
        # Channels: 4 by 4 with 2 left over. 3 units: 9·10⁸ + 3 chunks of 1 leave none over, 1 or 2 chunks fewer do.
        ((level_map("C", 4, 4),), 1, (BILLION + 2,), [BILLION // 4, 1]),
        ((level_map("C", 1, 1, spatial=True),), 3, (9 * BILLION + 3,), [3 * BILLION + 1]),
        ((level_map("C", 1, 1, spatial=True),), 3, (9 * BILLION + 2,), [3 * BILLION, 1]),
        # Chunks of 5, 3 apart, of 3 n + 1: those from 3 n − 3 on would end at 3 n + 2: the last holds 4 only.
        ((level_map("C", 5, 3),), 1, (3 * BILLION + 1,), [BILLION - 1, 1]),
    ],
)
def test_runs_of_plain_maps(
    maps: tuple[LevelMap, ...], units: int, lengths: tuple[int, ...], expected: list[int]
) -> None:
    assert runs(root(channels(), maps, units, lengths)) == expected


@pytest.mark.parametrize(
    ("stride", "maps", "lengths", "expected"),
    [
        # A window of 3 taps slides over n rows.
        (1, (level_map("Y", 3, 1),), (BILLION, 3), [BILLION]),
        # The same with 4 outputs in 9 rows, at stride 2: chunks of 8 rows apart; n = 4 m + 1 leaves one output.
        (2, (level_map("Y", 9, 8),), (4 * BILLION + 1, 3), [BILLION, 1]),
        # Tap by tap: in each of 3 runs of one position, n rows.
        (1, (level_map("R", 1, 1), level_map("Y'", 1, 1)), (BILLION, 3), [3, BILLION]),
    ],
)
def test_runs_of_windows(
    stride: int, maps: tuple[LevelMap, ...], lengths: tuple[int, ...], expected: list[int]
) -> None:
    assert runs(root(rows(stride=stride), maps, 1, lengths)) == expected


def test_rows_between_the_windows_of_a_stride_hold_nothing() -> None:
    """At stride 2 one tap finds an output in rows 0, 2 and 4: three runs, the rows between are left out."""
    place = root(rows(taps=1, stride=2), (level_map("Y", 1, 1),), 1, (3, 1))
    assert runs(place) == [1, 1, 1]
    assert list(every_position(place)) == [(((row, row + 1), (0, 1)),) for row in range(3)]


def test_equal_positions_are_one_object() -> None:
    """Rows 0..2, 2..4 and 4..5, for a region of 5 and for one of 9: what is below the full ones is the same leaf."""
    tree = Tree(channels(), (Level(1, (level_map("C", 2, 2),)),))
    forks = [place[0] for length in (5, 9) if (place := tree.root(0, (length,)))]
    full, edge = ([fork.runs[number].below for fork in forks if isinstance(fork, Fork)] for number in (0, 1))
    assert full[0] is full[1]
    assert edge[0] is edge[1]
    assert full[0] is not edge[0]


def test_a_region_without_whole_windows_has_no_positions() -> None:
    """Chunks of 2 rows hold no window of 3 taps."""
    assert root(rows(), (level_map("Y", 2, 1),), 1, (4, 3)) is None


def test_idle_units_of_a_leaf() -> None:
    """4 rows on 3 units: in the second fold only unit 0 has one; a level that shares the subspace has one box."""
    place = root(channels(), (level_map("C", 1, 1, spatial=True),), 3, (4,))
    assert place is not None
    assert isinstance(place[0], Fork)
    full, last = (run.below for run in place[0].runs)
    assert isinstance(full, Leaf)
    assert isinstance(last, Leaf)
    assert (full.units, last.units) == (0b111, 0b001)
    assert (full.box(2), last.box(2)) == (((2, 3),), None)
    shared = root(channels(), (), 3, (4,))
    assert shared is not None
    assert isinstance(shared[0], Leaf)
    assert (shared[0].units, shared[0].box(2)) == (-1, ((0, 4),))
