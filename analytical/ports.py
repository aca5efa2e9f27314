"""How many elements cross the two ports of a cluster in a step (§4), on a machine."""

from __future__ import annotations

from analytical.traffic import Amount
from analytical.work import Work
from dataflow.hardware import Machine


class Ports:
    """The ports of the clusters of a machine: an element that several units share crosses them once, or for each."""

    def __init__(self, machine: Machine) -> None:
        self._multicast = machine.multicast
        self._machine = machine

    def sent(self, amount: Amount) -> int:
        """Return how often elements are read upstream, which is how often they cross the distribution port."""
        return amount.distinct if self._multicast else amount.copies

    def distributed(self, work: Work) -> int:
        """Return the elements that cross the distribution port before a step."""
        return self.sent(work.input) + self.sent(work.filter)

    def collected(self, level: int, work: Work) -> int:
        """Return the elements that cross the collection port of a level's cluster after a step."""
        reduces = self._machine.network(level).collection.reduction != "none"
        return work.output.distinct if reduces else work.output.copies
