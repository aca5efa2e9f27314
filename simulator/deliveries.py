"""What goes from a cluster to its units: steps whose data are sent, and orders to work on a region."""

from __future__ import annotations

from simulator.channels import Clock, Gate
from simulator.nest import Odometer, Region
from simulator.network import Sent
from simulator.sequence import Planned


class Enclosure:
    """A step as the clusters below see it: when they may compute, when all are done.

    ``opened`` is the barrier: the previous steps of all enclosing clusters are over. ``working`` counts the units that
    have not finished; ``finished`` opens with the last of them, since when that is over.
    """

    __slots__ = ("finished", "opened", "working")

    def __init__(self, clock: Clock, working: int) -> None:
        self.opened = Gate(clock)
        self.finished = Gate(clock)
        self.working = working

    def unit_finished(self, unit: int, cycle: int, upstream: int) -> None:
        """Note that a unit was done with the step at ``cycle``; all it drained so far will be here at ``upstream``."""
        self.working -= 1
        if not self.working:
            self.finished.open(cycle)


class Order:
    """What a cluster is to do under a step of its parent: its region then, and in the parent's next step.

    ``arrival`` is the cycle at which the step's data are with the cluster.
    """

    __slots__ = ("arrival", "following", "odometer", "region", "within")

    def __init__(
        self,
        region: Region,
        following: Region | None,
        within: Enclosure,
        arrival: int = 0,
        odometer: Odometer | None = None,
    ) -> None:
        self.region = region
        self.following = following
        self.within = within
        self.arrival = arrival
        self.odometer = odometer


class Delivery(Enclosure):
    """A step of a cluster whose data are sent, on its way to be computed."""

    __slots__ = ("planned", "sent", "within")

    def __init__(self, clock: Clock, planned: Planned, within: Enclosure, sent: Sent) -> None:
        super().__init__(clock, len(planned.activity.active))
        self.planned = planned
        self.within = within
        self.sent = sent

    def order(self, unit: int) -> Order:
        """Return what the step means for one of the clusters below."""
        region = self.planned.step.region(unit)
        assert region is not None, "orders go to active units"
        upcoming = self.planned.upcoming
        following = None if upcoming is None else upcoming.region(unit)
        return Order(region, following, self, self.sent.at(unit))
