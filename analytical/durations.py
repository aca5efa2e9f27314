"""What takes time in a step on a machine (§5): transfers, latencies, computing and drains, in cycles."""

from __future__ import annotations

from analytical.ports import Ports
from analytical.timeline import Cycles
from analytical.work import Work
from dataflow.hardware import Machine


class Durations:
    """The durations of steps on a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._ports = Ports(machine)

    def transfer(self, level: int, work: Work) -> Cycles:
        """Return for how many cycles a step occupies the distribution port, or the slower of the two."""
        port = self._machine.network(level).distribution
        if port.filter_bandwidth is None:
            return occupation(self._ports.distributed(work), port.bandwidth)
        inputs, filters = self._ports.sent(work.input), self._ports.sent(work.filter)
        return max(occupation(inputs, port.bandwidth), occupation(filters, port.filter_bandwidth))

    def arrival(self, level: int, work: Work) -> Cycles:
        """Return how long after a transfer its data are there: at once where there are none."""
        return self._machine.network(level).distribution.latency if self._ports.distributed(work) else 0

    def compute(self, work: Work) -> Cycles:
        """Return for how many cycles the PEs of a step compute."""
        return -(-work.size.macs // self._machine.lanes)

    def drain(self, level: int, work: Work) -> Cycles:
        """Return for how many cycles the outputs that leave after a step occupy the collection port."""
        return occupation(self._ports.collected(level, work), self._machine.network(level).collection.bandwidth)

    def upstream(self, level: int) -> Cycles:
        """Return how long after a drain its outputs are in the buffer above."""
        return self._machine.network(level).collection.latency


def occupation(elements: int, bandwidth: Cycles | None) -> Cycles:
    """Return for how many cycles elements occupy a port; wires take no time."""
    return 0 if bandwidth is None else -(-elements // bandwidth)
