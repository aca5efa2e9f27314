"""Closed forms of tiles along an axis, against the sets they count."""

from hypothesis import given
from hypothesis import strategies as st

from analytical.axes import AxisTile, overlap, union, union_of_new

small = st.integers(1, 7)
coefficients = st.tuples(st.integers(1, 5), st.integers(1, 4))
distances = st.integers(-30, 30)


def coordinates(tile: AxisTile) -> set[int]:
    return {
        tile.origin + tile.stride * slide + tile.dilation * tap
        for slide in range(tile.slides)
        for tap in range(tile.taps)
    }


def tile_of(origin: int, slides: int, taps: int, terms: tuple[int, int]) -> AxisTile:
    return AxisTile(origin, slides, taps, *terms)


@given(small, small, coefficients)
def test_size_is_that_of_the_set(slides: int, taps: int, terms: tuple[int, int]) -> None:
    tile = tile_of(0, slides, taps, terms)
    assert tile.size == len(coordinates(tile))


@given(small, small, small, small, coefficients, distances)
def test_overlap_is_that_of_the_sets(
    slides: int, taps: int, other_slides: int, other_taps: int, terms: tuple[int, int], distance: int
) -> None:
    one, other = tile_of(0, slides, taps, terms), tile_of(distance, other_slides, other_taps, terms)
    assert overlap(one, other) == len(coordinates(one) & coordinates(other))


@given(small, small, coefficients)
def test_a_progression_has_the_coordinates_of_its_tile(slides: int, taps: int, terms: tuple[int, int]) -> None:
    tile = tile_of(0, slides, taps, terms)
    if tile.progression is not None:
        step, length = tile.progression
        assert coordinates(tile) == {step * i for i in range(length)}


@given(small, small, coefficients, st.integers(-9, 9), st.integers(1, 9))
def test_union_of_copies_of_a_progression(
    slides: int, taps: int, terms: tuple[int, int], shift: int, units: int
) -> None:
    tile = tile_of(0, slides, taps, terms)
    if tile.progression is not None:
        together = set().union(*(coordinates(tile.moved(shift * unit)) for unit in range(units)))
        assert union(tile, shift, units) == len(together)


def test_union_of_copies_with_gaps() -> None:
    """Stride 4, two taps, two slides: {0, 1, 4, 5}; two outputs further it is {8, 9, 12, 13}: nothing shared."""
    assert union(AxisTile(0, 2, 2, stride=4), 8, 3) == 12


@given(small, small, st.integers(1, 3), distances, st.integers(-9, 9), st.integers(1, 9))
def test_what_is_new_to_some_unit_after_a_move(
    slides: int, taps: int, dilation: int, moved: int, shift: int, units: int
) -> None:
    tile = AxisTile(0, slides, taps, dilation=dilation)
    before = tile.moved(moved)
    if tile.progression is not None:
        new = set().union(
            *(coordinates(tile.moved(shift * u)) - coordinates(before.moved(shift * u)) for u in range(units))
        )
        assert union_of_new(tile, before, shift, units) == len(new)


def test_a_box_on_an_axis_it_has_one_dimension_of() -> None:
    """The filter axis R of a box y' ∈ [2, 5), r ∈ [1, 3): coefficients (0, 1)."""
    assert AxisTile.of((0, 1), ((2, 5), (1, 3))) == AxisTile(origin=1, slides=2)
