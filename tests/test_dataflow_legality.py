"""Legality: small layers whose first wrong point is derived by hand."""

from __future__ import annotations

import pytest

from dataflow.errors import InputError
from dataflow.legality import Violation, check
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_network


def mapped(dimensions: str, directives: str, pes: int, *, type_: str = "CONV", stride: int = 1) -> Mapping:
    """Bind a layer L of the file f.m; the first directive stands in line 1, the second in line 2."""
    body = directives.replace("; ", ";\n")
    text = (
        f"Network n {{ Layer L {{ Type: {type_} Stride {{ Y: {stride}, X: 1 }} "
        f"Dimensions {{ {dimensions} }} Dataflow {{ {body}; }} }} }}"
    )
    (entry,) = parse_network(text, "f.m").layers
    assert entry.dataflow is not None
    return bind(entry.layer, entry.dataflow, pes)


def violation(dimensions: str, directives: str, pes: int, *, type_: str = "CONV", stride: int = 1) -> Violation:
    found = check(mapped(dimensions, directives, pes, type_=type_, stride=stride))
    assert found is not None
    return found


def legal(dimensions: str, directives: str, pes: int, *, type_: str = "CONV", stride: int = 1) -> bool:
    return check(mapped(dimensions, directives, pes, type_=type_, stride=stride)) is None


@pytest.mark.parametrize(
    ("dimensions", "directives", "pes", "stride"),
    [
        # No map at all: one unit computes the whole layer.
        ("K 3, C 2, R 3, Y 9", "TemporalMap(3,3) K", 1, 1),
        # Chunks of 4 over 10: [0,4) [4,8) [8,10).
        ("K 10", "SpatialMap(4,4) K", 2, 1),
        # Each chunk of 3 rows is one window; 8 chunks, 8 windows, folded over 3 units.
        ("Y 10, R 3", "SpatialMap(3,1) Y", 3, 1),
        # A row 3 holds at r = 0, 1, 2 the windows y' = 3, 2, 1: rows and taps one by one meet each pair once.
        ("Y 10, R 3", "SpatialMap(1,1) Y; TemporalMap(1,1) R", 3, 1),
        # One window at a time: row y is tap r = y on unit y, the diagonal.
        ("Y 10, R 3", "SpatialMap(1,1) Y'; Cluster(3, P); SpatialMap(1,1) Y; SpatialMap(1,1) R", 9, 1),
        # Rows [0,3) [3,6) [6,9) and one tap: row 2y'+r lies in exactly one of them.
        ("Y 9, R 3", "SpatialMap(3,3) Y; TemporalMap(1,1) R", 3, 2),
        # With stride 2 a chunk of 5 rows holds m = 2 windows, so offset 2 is read as 4.
        ("Y 9, R 3", "SpatialMap(5,2) Y", 2, 2),
        # K's second chunk [3,4) is empty for the inner level's second unit.
        ("K 4", "SpatialMap(3,3) K; Cluster(2, P); SpatialMap(2,2) K", 4, 1),
        # The outer chunks [0,3) and [2,4) overlap in 2, but the inner level does only the first two of each.
        ("K 4", "TemporalMap(3,2) K; Cluster(1, P); TemporalMap(2,9) K", 1, 1),
        # Both factors are spread over the same units, but each has one chunk: unit 0 does everything.
        ("K 4, C 2", "SpatialMap(4,4) K; SpatialMap(2,2) C", 3, 1),
    ],
)
def test_legal_by_hand(dimensions: str, directives: str, pes: int, stride: int) -> None:
    assert legal(dimensions, directives, pes, stride=stride)


def test_overlapping_chunks_repeat() -> None:
    """Chunks [0,2) [1,3) …: the first k in two of them is 1."""
    found = violation("K 4", "SpatialMap(2,1) K", 2)
    assert str(found) == (
        "f.m:1:86: layer L repeats work: point (N 0, G 0, K 1, C 0, Y' 0, X' 0, R 0, S 0) is computed 2 times "
        "because of SpatialMap(2,1) K; SpatialMap(2,2) K would compute every point of K once"
    )
    assert found.to_dict() == {
        "layer": "L",
        "point": {"N": 0, "G": 0, "K": 1, "C": 0, "Y'": 0, "X'": 0, "R": 0, "S": 0},
        "times": 2,
        "directives": ["SpatialMap(2,1) K"],
        "position": {"file": "f.m", "line": 1, "column": 86},
        "reason": "of SpatialMap(2,1) K",
        "suggestion": "SpatialMap(2,2) K would compute every point of K once",
        "message": str(found).removeprefix("f.m:1:86: "),
    }


