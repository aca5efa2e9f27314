"""Regions: how chunks cut them, counted by hand on small layers and against sets of points."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.directives import Map
from dataflow.expressions import Number
from dataflow.layers import Layer, Subspace
from dataflow.levels import LevelMap
from dataflow.regions import Box, chunks, cut, span, trips, whole

SMALL = st.integers(1, 4)


def level_map(dimension: str, size: int, offset: int, *, spatial: bool = False) -> LevelMap:
    source = Map(spatial, Number(size), Number(offset), dimension)
    return LevelMap(dimension, spatial, size, offset, source)


def rows(type_: str = "CONV", *, taps: int = 3, slides: int = 8, stride: int = 1, dilation: int = 1) -> Subspace:
    """Return the vertical subspace of a layer: (Y', R) of a convolution, (Y, R) of a transposed one."""
    slide = "Y" if type_ == "TRCONV" else "Y'"
    layer = Layer.of("a", type_, {"R": taps, slide: slides}, stride=(stride, 1), dilation=(dilation, 1))
    return next(subspace for subspace in layer.subspaces if "R" in subspace.dimensions)


def test_whole_layer_is_one_box_per_subspace() -> None:
    layer = Layer.of("a", "CONV", {"K": 2, "R": 3, "Y": 10, "X": 4})
    assert whole(layer) == (((0, 1),), ((0, 1),), ((0, 2),), ((0, 1),), ((0, 8), (0, 3)), ((0, 4), (0, 1)))


@pytest.mark.parametrize(
    ("extent", "size", "offset", "expected"),
    [
        (8, 8, 1, 1),  # whole
        (3, 8, 8, 1),  # less than one chunk
        (8, 2, 2, 4),
        (9, 2, 2, 5),  # the last chunk is cut off
        (8, 3, 1, 6),  # a window of three slides over eight
        (7, 1, 3, 3),  # at 0, 3, 6
        (8, 1, 3, 4),  # at 0, 3, 6, and 9: the last is empty
    ],
)
def test_chunks_of_an_extent(extent: int, size: int, offset: int, expected: int) -> None:
    assert chunks(extent, size, offset) == expected


@given(extent=st.integers(1, 60), size=st.integers(1, 10), offset=st.integers(1, 10))
def test_chunks_are_as_few_as_reach_the_end(extent: int, size: int, offset: int) -> None:
    count = chunks(extent, size, offset)
    assert (count - 1) * offset + size >= extent
    assert count == 1 or (count - 2) * offset + size < extent


def test_span_of_a_windowed_dimension() -> None:
    """σ = 2, δ = 3: outputs 1 … 3 and taps 1 … 2 touch the rows 2·1 + 3·1 = 5 to 2·3 + 3·2 = 12."""
    subspace = rows(stride=2, dilation=3)
    box = ((1, 4), (1, 3))
    assert span(subspace, box, "Y") == (5, 13)
    assert (span(subspace, box, "Y'"), span(subspace, box, "R")) == ((1, 4), (1, 3))


def test_folds_of_a_spatial_map() -> None:
    """Ten channels in chunks of two are five chunks: five steps of one unit, two folds of four."""
    channels = Subspace(("C",))
    box: Box = ((0, 10),)
    assert trips(channels, box, level_map("C", 2, 2), 4) == 5
    assert trips(channels, box, level_map("C", 2, 2, spatial=True), 4) == 2


def test_temporal_map_gives_every_unit_the_same_chunk() -> None:
    channels = Subspace(("C",))
    cuts = [cut(channels, ((5, 12),), [level_map("C", 3, 3)], [2], unit, 4) for unit in range(4)]
    assert cuts == [((11, 12),)] * 4


def test_spatial_map_deals_chunks_out_and_leaves_units_idle() -> None:
    """Seven channels from 5 on, three chunks of three: on two units, the second fold has work for one."""
    channels = Subspace(("C",))
    spatial = [level_map("C", 3, 3, spatial=True)]
    cuts = [cut(channels, ((5, 12),), spatial, [fold], unit, 2) for fold in range(2) for unit in range(2)]
    assert cuts == [((5, 8),), ((8, 11),), ((11, 12),), None]


def test_chunk_that_starts_beyond_the_range_is_empty() -> None:
    """E = 8, size 1, offset 3: four chunks, the last at 9."""
    channels = Subspace(("C",))
    cuts = [cut(channels, ((0, 8),), [level_map("C", 1, 3)], [i], 0, 1) for i in range(4)]
    assert cuts == [((0, 1),), ((3, 4),), ((6, 7),), None]


def test_subspace_without_maps_is_one_chunk() -> None:
    assert cut(Subspace(("C",)), ((2, 9),), [], [], 3, 4) == ((2, 9),)


def test_sliding_window_moves_one_output_at_a_time() -> None:
    """Chunks of R = 3 rows, one apart: chunk i holds the whole window of output i and no other."""
    subspace = rows(taps=3, slides=8)
    box: Box = ((0, 8), (0, 3))
    assert trips(subspace, box, level_map("Y", 3, 1), 1) == 8
    assert [cut(subspace, box, [level_map("Y", 3, 1)], [i], 0, 1) for i in range(8)] == [
        ((i, i + 1), (0, 3)) for i in range(8)
    ]


def test_row_stationary_diagonal() -> None:
    """SpatialMap(1,1) Y; SpatialMap(1,1) R under output row 2: unit r has input row 2 + r and filter row r."""
    subspace = rows(taps=3, slides=8)
    diagonal = [level_map("Y", 1, 1, spatial=True), level_map("R", 1, 1, spatial=True)]
    cuts = [cut(subspace, ((2, 3), (0, 3)), diagonal, [0, 0], unit, 3) for unit in range(3)]
    assert cuts == [((2, 3), (unit, unit + 1)) for unit in range(3)]


def test_row_stationary_diagonal_with_a_stride_leaves_what_does_not_meet() -> None:
    """σ = 2 from output row 1: unit r has input row 2 + r, filter row r, so again output row 1."""
    subspace = rows(taps=3, slides=4, stride=2)
    diagonal = [level_map("Y", 1, 1, spatial=True), level_map("R", 1, 1, spatial=True)]
    cuts = [cut(subspace, ((1, 2), (0, 3)), diagonal, [0, 0], unit, 3) for unit in range(3)]
    assert cuts == [((1, 2), (unit, unit + 1)) for unit in range(3)]


def test_rows_in_pieces_with_the_filter_in_pieces() -> None:
    """Chunks of two rows and single taps: with tap r, rows 2i and 2i + 1 belong to the outputs 2i − r, 2i + 1 − r."""
    subspace = rows(taps=3, slides=6)
    pieces = [level_map("Y", 2, 2), level_map("R", 1, 1)]
    box: Box = ((0, 6), (0, 3))
    assert cut(subspace, box, pieces, [0, 0], 0, 1) == ((0, 2), (0, 1))
    assert cut(subspace, box, pieces, [0, 1], 0, 1) == ((0, 1), (1, 2))
    assert cut(subspace, box, pieces, [0, 2], 0, 1) is None
    assert cut(subspace, box, pieces, [3, 2], 0, 1) == ((4, 6), (2, 3))


def test_outputs_and_rows_both_cut() -> None:
    """Output chunk i and row chunk j (three rows from j on) meet where i = j."""
    subspace = rows(taps=3, slides=4)
    both = [level_map("Y'", 1, 1), level_map("Y", 3, 1)]
    for i, j in product(range(4), range(4)):
        expected = ((i, i + 1), (0, 3)) if i == j else None
        assert cut(subspace, ((0, 4), (0, 3)), both, [i, j], 0, 1) == expected


def test_transposed_window_is_mirrored() -> None:
    """Rows go to y' = 2·y + r: output row i with filter row r comes from input row (i − r) / 2, where that is whole."""
    subspace = rows("TRCONV", taps=3, slides=4, stride=2)
    box: Box = ((0, 4), (0, 3))
    maps = [level_map("Y'", 1, 1), level_map("R", 1, 1, spatial=True)]
    assert span(subspace, box, "Y'") == (0, 9)
    for i, r in product(range(9), range(3)):
        y, odd = divmod(i - r, 2)
        expected = ((y, y + 1), (r, r + 1)) if not odd and 0 <= y < 4 else None
        assert cut(subspace, box, maps, [i, 0], r, 3) == expected


@given(
    type_=st.sampled_from(["CONV", "TRCONV"]),
    taps=SMALL,
    slides=SMALL,
    stride=SMALL,
    dilation=SMALL,
    chunk=st.tuples(st.integers(1, 8), SMALL),
    tap_chunk=st.tuples(SMALL, SMALL),
    low=st.tuples(st.integers(0, 3), st.integers(0, 2)),
)
def test_kept_slides_are_those_whose_whole_window_lies_in_the_chunk(
    type_: str,
    taps: int,
    slides: int,
    stride: int,
    dilation: int,
    chunk: tuple[int, int],
    tap_chunk: tuple[int, int],
    low: tuple[int, int],
) -> None:
    """Every step of a windowed and a tap map against the rule, point by point."""
    subspace = rows(type_, taps=taps + low[1], slides=slides + low[0], stride=stride, dilation=dilation)
    assert subspace.window is not None
    box = ((low[0], low[0] + slides), (low[1], low[1] + taps))
    maps = [level_map(subspace.window.name, *chunk), level_map("R", *tap_chunk)]
    first, end = span(subspace, box, subspace.window.name)
    for i, j in product(range(trips(subspace, box, maps[0], 1)), range(trips(subspace, box, maps[1], 1))):
        inside = range(first + i * chunk[1], min(first + i * chunk[1] + chunk[0], end))
        kept_taps = [r for r in range(*box[1]) if 0 <= r - low[1] - j * tap_chunk[1] < tap_chunk[0]]
        kept = [y for y in range(*box[0]) if all(stride * y + dilation * r in inside for r in kept_taps)]
        expected = ((kept[0], kept[-1] + 1), (kept_taps[0], kept_taps[-1] + 1)) if kept and kept_taps else None
        assert cut(subspace, box, maps, [i, j], 0, 1) == expected
