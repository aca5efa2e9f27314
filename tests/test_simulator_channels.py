"""Channels, credits and gates: who waits, for how long, and what can be seen meanwhile."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy import Event

from simulator.channels import Channel, Clock, Credits, Gate

Process = Generator[Event, Any, None]


def test_channel_hands_items_over_in_order_and_never_fills_up() -> None:
    """Items come at cycles 0, 0 and 5; the taker asks at 0, then again after 2 cycles with each."""
    clock = Clock()
    channel: Channel[str] = Channel(clock)
    taken = []

    def put() -> Process:
        channel.put("a")
        channel.put("b")
        yield clock.timeout(5)
        channel.put("c")

    def take() -> Process:
        for _ in range(3):
            item = yield from channel.take()
            taken.append((clock.now, item))
            yield clock.timeout(2)

    clock.process(take())
    clock.process(put())
    clock.run()
    assert taken == [(0, "a"), (2, "b"), (5, "c")]


def test_items_on_their_way_are_seen_in_the_channel() -> None:
    """Between the event that wakes the taker and its taking, the item is in the queue and nowhere else."""
    clock = Clock()
    channel: Channel[str] = Channel(clock)

    def take() -> Process:
        item = yield from channel.take()
        assert item == "a"

    clock.process(take())
    clock.step()
    channel.put("a")
    assert list(channel.items) == ["a"]
    clock.run()
    assert list(channel.items) == []


def test_credits_let_as_many_through_as_there_are() -> None:
    """Two credits, given back at cycles 3 and 7: the takers pass at 0, 0, 3 and 7."""
    clock = Clock()
    buffers = Credits(clock, 2)
    passed = []

    def take() -> Process:
        for _ in range(4):
            yield from buffers.take()
            passed.append((clock.now, buffers.free))

    def give() -> Process:
        for delay in (3, 4):
            yield clock.timeout(delay)
            buffers.give()
            assert buffers.free == 1

    clock.process(take())
    clock.process(give())
    clock.run()
    assert passed == [(0, 1), (0, 0), (3, 0), (7, 0)]


def test_gate_opens_for_those_who_wait_and_those_who_come_later() -> None:
    """Opened at cycle 4 for a reason that holds since cycle 1; everybody learns since when."""
    clock = Clock()
    gate = Gate(clock)
    passed = []

    def pass_at(cycle: int) -> Process:
        yield clock.timeout(cycle)
        since = yield from gate.passed()
        passed.append((clock.now, since))

    def keeper() -> Process:
        yield clock.timeout(4)
        assert gate.opened_at is None
        gate.open(since=1)

    for cycle in (0, 2, 6):
        clock.process(pass_at(cycle))
    clock.process(keeper())
    clock.run()
    assert passed == [(4, 1), (4, 1), (6, 1)]
    assert gate.opened_at == 1


def test_the_time_is_an_integer() -> None:
    clock = Clock()
    clock.timeout(3)
    clock.run()
    assert (clock.now, type(clock.now)) == (3, int)
