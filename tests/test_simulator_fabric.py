"""Links in a row: in which cycle every element crosses each of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from simulator.fabric import Fabric, Link, Run, Wiring, passed
from validation.reference_fabric import Hop, Links


@pytest.mark.parametrize(
    ("coming", "width", "taken", "leaving", "then"),
    [
        # as many come as leave, or fewer: they leave as they come
        ([Run(2, 3, 2)], 2, 0, [Run(2, 3, 2)], 10),
        ([Run(2, 3, 2)], 3, 0, [Run(2, 3, 2)], 4 * 3 + 2),
        # seven at once over three a cycle: cycles 0, 1, and one in 2
        ([Run(0, 1, 7)], 3, 0, [Run(0, 2, 3), Run(2, 1, 1)], 7),
        # four places of cycles 0 and 1 are gone: two more in 1, three in 2, the last two in 3
        ([Run(0, 1, 7)], 3, 4, [Run(1, 1, 2), Run(2, 1, 3), Run(3, 1, 2)], 11),
        # one comes a cycle, the first two cycles are gone: two in cycle 2, two in 3, and then as they come
        ([Run(0, 6, 1)], 2, 4, [Run(2, 2, 2), Run(4, 2, 1)], 5 * 2 + 1),
        # two runs that leave in a row are one
        ([Run(0, 1, 3), Run(1, 1, 1)], 2, 0, [Run(0, 2, 2)], 4),
        # nothing comes in cycle 1: its place is left
        ([Run(0, 1, 1), Run(2, 1, 3)], 2, 0, [Run(0, 1, 1), Run(2, 1, 2), Run(3, 1, 1)], 7),
    ],
)
def test_every_element_takes_the_first_free_place(
    coming: list[Run], width: int, taken: int, leaving: list[Run], then: int
) -> None:
    assert passed(coming, width, taken) == (leaving, then)


def test_a_wide_link_behind_a_narrow_one_fills_up_no_cycle() -> None:
    """Four elements leave a link of two in cycles 0 and 1, and cross one of three in these: a place is free in each.

    The next two elements, sent at 2, cross both links in cycle 2, with nothing in the way.
    """
    fabric = Fabric(Wiring((Link("in", 2, 1), Link("out", 3, 1, upstream=0)), (1,)), {})
    assert fabric.send(0, "first", lambda: [(1, 4)]) == (2, {0: 2}, (4, 5))
    assert fabric.state(1) == (2, 2)
    assert fabric.send(2, "second", lambda: [(1, 2)]).arrivals == {0: 1}


def test_no_cycle_takes_more_than_a_link_is_wide() -> None:
    """Four a cycle enter: three for unit 1 and one for unit 0, then its other two, and one of the next stream.

    The port of unit 0 takes two a cycle: one in cycle 0, two in 1, so that the last one is there at 3.
    """
    links = (Link("in", 4, 0b11), Link("to 0", 2, 0b01, upstream=0), Link("to 1", 4, 0b10, upstream=0))
    fabric = Fabric(Wiring(links, (1, 2)), {})
    assert fabric.send(0, "step", lambda: [(0b10, 3), (0b01, 3), (0b01, 1)]) == (2, {0: 3, 1: 1}, (7, 5, 3))


def test_a_unit_behind_a_missing_link_gets_nothing() -> None:
    fabric = Fabric(Wiring((Link("in", 2, 0b01), Link("out", 3, 0b11, upstream=0)), (0, 1)), {})
    assert fabric.send(0, "step", lambda: [(0b11, 4), (0b10, 1)]).arrivals == {0: 2}


@st.composite
def wirings(draw: DrawFn) -> Wiring:
    """Draw links that branch as they like, to 1 to 5 units, any of them as wide or as slow as it likes."""
    links = draw(st.integers(1, 7))
    before = [None, *(draw(st.integers(0, link - 1)) for link in range(1, links))]
    exits = draw(st.lists(st.integers(0, links - 1), min_size=1, max_size=5))
    reach = [0] * links
    for unit, way in enumerate(exits):
        at: int | None = way
        while at is not None:
            reach[at] |= 1 << unit
            at = before[at]
    widths, hops = st.none() | st.integers(1, 4), st.integers(0, 2)
    return Wiring(
        tuple(Link(str(n), draw(widths), reach[n], before[n], draw(hops) if n else 0) for n in range(links)),
        tuple(exits),
    )


def way(wiring: Wiring, unit: int) -> tuple[Hop, ...]:
    number: int | None = wiring.exits[unit]
    found: list[Hop] = []
    while number is not None:
        link = wiring.links[number]
        found.insert(0, Hop(link.name, link.width, link.hop))
        number = link.upstream
    return tuple(found)


@settings(max_examples=500)
@given(wirings(), st.data())
def test_runs_are_what_single_elements_do(wiring: Wiring, data: st.DataObject) -> None:
    """Some transfers, each when the port is free or later: all arrivals are those of elements sent one by one."""
    units = len(wiring.exits)
    streams = st.lists(st.tuples(st.integers(1, (1 << units) - 1), st.integers(1, 12)), min_size=1, max_size=4)
    fabric, links, free = Fabric(wiring, {}), Links([way(wiring, unit) for unit in range(units)]), 0
    for number in range(data.draw(st.integers(1, 4))):
        start, sent = free + data.draw(st.integers(0, 3)), data.draw(streams)
        elements = [
            frozenset(unit for unit in range(units) if receivers >> unit & 1) for receivers, n in sent for _ in range(n)
        ]
        free, arrivals = links.send(start, elements)
        crossing = fabric.send(start, number, lambda sent=sent: sent)
        assert (start + crossing.free, {u: start + a for u, a in crossing.arrivals.items()}) == (free, arrivals)
