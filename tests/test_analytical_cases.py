"""Iteration cases: occurrences add up, and few kinds stand for many steps."""

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from analytical.cases import Case, Loop, iteration_cases

loops = st.lists(
    st.tuples(st.integers(1, 6), st.booleans()).map(lambda drawn: Loop(drawn[0], drawn[1] and drawn[0] > 1)), max_size=5
).map(tuple)


@given(loops)
def test_occurrences_add_up_to_all_steps(nest: tuple[Loop, ...]) -> None:
    assert sum(case.occurrences for case in iteration_cases(nest)) == prod(loop.trips for loop in nest)


@given(loops)
def test_the_step_before_is_one_advance_away(nest: tuple[Loop, ...]) -> None:
    first, *others = iteration_cases(nest)
    assert first == Case(1, (0,) * len(nest), None)
    for case in others:
        assert case.previous is not None
        assert _number(case.current, nest) == _number(case.previous, nest) + 1


def _number(indices: tuple[int, ...], nest: tuple[Loop, ...]) -> int:
    number = 0
    for index, loop in zip(indices, nest, strict=True):
        number = number * loop.trips + index
    return number


def test_cases_of_two_loops_with_an_edge() -> None:
    """Outer: 3 positions, the last one smaller; inner: 4 equal ones; 12 steps.

    The first; the outer loop moving on to its second position and to its edge, the inner one returning; and the
    inner loop's 3 advances at each of the 2 full outer positions and at the edge.
    """
    assert list(iteration_cases((Loop(3, edge=True), Loop(4, edge=False)))) == [
        Case(1, (0, 0), None),
        Case(1, (1, 0), (0, 3)),
        Case(1, (2, 0), (1, 3)),
        Case(6, (0, 1), (0, 0)),
        Case(3, (2, 1), (2, 0)),
    ]
