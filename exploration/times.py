"""Cycles of candidates on many machines, kept for neighbours in a space: often these ask for the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from analytical import Analysis, sweep
from dataflow.hardware import Machine
from exploration.areas import Integers
from exploration.candidates import Candidate, without_pes
from exploration.space import Space

#: arrays of cycles that are kept
_KEPT = 128


class Times:
    """Works cycles out, and keeps the last ones."""

    def __init__(self, space: Space) -> None:
        self._assumptions = space.assumptions
        self._kept: OrderedDict[object, Integers] = OrderedDict()

    def on(self, machine: Machine, values: Mapping[str, Integers]) -> Rows:
        """Return how to ask for cycles on machines like ``machine``, with arrays of ``values`` by key."""
        digest = blake2b(b"".join(array.tobytes() for array in values.values())).digest()
        return Rows(self, machine, (without_pes(machine), digest), values)

    def sweep(self, analysis: Analysis, machine: Machine, alike: object, values: Mapping[str, Integers]) -> Integers:
        """Return the cycles, those kept if ``alike`` says that they were asked for before."""
        key = analysis, alike
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = sweep(analysis, machine, values, self._assumptions).cycles
        self._kept[key] = found
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


@dataclass(frozen=True)
class Rows:
    """Machines, and what makes them what they are for those that keep their cycles."""

    times: Times
    machine: Machine
    alike: object
    values: Mapping[str, Integers]

    def cycles(self, candidate: Candidate) -> Integers:
        """Return the cycles of a candidate, an entry per machine."""
        return self.times.sweep(candidate.analysis, self.machine, self.alike, self.values)

    def slowest(self, candidate: Candidate) -> int:
        """Return cycles that none of the machines exceeds: those with the slowest of everything."""
        values = {
            key: (np.max if key.endswith("latency") else np.min)(array, keepdims=True)
            for key, array in self.values.items()
        }
        return int(self.times.sweep(candidate.analysis, self.machine, (self.alike, "slowest"), values)[0])
