"""How many elements cross the two ports of a cluster in a step (§4), and for how long, on a machine."""

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

    def transfer(self, level: int, work: Work) -> int:
        """Return for how many cycles a step occupies the distribution port, or the slower of the two."""
        port = self._machine.network(level).distribution
        if port.filter_bandwidth is None:
            return _occupation(self.distributed(work), port.bandwidth)
        inputs, filters = self.sent(work.input), self.sent(work.filter)
        return max(_occupation(inputs, port.bandwidth), _occupation(filters, port.filter_bandwidth))

    def drain(self, level: int, work: Work) -> int:
        """Return for how many cycles the outputs that leave after a step occupy the collection port."""
        return _occupation(self.collected(level, work), self._machine.network(level).collection.bandwidth)


def _occupation(elements: int, bandwidth: int | None) -> int:
    """Return for how many cycles elements occupy a port; wires take no time."""
    return 0 if bandwidth is None else -(-elements // bandwidth)
