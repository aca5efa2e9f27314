"""One layer under one dataflow on many machines at once: the analytical model with arrays for numbers.

What a dataflow moves does not depend on how fast it is moved: the schedule is worked out once, and only the clock is
turned, for all machines together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytical.assumptions import REFINED, Assumptions
from analytical.durations import Durations, occupation
from analytical.model import Analysis
from analytical.ports import Ports
from analytical.timeline import Cycles
from analytical.timelines import latest
from analytical.work import Work
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.levels import Mapping as Mapped

Integers = NDArray[np.int64]

#: machines that are looked at together: their numbers fit a core's own cache
TOGETHER = 1 << 14

#: numbers of machines for which it does not pay to find out whether their numbers are small
FEW = 1 << 8

#: numbers of machines that are looked at one by one in less time than together
SINGLE = 6

#: keys that say how many buffers there are: machines that differ in them have clocks with other variables
BUFFERS = ("buffering", "filter_buffering", "output_buffering")

#: keys of no port
COUNTS = ("lanes", *BUFFERS)

#: numbers of cycles and elements below which half the width will do
NARROW = 1 << 30

#: keys of ports; the group is the level
SWEPT_PORT = re.compile(
    r"levels\.(0|[1-9][0-9]?)\.(?:distribution\.(?:bandwidth|filter_bandwidth|latency)|collection\.(?:bandwidth|latency))"
)


@dataclass(frozen=True)
class Sweep:
    """What an analysis says of every machine, an entry per machine, in the order in which they were given."""

    cycles: Integers
    compute_end: Integers
    l1_bytes: Integers
    l2_bytes: Integers


def sweep(
    mapping: Mapped | Analysis,
    machine: Machine,
    values: Mapping[str, ArrayLike],
    assumptions: Assumptions = REFINED,
) -> Sweep:
    """Analyse a layer on machines that are like ``machine`` but for ``values``: arrays by key, one entry per machine.

    Whoever sweeps a mapping several times gives an `Analysis` of it, which keeps what it has worked out.

    Keys are ``lanes``, those of `BUFFERS`, and levels.N.distribution.bandwidth, .filter_bandwidth and .latency, and
    levels.N.collection.bandwidth and .latency of levels that the machine states. Every number is that of
    `analyze_mapping` on that machine. Raises `InputError` for other keys, values below 1 (latencies below 0), and
    arrays of different lengths.
    """
    arrays = _checked(machine, values)
    number = len(next(iter(arrays.values())))
    analysis = mapping if isinstance(mapping, Analysis) else Analysis(mapping)
    found = Sweep(*(np.empty(number, np.int64) for _ in range(4)))
    for chosen, like in _alike(machine, arrays, number):
        buffers = analysis.counts(like, assumptions).buffers
        found.l1_bytes[chosen], found.l2_bytes[chosen] = buffers.l1_bytes, buffers.l2_bytes
        ports = {key: array[chosen] for key, array in arrays.items() if key not in BUFFERS}
        amounts = _amounts(analysis, like, assumptions)
        distinct, which = _distinct(ports, amounts, len(found.cycles[chosen]))
        largest = max(max(each) for each in amounts.values())
        cycles, compute_end = _times(analysis, like, assumptions, distinct, largest)
        found.cycles[chosen], found.compute_end[chosen] = cycles[which], compute_end[which]
    return found


def _times(
    analysis: Analysis, machine: Machine, assumptions: Assumptions, values: dict[str, Integers], largest: int
) -> tuple[Integers, Integers]:
    """Return the cycles and when computing ends on machines that differ in ports and lanes.

    ``largest`` is the largest number of elements or MACs of a step. No machine takes longer than the one with the
    least of everything.
    """
    if not values:
        metrics = analysis.metrics(machine, assumptions)
        return np.array([metrics.cycles]), np.array([metrics.compute_end])
    cycles, compute_end = (np.empty(len(next(iter(values.values()))), np.int64) for _ in range(2))
    bound = analysis.bound(machine, assumptions)
    if len(cycles) <= SINGLE:
        for number in range(len(cycles)):
            durations = _Durations(machine, {key: int(array[number]) for key, array in values.items()})
            cycles[number], compute_end[number] = analysis.time(machine, assumptions, durations)
        return np.maximum(cycles, bound), compute_end
    if len(cycles) <= FEW:
        cycles[:], compute_end[:] = analysis.times(machine, assumptions, _Durations(machine, values))
        return np.maximum(cycles, bound), compute_end
    slowest = {k: (np.max if k.endswith("latency") else np.min)(v, keepdims=True) for k, v in values.items()}
    longest, _ = analysis.times(machine, assumptions, _Durations(machine, slowest))
    if max(int(np.max(longest)), largest) < NARROW:
        values = {key: np.minimum(array, NARROW).astype(np.int32) for key, array in values.items()}
    for begin in range(0, len(cycles), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        durations = _Durations(machine, {key: array[part] for key, array in values.items()})
        cycles[part], compute_end[part] = analysis.times(machine, assumptions, durations)
    return np.maximum(cycles, bound), compute_end


def _distinct(
    arrays: dict[str, Integers], amounts: dict[str, list[int]], number: int
) -> tuple[dict[str, Integers], Integers]:
    """Return machines on which some step takes another time than on the others, and which of them each one is.

    A port wider than all that ever crosses it is as good as one that is just as wide, and so on: most values of a
    range come to few different durations.
    """
    representatives, classes, rooms = {}, [], 1
    for key, array in arrays.items():
        kept, which = _unique(array)
        if not key.endswith("latency"):
            durations = -(-np.array(amounts.get(key, [0])) // kept[:, np.newaxis])
            _, first, alike = np.unique(durations, axis=0, return_index=True, return_inverse=True)
            kept, which = kept[first], alike.ravel()[which]
        representatives[key] = kept
        classes.append(which)
        rooms *= len(kept)
    if rooms >= 1 << 62 or not arrays:
        return arrays, np.arange(number) if arrays else np.zeros(number, np.int64)
    code = np.zeros(number, np.int64)
    for kept, which in zip(representatives.values(), classes, strict=True):
        code = code * len(kept) + which
    codes, which = _unique(code)
    found = {}
    for key, kept in reversed(representatives.items()):
        codes, place = np.divmod(codes, len(kept))
        found[key] = kept[place]
    return found, which


def _unique(array: Integers) -> tuple[Integers, Integers]:
    """Return the different numbers of an array, in order, and which of them each entry is.

    By a table where the numbers are small, which is several times as fast as by sorting.
    """
    most = int(array.max(initial=0))
    if most > max(1 << 12, 4 * len(array)):
        kept, which = np.unique(array, return_inverse=True)
        return kept, which
    present = np.zeros(most + 1, bool)
    present[array] = True
    kept = np.flatnonzero(present)
    place = np.empty(most + 1, np.int64)
    place[kept] = np.arange(len(kept))
    return kept, place[array]


def _amounts(analysis: Analysis, machine: Machine, assumptions: Assumptions) -> dict[str, list[int]]:
    """Return by key what steps have to do with it: the different numbers of elements, or of MACs."""
    ports = Ports(machine)
    found: dict[str, set[int]] = defaultdict(set)
    for level, work in analysis.works(assumptions):
        port = f"levels.{min(level, len(machine.levels) - 1)}"
        inputs, filters = ports.sent(work.input), ports.sent(work.filter)
        found["lanes"].add(work.size.macs)
        found[f"{port}.distribution.bandwidth"] |= {inputs, inputs + filters}
        found[f"{port}.distribution.filter_bandwidth"].add(filters)
        found[f"{port}.collection.bandwidth"].add(ports.collected(level, work))
    return {key: sorted(amounts) for key, amounts in found.items()}


def _checked(machine: Machine, values: Mapping[str, ArrayLike]) -> dict[str, Integers]:
    """Return the values as arrays; raises `InputError` where they are none of any machine."""
    if not values:
        raise InputError("nothing is swept; give arrays of values", "values")
    arrays: dict[str, Integers] = {}
    for key, given in values.items():
        match = SWEPT_PORT.fullmatch(key)
        known = key in COUNTS or (match is not None and int(match[1]) < len(machine.levels))
        if not known:
            raise InputError(
                f"cannot be swept; lanes, {', '.join(BUFFERS)}, bandwidths and latencies of levels can", key
            )
        array = np.asarray(given)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise InputError("whole numbers in one row are needed", key)
        least = 0 if key.endswith("latency") else 1
        if array.size and array.min() < least:
            raise InputError(f"{array.min()} is below {least}", key)
        arrays[key] = array.astype(np.int64)
    lengths = {key: len(array) for key, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"the arrays have different lengths: {lengths}", "values")
    return arrays


def _alike(machine: Machine, arrays: dict[str, Integers], number: int) -> Iterator[tuple[Any, Machine]]:
    """Yield the machines that have as many buffers as each other: which they are, and one that has so many, too."""
    swept = [key for key in BUFFERS if key in arrays]
    if not swept:
        yield slice(None), machine
        return
    rows = np.stack([arrays[key] for key in swept], axis=1)
    for row in np.unique(rows, axis=0):
        update = dict(zip(swept, map(int, row), strict=True))
        yield np.flatnonzero((rows == row).all(axis=1)), machine.model_copy(update=update)


class _Durations(Durations):
    """Durations on machines that differ from one in ports and lanes: arrays where it has numbers."""

    def __init__(self, machine: Machine, values: Mapping[str, Cycles]) -> None:
        super().__init__(machine)
        self._lanes: Cycles = values.get("lanes", machine.lanes)
        self._values = values
        #: what was worked out, for many steps of different work are equally large
        self._known: dict[tuple[object, ...], Cycles] = {}

    def transfer(self, level: int, work: Work) -> Cycles:
        """Return for how many cycles a step occupies the distribution port."""
        inputs, filters = self._ports.sent(work.input), self._ports.sent(work.filter)
        narrow = self._of(level, "distribution.filter_bandwidth")
        key = ("transfer", level, inputs + filters) if narrow is None else ("transfer", level, inputs, filters)
        if key not in self._known:
            width = self._of(level, "distribution.bandwidth")
            if narrow is None:
                self._known[key] = occupation(inputs + filters, width)
            else:
                self._known[key] = latest([occupation(inputs, width), occupation(filters, narrow)])
        return self._known[key]

    def arrival(self, level: int, work: Work) -> Cycles:
        """Return how long after a transfer its data are there."""
        return self._of(level, "distribution.latency") if self._ports.distributed(work) else 0

    def compute(self, work: Work) -> Cycles:
        """Return for how many cycles the PEs of a step compute."""
        key = ("compute", work.size.macs)
        if key not in self._known:
            self._known[key] = -(-work.size.macs // self._lanes)
        return self._known[key]

    def drain(self, level: int, work: Work) -> Cycles:
        """Return for how many cycles outputs occupy the collection port."""
        key = ("drain", level, self._ports.collected(level, work))
        if key not in self._known:
            self._known[key] = occupation(key[2], self._of(level, "collection.bandwidth"))
        return self._known[key]

    def upstream(self, level: int) -> Cycles:
        """Return how long after a drain its outputs are in the buffer above."""
        return self._of(level, "collection.latency")

    def _of(self, level: int, name: str) -> Cycles:
        """Return a number of a level's port; levels beyond those stated are like the last one."""
        stated = min(level, len(self._machine.levels) - 1)
        found = self._values.get(f"levels.{stated}.{name}")
        if found is not None:
            return found
        port, _, key = name.partition(".")
        return getattr(getattr(self._machine.network(level), port), key)
