"""Binding a dataflow to a layer and an array: units, the stride rule, second maps, and what is refused."""

from __future__ import annotations

import pytest

from dataflow.directives import Dataflow
from dataflow.errors import InputError
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow


def dataflow(directives: str) -> Dataflow:
    return parse_dataflow(f"Dataflow d {{ {directives} }}", "d.m")


def convolution(stride: int = 1, **sizes: int) -> Layer:
    return Layer.of("a", "CONV", {"K": 4, "C": 6, "R": 3, "S": 3, "Y": 11, "X": 11} | sizes, stride=(stride, stride))


def offsets(mapping: Mapping, dimension: str) -> list[int]:
    """Return the offsets of the maps of a dimension, level by level."""
    return [m.offset for level in mapping.levels for m in level.maps if m.dimension == dimension]


def test_top_level_takes_the_clusters_that_the_array_holds() -> None:
    """Clusters of 3 × 2 PEs: 20 PEs hold three of them, two PEs are left over."""
    mapping = bind(convolution(), dataflow("Cluster(Sz(R), P); Cluster(2, L); SpatialMap(1,1) C;"), 20)
    assert mapping.units == (3, 3, 2)
    assert [str(level.source) for level in mapping.levels] == ["None", "Cluster(Sz(R), P)", "Cluster(2, L)"]


def test_sizes_are_evaluated_for_the_layer() -> None:
    mapping = bind(convolution(), dataflow("TemporalMap(Sz(C)/4, Sz(Y') - 2*(Sz(R)+1)) C;"), 1)
    (only,) = mapping.levels[0].maps
    assert (only.size, only.offset, only.spatial) == (1, 1, False)


def test_offset_of_outputs_is_read_as_rows() -> None:
    """R = 3, σ = 2: chunks of 3 rows hold m = 1 output, so successive ones start 2 apart: 1 and 2 say the same."""
    for stated in (1, 2):
        mapping = bind(convolution(stride=2), dataflow(f"TemporalMap(Sz(R),{stated}) Y;"), 1)
        assert offsets(mapping, "Y") == [2]
        assert mapping.warnings == ()


def test_offset_that_is_neither_outputs_nor_rows_warns() -> None:
    """X chunks of 6, S = 3, σ = 2: m = ⌊(6 − 3)/2⌋ + 1 = 2 outputs, 4 columns apart; the file says 1."""
    mapping = bind(convolution(stride=2), dataflow("TemporalMap(6,1) X;"), 1)
    assert offsets(mapping, "X") == [4]
    assert [str(warning) for warning in mapping.warnings] == [
        "d.m:1:14: TemporalMap(6,1) X: offset 1 read as 4: a chunk of 6 holds 2 X' at stride 2"
    ]


def test_offset_stays_without_a_stride() -> None:
    assert offsets(bind(convolution(), dataflow("TemporalMap(6,1) Y;"), 1), "Y") == [1]


def test_offset_stays_where_a_chunk_is_less_than_a_window() -> None:
    """Two rows hold no whole window of three."""
    assert offsets(bind(convolution(stride=2), dataflow("TemporalMap(2,1) Y;"), 1), "Y") == [1]


@pytest.mark.parametrize(
    "directives", ["TemporalMap(3,3) Y; TemporalMap(1,1) R;", "TemporalMap(1,1) R; TemporalMap(3,3) Y;"]
)
def test_offset_stays_where_the_filter_is_taken_in_pieces(directives: str) -> None:
    assert offsets(bind(convolution(stride=2), dataflow(directives), 1), "Y") == [3]


def test_pieces_of_the_filter_count_from_their_level_down() -> None:
    """R is whole at the top, in pieces below: the rule holds above, not below."""
    directives = "TemporalMap(3,1) Y; Cluster(1, P); TemporalMap(1,1) R; Cluster(1, P); TemporalMap(3,1) Y;"
    assert offsets(bind(convolution(stride=2), dataflow(directives), 1), "Y") == [2, 1]


def test_stride_rule_of_a_transposed_convolution_is_for_outputs() -> None:
    """TRCONV, σ = 2: Y' = 2·Y + R is the windowed one; a chunk of 3 holds one Y. Y itself iterates as stated."""
    layer = Layer.of("t", "TRCONV", {"R": 3, "Y": 4}, stride=(2, 2))
    mapping = bind(layer, dataflow("TemporalMap(3,1) Y'; TemporalMap(3,1) Y;"), 1)
    assert (offsets(mapping, "Y'"), offsets(mapping, "Y")) == ([2], [1])


def test_second_temporal_map_is_ignored() -> None:
    mapping = bind(convolution(), dataflow("TemporalMap(2,2) K; SpatialMap(1,1) C;\n TemporalMap(1,1) K;"), 4)
    assert [str(m.source) for m in mapping.levels[0].maps] == ["TemporalMap(2,2) K", "SpatialMap(1,1) C"]
    assert [str(warning) for warning in mapping.warnings] == [
        "d.m:2:2: TemporalMap(1,1) K ignored: K is already mapped at this level (first: line 1)"
    ]


def test_windowed_dimension_and_its_outputs_are_different_dimensions() -> None:
    mapping = bind(convolution(), dataflow("TemporalMap(1,1) Y'; TemporalMap(3,1) Y;"), 4)
    assert [m.dimension for m in mapping.levels[0].maps_of(mapping.layer.subspaces[4])] == ["Y'", "Y"]
    assert mapping.warnings == ()


def test_same_dimension_may_be_mapped_at_every_level() -> None:
    mapping = bind(convolution(), dataflow("SpatialMap(2,2) C; Cluster(2, P); SpatialMap(1,1) C;"), 4)
    assert [len(level.maps) for level in mapping.levels] == [1, 1]
    assert mapping.warnings == ()


@pytest.mark.parametrize(
    ("directives", "message"),
    [
        (
            "TemporalMap(1,1) Q;",
            "d.m:1:14: TemporalMap(1,1) Q: a CONV has no dimension Q; its dimensions are N G K C Y' X' R S Y X",
        ),
        (
            "TemporalMap(Sz(M),1) K;",
            "d.m:1:26: Sz(M): the layer has no dimension M; its dimensions are N G K C Y' X' R S Y X",
        ),
        ("TemporalMap(0,1) K;", "d.m:1:14: TemporalMap(0,1) K: size is 0; it has to be at least 1"),
        ("TemporalMap(1,3-Sz(R)) K;", "d.m:1:14: TemporalMap(1,3-Sz(R)) K: offset is 0; it has to be at least 1"),
        ("TemporalMap(1,4/(1-1)) K;", "d.m:1:29: 4/(1-1): division by zero"),
        ("Cluster(2-2, P);", "d.m:1:14: Cluster(2-2, P): cluster size is 0; it has to be at least 1"),
        (
            "Cluster(4, P); Cluster(Sz(R), P);",
            "d.m:1:29: d: clusters of 4 × 3 PEs are larger than the array of 8; 12 PEs are needed",
        ),
        (
            "TemporalMap(1,1) K; SpatialMap(1,1) K;",
            "d.m:1:34: SpatialMap(1,1) K: K is mapped a second time at this level (first: line 1); "
            "a spatial map has to be the only one of its dimension",
        ),
    ],
)
def test_dataflows_that_cannot_be_bound(directives: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        bind(convolution(), dataflow(directives), 8)
    assert str(caught.value) == message
