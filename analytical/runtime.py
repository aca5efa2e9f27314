"""The runtime of a region at a level: a sum over iteration cases, outermost level first (§7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from analytical.regions import LevelRegion, Region
from analytical.reuse import Steps, Traffic, steps_of
from dataflow.hardware import Machine
from dataflow.levels import Mapping


@dataclass(frozen=True)
class Analysis:
    """A mapping on a machine, and what is known so far about each level at work on each region shape."""

    mapping: Mapping
    machine: Machine
    _steps: dict[tuple[int, Region], Steps] = field(default_factory=dict)
    _runtimes: dict[tuple[int, Region], int] = field(default_factory=dict)

    def steps(self, level: int, region: Region) -> Steps:
        """Return the steps of a cluster of ``level`` inside one parent region."""
        key = (level, region)
        if key not in self._steps:
            self._steps[key] = steps_of(LevelRegion(self.mapping.layer, self.mapping.levels[level], region))
        return self._steps[key]

    def runtime(self, level: int, region: Region) -> int:
        """Return the cycles that a cluster of ``level`` (or a PE, below the last level) takes for a region."""
        key = (level, region)
        if key not in self._runtimes:
            innermost = level == len(self.mapping.levels)
            self._runtimes[key] = self._pe_runtime(region) if innermost else self._cluster_runtime(level, region)
        return self._runtimes[key]

    def last_drain(self, level: int, region: Region) -> int:
        """Return the cycles from the end of the last compute in a region until its outputs are upstream."""
        return self._drain(level, self.steps(level, region).last_drained)

    def distributed(self, traffic: Traffic) -> int:
        """Return the elements that cross the distribution port for what units receive."""
        return traffic.unique if self.machine.multicast else traffic.summed

    def collected(self, level: int, traffic: Traffic) -> int:
        """Return the elements that cross the collection port for what leaves the units."""
        reduces = self.machine.network(level).collection.reduction != "none"
        return traffic.unique if reduces else traffic.summed

    def _pe_runtime(self, region: Region) -> int:
        macs = prod(high - low for box in region for low, high in box)
        return -(-macs // self.machine.lanes)

    def _cluster_runtime(self, level: int, region: Region) -> int:
        cycles = 0
        steps = self.steps(level, region)
        for number, step in enumerate(steps.kinds):
            transfer = self._transfer(level, step.received)
            compute = self.runtime(level + 1, step.region)
            drain = self._drain(level, step.drained)
            cycles += step.occurrences * (transfer + compute if number == 0 else max(transfer, compute, drain))
        return cycles + self.last_drain(level, region)

    def _transfer(self, level: int, received: dict[str, Traffic]) -> int:
        port = self.machine.network(level).distribution
        return _port_time(sum(map(self.distributed, received.values())), port.bandwidth, port.latency)

    def _drain(self, level: int, drained: Traffic) -> int:
        port = self.machine.network(level).collection
        return _port_time(self.collected(level, drained), port.bandwidth, port.latency)


def _port_time(elements: int, bandwidth: int, latency: int) -> int:
    return -(-elements // bandwidth) + latency if elements else 0
