"""Skip what is proven to repeat.

The schedule is made of nested loops, and the machine falls into step with them: if at the ends of two iterations
of a loop of the top level everything that can influence the future is the same, relative to that moment and to the
place in the iteration space, then the next iterations do to the machine what those between the two did, and so do
all further ones that are cut alike. So the odometer jumps over them, the moments that the clusters have noted stay as
they are (they are what would be noted then), and time and counts are added in multiples.

The proof is the equality of the whole state. What a cluster's future depends on stands in its attributes and in
what its units hold: `simulator.states.state` reads exactly that. No data leave the L2 before the port of the top
level is free again, and nothing happens anywhere below before that, so that all earlier moments are alike. Tiles
that idle units keep do not move along; they are checked to be the same ones as before, and are moved aside by what
was skipped.

One thing may grow for ever: where the L2 takes outputs more slowly than they are computed, the drains of the top
level queue up. Above the PEs nobody waits for them. If the port was never idle between the two states, it will not
be in the iterations to come either, when the queue is longer still: it grows by the same each time.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from dataclasses import dataclass
from itertools import product
from operator import add, sub

from simulator.activities import Activity, Planned
from simulator.cluster import Cluster
from simulator.events import Window
from simulator.nest import Nest, Odometer, Region, Step
from simulator.record import Record
from simulator.states import awaited, clusters, state
from simulator.tiles import Footprint, Origin

#: iterations over which a pattern may repeat; beyond that a machine is simulated in full
LONGEST_PERIOD = 64


@dataclass(frozen=True)
class _Snapshot:
    """The machine at the end of an iteration.

    ``iteration`` is where the loop stood, ``outside`` the loops around it. ``fixed`` has to be equal for two states
    to be the same (``digest`` is its hash). ``origin`` is the place that it is relative to, ``kept`` are the places
    of tiles, and ``base`` is where the odometer lets the layer begin: jumps of inner loops move it. ``queue`` is for
    how many cycles more the top level's drains will occupy their port if nobody waits for them.
    """

    iteration: int
    outside: tuple[int, ...]
    time: int
    origin: Origin
    base: Origin
    digest: int
    fixed: object
    kept: tuple[Origin, ...]
    queue: int
    activities: tuple[Counter[Activity], ...]
    stalls: Counter[str]


class Accelerator:
    """Watches the top cluster's steps end, and lets its odometer jump where iterations repeat."""

    def __init__(
        self, top: Cluster, region: Region, odometer: Odometer, record: Record, window: Window | None = None
    ) -> None:
        self._top = top
        self._region = region
        self._odometer = odometer
        self._record = record
        self._window = window
        self._snapshots: dict[int, deque[_Snapshot]] = {}

    def step_ended(self, planned: Planned) -> None:
        """Look whether an iteration of some loop ends with this step, and whether it did what the last one did."""
        step, upcoming = planned.step, planned.upcoming
        if upcoming is None or self._odometer.finished:
            return
        loop = next(i for i, (now, then) in enumerate(zip(step.indices, upcoming.indices, strict=True)) if now != then)
        if self._odometer.trips[loop] < 4:
            return
        after = self._snapshot(step, loop)
        earlier = self._snapshots.setdefault(loop, deque(maxlen=LONGEST_PERIOD))
        if earlier and earlier[-1].outside != after.outside:
            earlier.clear()
        for before in reversed(earlier):
            if _same_state(before, after) and self._queue_is_steady(before, after):
                if self._jump(loop, before, after):
                    earlier.clear()
                break
        earlier.append(after)

    def _snapshot(self, step: Step, loop: int) -> _Snapshot:
        top, now = self._top, self._top.port_free
        kept: list[Origin] = []
        fixed = state(top, now, kept)
        return _Snapshot(
            iteration=step.indices[loop],
            outside=step.indices[:loop],
            time=now + self._record.skipped,
            origin=step.origin,
            base=self._odometer.origin,
            digest=hash(fixed),
            fixed=fixed,
            kept=tuple(kept),
            queue=0 if awaited(top) else max(top.collection_free - now, 0),
            activities=tuple(activities.copy() for activities in self._record.activities),
            stalls=self._record.stalls.copy(),
        )

    def _jump(self, loop: int, before: _Snapshot, after: _Snapshot) -> bool:
        """Skip all iterations of ``loop`` that are like those between the two snapshots, if there are any."""
        fetched = self._odometer.indices
        if tuple(fetched[:loop]) != after.outside:
            return False
        period = after.iteration - before.iteration
        last, displacement = steady_until(self._top.nest, self._region, self._odometer, loop, before.iteration)
        moved = _difference(_difference(after.origin, after.base), _difference(before.origin, before.base))
        if moved != tuple(period * d for d in displacement):
            return False
        periods = min((last - fetched[loop]) // period, self._before_window(before, after))
        if periods < 1:
            return False
        self._leave_behind(before, after, tuple(periods * period * d for d in displacement))
        self._odometer.skip(loop, periods * period, displacement)
        self._record.skipped += periods * (after.time - before.time)
        self._record.displaced = tuple([-o for o in self._odometer.origin])
        self._top.collection_free += periods * (after.queue - before.queue)
        self._top.upstream += periods * (after.queue - before.queue)
        self._record.end = max(self._record.end, self._top.upstream)
        for total, then, now in zip(self._record.activities, before.activities, after.activities, strict=True):
            for activity, times in now.items():
                total[activity] += periods * (times - then[activity])
        for cause, cycles in after.stalls.items():
            self._record.stalls[cause] += periods * (cycles - before.stalls[cause])
        return True

    def _before_window(self, before: _Snapshot, after: _Snapshot) -> int:
        """Return for how many periods all that is going on stays before the window, any number without one to come.

        The next step has been drawn already: it is what will be there then, but for its place. So it stays before, too.
        """
        window, steps = self._window, after.activities[0].total()
        if window is None or window.over(after.time, steps - 1):
            return sys.maxsize
        reach = max(self._record.end, self._record.compute_end) + self._record.skipped
        cycles = (window.first - reach) // max(after.time - before.time, 1) - 1
        numbers = (window.first_step - 1 - steps) // (steps - before.activities[0].total())
        return max(cycles if window.first else 0, numbers if window.first_step else 0)

    def _queue_is_steady(self, before: _Snapshot, after: _Snapshot) -> bool:
        """Tell whether the top level's drains queue up evenly: not at all, or by all that the port does."""
        if before.queue == after.queue:
            return True
        occupied = sum(
            (times - before.activities[0][activity]) * self._top.occupation(activity)
            for activity, times in after.activities[0].items()
        )
        return before.queue < after.queue and after.time + after.queue - before.time - before.queue == occupied

    def _leave_behind(self, before: _Snapshot, after: _Snapshot, skipped: Origin) -> None:
        """Move the tiles that stayed where they were back by what the others seem not to have moved."""
        drift = _difference(after.base, before.base)
        moves = (_difference(is_, was) for was, is_ in zip(before.kept, after.kept, strict=True))
        for cluster in clusters(self._top):
            cluster.steps.held = [
                kept._replace(origin=_difference(kept.origin, skipped)) if next(moves) == drift else kept
                for kept in cluster.steps.held
            ]


def steady_until(nest: Nest, region: Region, odometer: Odometer, loop: int, first: int) -> tuple[int, Origin]:
    """Return the last iteration of ``loop`` that is ``first``, displaced evenly, and the displacement of one.

    Only the loops that cut the same subspace matter; those outside ``loop`` stand still meanwhile.
    """
    place = nest.places[loop]
    inside = [
        range(trips) if its_place == place and index > loop else (0,)
        for index, (its_place, trips) in enumerate(zip(nest.places, odometer.trips, strict=True))
    ]
    outside = odometer.indices[:loop]

    def cuts(iteration: int) -> list[tuple[Footprint, Origin | None]]:
        found = []
        for indices in product(*inside[loop + 1 :]):
            footprint, origin = nest.cut(place, region.lengths, (*outside, iteration, *indices))
            found.append((footprint, origin if footprint.active else None))
        return found

    expected = cuts(first)
    moves = zip(expected, cuts(first + 1), strict=True)
    step = next((_difference(then, now) for (_, now), (_, then) in moves if now and then), None)
    iteration = first
    while step is not None and iteration + 1 < odometer.trips[loop]:
        expected = [(footprint, origin and tuple(map(add, origin, step))) for footprint, origin in expected]
        if cuts(iteration + 1) != expected:
            break
        iteration += 1
    dimensions = [len(lengths) for lengths in region.lengths]
    before, after = sum(dimensions[:place]), sum(dimensions[place + 1 :])
    return iteration, (0,) * before + (step or (0,) * dimensions[place]) + (0,) * after


def _same_state(before: _Snapshot, after: _Snapshot) -> bool:
    """Tell whether nothing but time and place differs: kept tiles have moved along, or stayed where they were."""
    if before.digest != after.digest or before.fixed != after.fixed:
        return False
    along = _difference(after.origin, before.origin)
    stayed = _difference(after.base, before.base)
    return len(before.kept) == len(after.kept) and all(
        _difference(now, then) in (along, stayed) for now, then in zip(after.kept, before.kept, strict=True)
    )


def _difference(origin: Origin, other: Origin) -> Origin:
    return tuple(map(sub, origin, other))