def point_and_rest(found: Violation) -> tuple[dict[str, int], int, str]:
    """Return the coordinates that are not 0, the count, and what the message says after "because"."""
    return (
        {dimension: value for dimension, value in found.point.items() if value},
        found.times,
        found.message.partition(" because ")[2],
    )


@pytest.mark.parametrize(
    ("dimensions", "directives", "stride", "expected"),
    [
        # Chunks {0} {2} {4}: 1 is in none.
        (
            "K 5",
            "SpatialMap(1,2) K",
            1,
            ({"K": 1}, 0, "of SpatialMap(1,2) K; SpatialMap(1,1) K would compute every point of K once"),
        ),
        # Rows [0,8) hold the windows 0-5, rows [8,10) none: 8 rows hold 6 windows of 3.
        (
            "Y 10, R 3",
            "SpatialMap(8,8) Y",
            1,
            ({"Y'": 6}, 0, "of SpatialMap(8,8) Y; SpatialMap(8,6) Y would compute every point of Y', R once"),
        ),
        # Chunks of two rows hold no window of three.
        (
            "Y 9, R 3",
            "SpatialMap(2,2) Y",
            2,
            ({}, 0, "of SpatialMap(2,2) Y; SpatialMap(3,2) Y would compute every point of Y', R once"),
        ),
        # Taps one by one, rows [0,3) [2,5): row 2 is in both, at y' = 0 its tap is r = 2.
        (
            "Y 9, R 3",
            "SpatialMap(3,2) Y; TemporalMap(1,1) R",
            2,
            ({"R": 2}, 2, "of SpatialMap(3,2) Y; SpatialMap(3,3) Y would compute every point of Y', R once"),
        ),
        # Of two faults the first point is that of N, which stands after M: (M 0, N 1) before (M 1, N 0).
        (
            "M 3, N 4",
            "SpatialMap(2,1) M; TemporalMap(2,1) N",
            0,
            ({"N": 1}, 2, "of TemporalMap(2,1) N; TemporalMap(2,2) N would compute every point of N once"),
        ),
        # Unit u does k = u and c = u: (0, 1) belongs to no unit.
        (
            "K 4, C 6",
            "SpatialMap(1,1) K; SpatialMap(1,1) C",
            1,
            (
                {"C": 1},
                0,
                "of SpatialMap(1,1) C and SpatialMap(1,1) K on the same units; TemporalMap(1,1) C in place of "
                "SpatialMap(1,1) C would compute every point of K, C once",
            ),
        ),
        # Without Y' above, rows fold over the three units: only rows y ≡ r (mod 3) meet their tap, so y' = 1 never.
        (
            "Y 6, R 3",
            "SpatialMap(1,1) K; Cluster(3, P); SpatialMap(1,1) Y; SpatialMap(1,1) R",
            1,
            (
                {"Y'": 1},
                0,
                "of SpatialMap(1,1) R and SpatialMap(1,1) Y on the same units; TemporalMap(1,1) Y' above "
                "Cluster(3, P) would compute every point of Y', R once",
            ),
        ),
        # Unit u has column x = u but all columns' taps s: no whole window of three lies in one column.
        (
            "Y 5, X 5, R 3, S 3",
            "SpatialMap(3,1) Y; TemporalMap(3,1) X; Cluster(3, P); SpatialMap(1,1) X; SpatialMap(1,1) R",
            1,
            (
                {},
                0,
                "the units of a level share SpatialMap(1,1) X and SpatialMap(1,1) R, but X pairs with S; "
                "SpatialMap(1,1) S in place of SpatialMap(1,1) R would compute every point of Y', X', R, S once",
            ),
        ),
        # Outer chunks [0,5) [3,8) [6,9); inside, pairs one apart: 1 is in [0,2) and [1,3). Either map alone is wrong.
        ("K 9", "SpatialMap(5,3) K; Cluster(2, P); SpatialMap(2,1) K", 1, ({"K": 1}, 2, "of SpatialMap(2,1) K")),
    ],
)
def test_illegal_by_hand(
    dimensions: str, directives: str, stride: int, expected: tuple[dict[str, int], int, str]
) -> None:
    type_ = "CONV" if stride else "GEMM"
    assert point_and_rest(violation(dimensions, directives, 8, type_=type_, stride=stride or 1)) == expected


