"""Max-plus matrices, against the updates that they stand for, done one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytical.timeline import Matrix, Timeline, after, delays

VARIABLES = 5
Update = Callable[[Timeline], None]

_variable = st.integers(0, VARIABLES - 1)
_terms = st.lists(st.tuples(_variable, st.integers(-3, 40)), min_size=1, max_size=4)


def latest(target: int, terms: list[tuple[int, int]]) -> Update:
    """Set a variable to the maximum of variables plus delays."""
    return lambda timeline: timeline.set(target, timeline.latest(terms))


_updates = st.lists(
    st.one_of(
        st.builds(latest, _variable, _terms),
        st.builds(lambda s, t: lambda timeline: timeline.copy(s, t), _variable, _variable),
        st.builds(lambda v: lambda timeline: timeline.forget(v), _variable),
    ),
    max_size=8,
)


def applied(timeline: Timeline, updates: list[Update]) -> None:
    for update in updates:
        update(timeline)


def values(timeline: Timeline) -> list[int | None]:
    """Return the cycles of the variables, None for one that nothing constrains."""
    return [
        timeline.value(variable) if delays(timeline.latest([(variable, 0)])) else None for variable in range(VARIABLES)
    ]


def all_delays(effect: Matrix) -> list[dict[int, int]]:
    return [delays(effect.get(variable, after(variable, 0))) for variable in range(VARIABLES)]


@given(before=_updates, repeated=_updates, following=_updates, times=st.integers(1, 40))
def test_repeating_is_doing_it_one_by_one(
    before: list[Update], repeated: list[Update], following: list[Update], times: int
) -> None:
    at_once, one_by_one = Timeline({}), Timeline({})
    applied(at_once, before)
    at_once.repeat(lambda: applied(at_once, repeated), times)
    applied(at_once, following)
    applied(one_by_one, [*before, *repeated * times, *following])
    assert values(at_once) == values(one_by_one)


@given(before=_updates, repeated=_updates, times=st.integers(1, 40))
def test_every_variable_is_the_same_in_all_that_it_follows_from(
    before: list[Update], repeated: list[Update], times: int
) -> None:
    """Not only the maximum: what is worked out once is used on other clocks."""
    at_once, one_by_one = Timeline({}), Timeline({})
    effect = at_once.effect(
        lambda: (applied(at_once, before), at_once.repeat(lambda: applied(at_once, repeated), times))
    )
    expected = one_by_one.effect(lambda: applied(one_by_one, [*before, *repeated * times]))
    assert all_delays(effect) == all_delays(expected)


@given(before=_updates, recorded=_updates)
def test_an_effect_is_what_the_body_does_to_any_clock(before: list[Update], recorded: list[Update]) -> None:
    applying, doing = Timeline({}), Timeline({})
    applied(applying, before)
    effect = applying.effect(lambda: applied(applying, recorded))
    applied(doing, before)
    assert values(applying) == values(doing)
    applying.apply(effect)
    applied(doing, recorded)
    assert values(applying) == values(doing)


@given(_updates, _updates, st.integers(1, 6), st.integers(1, 6))
def test_repeats_nest(inner: list[Update], outer: list[Update], few: int, many: int) -> None:
    nested, flat = Timeline({}), Timeline({})

    def body() -> None:
        applied(nested, outer)
        nested.repeat(lambda: applied(nested, inner), few)

    nested.repeat(body, many)
    applied(flat, [*outer, *inner * few] * many)
    assert values(nested) == values(flat)


def test_two_ports_in_turn() -> None:
    """Variable 0 goes on by 3 cycles, 1 by 2 after both: 3, 5; 6, 8; …; after n times 3 n and 3 n + 2."""
    timeline = Timeline({})

    def step() -> None:
        timeline.set(0, timeline.latest([(0, 3)]))
        timeline.set(1, timeline.latest([(0, 2), (1, 2)]))

    timeline.repeat(step, 10**15)
    assert (timeline.value(0), timeline.value(1)) == (3 * 10**15, 3 * 10**15 + 2)


def test_the_slow_one_overtakes_late() -> None:
    """Variable 0 begins 1000 ahead and goes on by 1, 1 by 3, 2 is the later of both: from time 501 on it is 1."""
    timeline = Timeline({0: after(0, 1000)})

    def step() -> None:
        timeline.set(0, timeline.latest([(0, 1)]))
        timeline.set(1, timeline.latest([(1, 3)]))
        timeline.set(2, timeline.latest([(0, 0), (1, 0)]))

    timeline.repeat(step, 10**6)
    assert [timeline.value(variable) for variable in (0, 1, 2)] == [1000 + 10**6, 3 * 10**6, 3 * 10**6]


@pytest.mark.parametrize("period", range(1, 8))
def test_variables_that_go_round(period: int) -> None:
    """Each takes over from the one before, the first adds 5 to the last: 5 more for all of them every ``period``."""
    timeline = Timeline({})

    def step() -> None:
        last = timeline.latest([(period - 1, 5)])
        for variable in range(period - 1, 0, -1):
            timeline.copy(variable - 1, variable)
        timeline.set(0, last)

    times = 10**6 * period + period // 2
    timeline.repeat(step, times)
    found = [timeline.value(variable) for variable in range(period)]
    assert found == [5 * 10**6 + 5 * (variable < period // 2) for variable in range(period)]


def test_numbers_beyond_64_bits_are_exact() -> None:
    timeline = Timeline({})
    timeline.repeat(lambda: timeline.set(0, timeline.latest([(0, 10**9 + 7)])), 10**20)
    assert timeline.value(0) == 10**20 * (10**9 + 7)


def test_a_body_is_called_a_few_times() -> None:
    timeline, calls = Timeline({}), list[int]()
    timeline.repeat(lambda: calls.append(1), 10**6)
    assert len(calls) == 3
    assert timeline.value(0) == 0


def test_what_is_forgotten_makes_nobody_wait() -> None:
    timeline = Timeline({})
    timeline.set(1, timeline.latest([(1, 100)]))
    timeline.forget(1)
    timeline.set(0, timeline.latest([(0, 1), (1, 50)]))
    assert timeline.value(0) == 1


def test_what_is_left_is_no_part_of_an_effect() -> None:
    timeline = Timeline({})

    def body() -> None:
        timeline.set(1, timeline.latest([(0, 2)]))
        timeline.set(0, timeline.latest([(1, 1)]))
        timeline.leave(1)

    assert {variable: delays(row) for variable, row in timeline.effect(body).items()} == {0: {0: 3}}
