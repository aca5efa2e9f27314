"""Distribution networks element by element: each takes the first free place on one link after the other.

Routes are written out per topology, unit by unit, and nothing is worked out twice as fast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from dataflow.hardware import Distribution

#: The units that an element goes to.
Receivers = frozenset[int]


class Hop(NamedTuple):
    """A link on the way to a unit: elements a cycle (None is any number), and cycles from the link before it."""

    link: str
    width: int | None
    cycles: int = 0


Route = tuple[Hop, ...]


def crossbar(unit: int, _: int, port: Distribution, width: int | None) -> Route:
    """Return the way through a crossbar: in, and out at the unit's own port."""
    return (Hop("in", width), Hop(f"to {unit}", port.port_width))


def systolic(unit: int, _: int, port: Distribution, width: int | None) -> Route:
    """Return the way along a chain: past every unit before this one."""
    return tuple(Hop(f"to {passed}", width, port.hop if passed else 0) for passed in range(unit + 1))


def tree(unit: int, units: int, port: Distribution, width: int | None) -> Route:
    """Return the way from the root to the leaf: the numbers of its branches are the digits of the unit's number."""
    digits: list[int] = []
    while port.fanout ** len(digits) < units:
        digits.insert(0, unit // port.fanout ** len(digits) % port.fanout)
    widths = port.link_widths or (width,)
    links, branch = [], 0
    for depth, digit in enumerate(digits, start=1):
        branch = branch * port.fanout + digit
        links.append(Hop(f"{depth}.{branch}", widths[min(depth, len(widths)) - 1], port.hop))
    return (Hop("root", width), *links)


def mesh(unit: int, units: int, port: Distribution, width: int | None) -> Route:
    """Return the way along the top row to the unit's column, and down the column."""
    columns = port.columns or next(side for side in range(1, units + 1) if side * side >= units)
    column = unit % columns
    passed = [*range(column), *range(column, unit + 1, columns)]
    between = width if port.link_widths is None else port.link_widths[0]
    return (Hop("in", width), *(Hop(f"{here} to {there}", between, port.hop) for here, there in pairwise(passed)))


ROUTES: Mapping[str, Callable[[int, int, Distribution, int | None], Route]] = {
    "crossbar": crossbar,
    "systolic": systolic,
    "tree": tree,
    "mesh": mesh,
}


@dataclass
class _Place:
    """The latest place on a link that an element has taken: its cycle, and how many have taken one in that cycle."""

    cycle: int = 0
    elements: int = 0


class Links:
    """The links of one network at work."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._places: dict[str, _Place] = {}
        #: by link, the elements that have crossed it
        self.loads = Counter(dict.fromkeys((hop.link for route in routes for hop in route), 0))

    def send(self, start: int, elements: Iterable[Receivers]) -> tuple[int, dict[int, int]]:
        """Send elements in order, from ``start`` on; return when the port is free, and by unit when all are there."""
        free, arrivals = start, dict[int, int]()
        for receivers in elements:
            cycles: dict[str, int] = {}
            for unit in sorted(receivers):
                cycle, timed = start, 0
                for hop in self._routes[unit]:
                    if hop.link not in cycles:
                        cycles[hop.link] = self._cross(hop, cycle + hop.cycles)
                    cycle = cycles[hop.link]
                    timed = max(timed, hop.width is not None)
                arrivals[unit] = max(arrivals.get(unit, 0), cycle + timed)
            port = self._routes[min(receivers)][0]
            free = max(free, cycles[port.link] + (port.width is not None))
        return free, arrivals

    def _cross(self, hop: Hop, cycle: int) -> int:
        """Let an element that comes in ``cycle`` cross a link; return when it does."""
        self.loads[hop.link] += 1
        if hop.width is None:
            return cycle
        latest = self._places.setdefault(hop.link, _Place())
        if cycle > latest.cycle:
            latest.cycle, latest.elements = cycle, 0
        if latest.elements == hop.width:
            latest.cycle, latest.elements = latest.cycle + 1, 0
        latest.elements += 1
        return latest.cycle


class Network:
    """What distributes to the units of one cluster, filters over links of their own if they have them."""

    def __init__(self, units: int, port: Distribution, *, multicast: bool) -> None:
        self._port = port
        self._multicast = multicast
        self._apart = port.filter_bandwidth is not None
        route = ROUTES[port.topology]
        widths = (port.bandwidth, port.filter_bandwidth) if self._apart else (port.bandwidth,)
        self.links = [Links([route(unit, units, port, width) for unit in range(units)]) for width in widths]

    def send(self, start: int, shared: Mapping[str, Counter[Receivers]]) -> tuple[int, dict[int, int]]:
        """Send what each set of units receives, by tensor, and the partial sums that return to each.

        Returns when the port is free, and by unit the arrivals.
        """
        inputs, filters, sums = (self._elements(shared[kind]) for kind in ("input", "filter", "sums"))
        far_first = self._port.topology == "systolic"
        if not self._apart:
            return self._late(self.links[0].send(start, _sorted(inputs + filters + sums, far_first=far_first)))
        free, arrivals = self.links[1].send(start, _sorted(filters, far_first=far_first))
        begin = free if far_first else start
        inputs_free, others = self.links[0].send(begin, _sorted(inputs + sums, far_first=far_first))
        for unit, cycle in others.items():
            arrivals[unit] = max(arrivals.get(unit, 0), cycle)
        return self._late((max(free, inputs_free), arrivals))

    def loads(self) -> dict[str, int]:
        """Return by link the elements that have crossed it."""
        labels = ("inputs ", "filters ") if self._apart else ("",)
        return {
            f"{label}{name}": elements
            for label, links in zip(labels, self.links, strict=True)
            for name, elements in links.loads.items()
        }

    def _late(self, sent: tuple[int, dict[int, int]]) -> tuple[int, dict[int, int]]:
        return sent[0], {unit: cycle + self._port.latency for unit, cycle in sent[1].items()}

    def _elements(self, shared: Counter[Receivers]) -> list[Receivers]:
        """Return the elements one by one, by their lowest unit and then as binary numbers; or their copies."""
        ordered = sorted(shared, key=lambda units: (min(units), sum(1 << unit for unit in units)))
        if self._multicast:
            return [units for units in ordered for _ in range(shared[units])]
        return [frozenset({unit}) for units in ordered for unit in sorted(units) for _ in range(shared[units])]


def _sorted(elements: list[Receivers], *, far_first: bool) -> list[Receivers]:
    return sorted(elements, key=lambda units: -max(units)) if far_first else elements
