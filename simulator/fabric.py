"""How elements cross a distribution network: links in a row, each passing on so many elements a cycle.

A topology (`simulator.topologies`) is a table of links. Elements with the same receivers in a step form a stream. It
goes over every link that leads to one of them, once, in the order in which streams are sent. A link takes an element
`hop` cycles after the link before it did, and passes elements on as they come: nothing waits for its whole stream.

Elements pass a link in runs, the same number in each of so many cycles in a row, and a link makes runs of runs. So the
work is in the number of runs, not of elements, and yet every element is in its very cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

#: Elements with the same receivers: the set of units (bit u = unit u), and how many there are.
Stream = tuple[int, int]


@dataclass(frozen=True)
class Link:
    """One link: ``width`` elements a cycle (None: a wire, on which any number takes no time), to the units ``reach``.

    ``upstream`` is the number of the link before it, None at the port; ``hop`` the cycles in between.
    """

    name: str
    width: int | None
    reach: int
    upstream: int | None = None
    hop: int = 0


@dataclass(frozen=True)
class Wiring:
    """A network: its links, every one after its upstream link, and by unit the last link that leads to it.

    ``far_first``: streams for far units are sent first, and filters with a network of their own before the inputs that
    run past them. ``whole``: units see nothing of a step before all of it is here.
    """

    links: tuple[Link, ...]
    exits: tuple[int, ...]
    far_first: bool = False
    whole: bool = False

    def order(self, streams: Sequence[Stream]) -> Sequence[Stream]:
        """Return the streams in the order in which they are sent."""
        return sorted(streams, key=lambda stream: -stream[0].bit_length()) if self.far_first else streams

    @cached_property
    def connected(self) -> int:
        """The set of units to whom links lead all the way from the port."""
        found = 0
        for unit, way in enumerate(self.exits):
            link = self.links[way]
            connected = link.reach >> unit & 1
            while connected and link.upstream is not None:
                link = self.links[link.upstream]
                connected = link.reach >> unit & 1
            found |= connected << unit
        return found

    def loads(self, streams: Iterable[Stream]) -> Iterator[tuple[str, int]]:
        """Yield every link by name with the elements that cross it."""
        found = list(streams)
        for link in self.links:
            yield link.name, sum(elements for receivers, elements in found if receivers & link.reach)


class Run(NamedTuple):
    """``each`` elements a cycle, in ``cycles`` cycles from ``begin`` on."""

    begin: int
    cycles: int
    each: int


class Crossing(NamedTuple):
    """A transfer, in cycles since its start: when the port is free again, and by receiver when its elements are there.

    ``taken`` is by link how many places for elements, so many a cycle, are gone since the start.
    """

    free: int
    arrivals: dict[int, int]
    taken: tuple[int, ...]


class Fabric:
    """The links of one cluster at work. Transfers that begin alike go alike, and are worked out once (``known``)."""

    def __init__(self, wiring: Wiring, known: dict[object, Crossing]) -> None:
        self.wiring = wiring
        self._known = known
        self._idle = (0,) * len(wiring.links)
        self._start = 0
        self._taken = self._idle

    def twin(self) -> Fabric:
        """Return links with the same on the way."""
        found = Fabric(self.wiring, self._known)
        found._start, found._taken = self._start, self._taken
        return found

    def send(self, now: int, name: object, streams: Callable[[], Sequence[Stream]]) -> Crossing:
        """Send the streams called ``name`` from cycle ``now`` on, at which the port is free."""
        state = self.state(now)
        found = self._known.get((name, state))
        if found is None:
            found = self._known[name, state] = self._crossing(state, self.wiring.order(streams()))
        self._start, self._taken = now, found.taken
        return found

    def state(self, now: int) -> tuple[int, ...]:
        """Return by link how many places for elements are gone from ``now`` on."""
        since = now - self._start
        if self._taken == self._idle:
            return self._idle
        links = zip(self._taken, self.wiring.links, strict=True)
        return tuple([max(0, taken - since * (link.width or 0)) for taken, link in links])

    def _crossing(self, state: tuple[int, ...], streams: Sequence[Stream]) -> Crossing:
        taken = list(state)
        arrivals: dict[int, int] = {}
        for receivers, elements in streams:
            for unit, arrival in self._cross(taken, receivers, elements):
                arrivals[unit] = max(arrival, arrivals.get(unit, 0))
        return Crossing(self._port_free(taken), arrivals, tuple(taken))

    def _cross(self, taken: list[int], receivers: int, elements: int) -> Iterator[tuple[int, int]]:
        """Let a stream cross all links to its receivers; yield these with the cycle in which the last element is here.

        An element that crosses a link in a cycle is behind it in the next; wires alone take no time.
        """
        crossed: dict[int, list[Run]] = {}
        timed: dict[int, bool] = {}
        for number, link in enumerate(self.wiring.links):
            before = link.upstream
            if not receivers & link.reach or (before is not None and before not in crossed):
                continue
            coming = [Run(0, 1, elements)]
            if before is not None:
                coming = [Run(run.begin + link.hop, run.cycles, run.each) for run in crossed[before]]
            timed[number] = link.width is not None or (before is not None and timed[before])
            crossed[number] = coming
            if link.width is not None:
                crossed[number], taken[number] = passed(coming, link.width, taken[number])
        receivers &= self.wiring.connected
        while receivers:
            unit = (receivers & -receivers).bit_length() - 1
            receivers &= receivers - 1
            way = self.wiring.exits[unit]
            last = crossed[way][-1]
            yield unit, last.begin + last.cycles - 1 + timed[way]

    def _port_free(self, taken: Sequence[int]) -> int:
        ports = zip(taken, self.wiring.links, strict=True)
        return max([0, *(-(-t // link.width) for t, link in ports if link.upstream is None and link.width is not None)])


def passed(coming: Iterable[Run], width: int, taken: int) -> tuple[list[Run], int]:
    """Return the runs in which elements leave a link of ``width``, and the places taken then, ``taken`` of them before.

    An element takes the first place that is not before the cycle in which it comes, and is behind all earlier ones.
    """
    spans: list[tuple[int, int, int]] = []  # places from one to another, so many a cycle
    for begin, cycles, each in coming:
        taken = max(taken, begin * width)
        crowded = cycles  # for as long as elements that came earlier are in the way
        if each < width:
            crowded = min(cycles, -(-(taken - begin * width) // (width - each)))
        if crowded:
            spans.append((taken, taken + crowded * each, width))
            taken += crowded * each
        if crowded < cycles:
            spans.append(((begin + crowded) * width, (begin + cycles) * width, each))
            taken = (begin + cycles - 1) * width + each
    return _runs(spans, width), taken


def _runs(spans: Iterable[tuple[int, int, int]], width: int) -> list[Run]:
    """Return as runs the places that elements take, ``width`` of them a cycle: all in a row, or ``each`` of a cycle."""
    joined: list[tuple[int, int, int]] = []
    for begin, end, each in spans:
        if joined and joined[-1][1:] == (begin, each):
            joined[-1] = (joined[-1][0], end, each)
        else:
            joined.append((begin, end, each))
    found: list[Run] = []
    for begin, end, each in joined:
        if each < width:
            found.append(Run(begin // width, (end - begin) // width, each))
            continue
        head = min(end, begin + -begin % width)
        body = (end - head) // width
        tail = end - head - body * width
        pieces = (Run(begin // width, 1, head - begin), Run(head // width, body, width), Run(end // width, 1, tail))
        found += [run for run in pieces if run.cycles and run.each]
    return found
