"""Max-plus matrices, against the updates that they stand for, done one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytical.timeline import Timeline, TooLongError

VARIABLES = 5
Update = Callable[[Timeline], None]

_variable = st.integers(0, VARIABLES - 1)
_terms = st.lists(st.tuples(_variable, st.integers(-3, 40)), min_size=1, max_size=4)


def latest(target: int, terms: list[tuple[int, int]]) -> Update:
    """Set a variable to the maximum of variables plus delays."""
    return lambda timeline: timeline.set(target, timeline.latest(*terms))


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


def values(timeline: Timeline) -> list[int]:
    return [timeline.value(variable) for variable in range(VARIABLES)]


@pytest.mark.parametrize("wide", [False, True], ids=["64 bits", "any number of bits"])
@given(before=_updates, repeated=_updates, after=_updates, times=st.integers(1, 40))
def test_a_power_is_repeated_application(
    wide: bool, before: list[Update], repeated: list[Update], after: list[Update], times: int
) -> None:
    at_once, one_by_one = Timeline(VARIABLES, wide=wide), Timeline(VARIABLES, wide=wide)
    applied(at_once, before)
    at_once.repeat(times, lambda: applied(at_once, repeated))
    applied(at_once, after)
    applied(one_by_one, [*before, *repeated * times, *after])
    reachable = [value > -(1 << 50) for value in values(one_by_one)]
    assert [value > -(1 << 50) for value in values(at_once)] == reachable
    assert [v for v, r in zip(values(at_once), reachable, strict=True) if r] == [
        v for v, r in zip(values(one_by_one), reachable, strict=True) if r
    ]


@given(_updates, _updates, st.integers(1, 6), st.integers(1, 6))
def test_repeats_nest(inner: list[Update], outer: list[Update], few: int, many: int) -> None:
    nested, flat = Timeline(VARIABLES), Timeline(VARIABLES)

    def body() -> None:
        applied(nested, outer)
        nested.repeat(few, lambda: applied(nested, inner))

    nested.repeat(many, body)
    applied(flat, [*outer, *inner * few] * many)
    assert [max(value, -1) for value in values(nested)] == [max(value, -1) for value in values(flat)]


def test_two_ports_in_turn() -> None:
    """Variable 0 goes on by 3 cycles, 1 by 2 after both: 3, 5; 6, 8; …; after n times 3 n and 3 n + 2."""
    timeline = Timeline(2)

    def step() -> None:
        timeline.set(0, timeline.latest((0, 3)))
        timeline.set(1, timeline.latest((0, 2), (1, 2)))

    timeline.repeat(10**15, step)
    assert (timeline.value(0), timeline.value(1)) == (3 * 10**15, 3 * 10**15 + 2)


def test_numbers_beyond_64_bits_are_exact() -> None:
    timeline = Timeline(1, wide=True)
    timeline.repeat(10**20, lambda: timeline.set(0, timeline.latest((0, 10**9 + 7))))
    assert timeline.value(0) == 10**20 * (10**9 + 7)


@pytest.mark.parametrize(("times", "delay"), [(1, (1 << 48) + 1), ((1 << 60) // 7 + 1, 7)])
def test_numbers_that_64_bits_might_not_hold_are_refused(times: int, delay: int) -> None:
    timeline = Timeline(1)
    with pytest.raises(TooLongError):
        timeline.repeat(times, lambda: timeline.set(0, timeline.latest((0, delay))))


def test_the_longest_time_of_64_bits_is_exact() -> None:
    timeline = Timeline(1)
    timeline.repeat((1 << 60) // 7, lambda: timeline.set(0, timeline.latest((0, 7))))
    assert timeline.value(0) == (1 << 60) // 7 * 7


def test_a_body_is_called_once() -> None:
    timeline, calls = Timeline(1), list[int]()
    timeline.repeat(10**6, lambda: calls.append(1))
    assert calls == [1]
    assert timeline.value(0) == 0


def test_what_is_forgotten_makes_nobody_wait() -> None:
    timeline = Timeline(2)
    timeline.set(1, timeline.latest((1, 100)))
    timeline.forget(1)
    timeline.set(0, timeline.latest((0, 1), (1, 50)))
    assert timeline.value(0) == 1