def test_transposed_convolution_does_not_slide_over_its_input() -> None:
    """Y of a TRCONV iterates: chunks [0,2) [1,3) repeat the row 1."""
    found = violation("K 2, R 2, Y 3", "SpatialMap(1,1) K; TemporalMap(Sz(R),1) Y", 2, type_="TRCONV")
    assert point_and_rest(found) == (
        {"Y": 1},
        2,
        "of TemporalMap(Sz(R),1) Y; TemporalMap(Sz(R),Sz(R)) Y would compute every point of Y once",
    )


def test_both_directives_of_a_cause_are_named_and_the_innermost_is_placed() -> None:
    found = violation("K 4, C 6", "SpatialMap(1,1) K; SpatialMap(1,1) C", 8)
    assert (str(found.directive), [str(other) for other in found.others]) == (
        "SpatialMap(1,1) C",
        ["SpatialMap(1,1) K"],
    )
    assert str(found).startswith("f.m:2:1: layer L misses work: ")


def test_cluster_without_spatial_map() -> None:
    """Both units of the cluster take the same c in the same step: every point twice."""
    found = violation("K 4, C 6", "SpatialMap(1,1) K; TemporalMap(2,2) C; Cluster(2, P); TemporalMap(1,1) C", 8)
    assert str(found) == (
        "f.m:3:1: layer L repeats work: point (N 0, G 0, K 0, C 0, Y' 0, X' 0, R 0, S 0) is computed 2 times because "
        "the 2 units of Cluster(2, P) have no SpatialMap and all do the same work; SpatialMap(1,1) C in place of "
        "TemporalMap(1,1) C would give each unit work of its own"
    )


@pytest.mark.parametrize(
    ("directives", "times", "suggestion"),
    [
        ("TemporalMap(1,1) K; Cluster(2, P); SpatialMap(1,1) C", 4, "SpatialMap(1,1) K in place of TemporalMap(1,1) K"),
        ("Cluster(2, P); SpatialMap(1,1) C", 4, "adding SpatialMap(1,1) C"),
        ("Cluster(2, P)", 8, "adding SpatialMap(1,1) C"),
    ],
)
def test_top_level_without_spatial_map(directives: str, times: int, suggestion: str) -> None:
    """8 PEs in clusters of 2 are 4 units at the top; where the clusters share nothing out either, 4 × 2 copies."""
    assert point_and_rest(violation("K 4, C 6", directives, 8)) == (
        {},
        times,
        "the 4 units of the top level (8 PEs in clusters of 2) have no SpatialMap and all do the same work; "
        f"{suggestion} would give each unit work of its own",
    )


def test_no_unit_has_other_work_when_there_is_none() -> None:
    found = violation("K 1", "TemporalMap(1,1) K", 3)
    assert (found.times, found.suggestion) == (3, None)


def test_a_missing_point_counts_before_idle_units() -> None:
    """No chunk of one row holds a window, however many units look for it."""
    found = violation("Y 5, R 3", "SpatialMap(1,1) Y; Cluster(2, P)", 8)
    assert (found.times, str(found.directive)) == (0, "SpatialMap(1,1) Y")


def test_extents_are_not_enumerated() -> None:
    assert legal("K 999999999999999999", "SpatialMap(1,1) K; Cluster(4, P); SpatialMap(1,1) C", 8)
    assert legal("M 1000000, N 1000000, K 1000000", "SpatialMap(16,16) M; TemporalMap(3,3) K", 4, type_="GEMM")


@pytest.mark.parametrize(
    ("dimensions", "directives", "message"),
    [
        (
            "K 10000000",
            "SpatialMap(2,1) K",
            "f.m:1:93: SpatialMap(2,1) K: 9999999 chunks in a level, more than the 4194304 that can be checked",
        ),
        (
            "Y' 4000, R 4000",
            "TemporalMap(1,1) Y'; SpatialMap(1,1) R; TemporalMap(1,1) Y",
            "f.m:2:1: SpatialMap(1,1) R: 16000000 chunks in a level, more than the 4194304 that can be checked",
        ),
        (
            "Y' 10000000000, R 1000000000",
            "SpatialMap(1,1) Y; TemporalMap(1,1) R",
            "f.m:1:13: layer L: Y', R, Y: too large to check",
        ),
    ],
)
def test_too_large_to_check(dimensions: str, directives: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check(mapped(dimensions, directives, 4))
    assert str(caught.value) == message
