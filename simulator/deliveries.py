"""Steps as the clusters below see them, and as whoever watches a simulation gets to know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from simulator.activities import Planned
from simulator.network import Sent
from simulator.returns import Back
from simulator.tiles import Origin


class Enclosing(NamedTuple):
    """The step of its parent under which a cluster works, somewhere in the layer.

    The step's data are with the cluster at ``arrival``; all steps of
    the enclosing clusters before it are over at ``opened``. ``delivery`` is there if somebody watches.
    """

    origin: Origin
    arrival: int
    opened: int
    delivery: Delivery | None

    def at(self, sent: Sent, unit: int) -> Enclosing:
        """Return the step as a unit sees it that has its data when they are sent like this."""
        return self if sent.lags is None else self._replace(arrival=sent.at(unit))


class Delivery:
    """A step of a cluster whose data are sent; ``planned`` says where it lies in the layer.

    ``within`` is the enclosing step, None at the top. The data of that were in the cluster at ``enclosed``, and its
    units may compute from ``opened`` on. At the top, the step's own data were in the L2 at ``supplied``, and at
    ``asked`` only its port was in the way. The units began at ``started`` and had all ended at ``ended``; where there
    is no barrier, ``ends`` says by unit when. ``back`` are the partial sums that return with it, where they do.
    """

    __slots__ = (
        "asked",
        "back",
        "enclosed",
        "ended",
        "ends",
        "opened",
        "planned",
        "sent",
        "started",
        "supplied",
        "within",
    )

    def __init__(self, planned: Planned, sent: Sent, under: Enclosing, back: Back | None = None) -> None:
        self.planned = planned
        self.sent = sent
        self.back = back
        self.within = under.delivery
        self.enclosed = under.arrival
        self.opened = under.opened
        self.supplied = 0
        self.asked = sent.start
        self.started = 0
        self.ended = 0
        self.ends: dict[int, int] = {}

    def waits(self, since: int) -> Iterator[tuple[str, int, int]]:
        """Yield what the units waited for from cycle ``since`` until they began: causes in order, with their cycles.

        Between two steps a cluster waits for several things at once. It is the first of them that a cycle is put down
        to: data are asked for before the barrier, and the barrier before a free output tile.
        """
        for cause, until in (
            ("distribution", self.enclosed),
            ("dram", self.supplied),
            ("distribution", self.asked),
            ("l2_port", self.sent.start),
            ("distribution", self.sent.first),
            ("barrier", self.opened),
            ("slot", self.started),
        ):
            end = min(self.started, until)
            if end > since:
                yield cause, since, end
                since = end
