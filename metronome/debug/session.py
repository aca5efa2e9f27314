"""Where somebody is who steps through a layer: a cycle and a PE, with what is recorded around them.

Nothing is ever undone to step backwards: what happens is a function of the cycle, and any part of the layer can be
recorded again at once, since what comes before it is skipped where it repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from metronome.debug.breakpoints import Breakpoint
from metronome.moments.mapped import MappedLayer
from metronome.moments.recording import Recording, record
from simulator.events import Path, Step, Window
from simulator.simulate import simulate_mapping

#: events that are recorded at once, about
RECORDED = 30_000


class Session:
    """A position in a layer. ``breakpoints`` are by their numbers, ``pe`` is the chosen PE."""

    def __init__(self, layer: MappedLayer) -> None:
        self.layer = layer
        self.metrics = simulate_mapping(layer.mapping, layer.machine)
        events = sum(self.metrics.steps) * (1 + layer.mapping.units[-1] / 4)
        self._span = max(64, int(self.metrics.cycles * RECORDED / max(events, 1)))
        self.pe: Path = (0,) * len(layer.mapping.units)
        self.cycle = 0
        self.breakpoints: dict[int, Breakpoint] = {}
        self.recording = self._record(0)

    @property
    def last(self) -> int:
        """The last cycle of the layer."""
        return self.metrics.cycles

    def go(self, cycle: int) -> None:
        """Go to a cycle, or to the nearest there is."""
        self.cycle = min(max(cycle, 0), self.last)
        first, last = self.recording.first, self.recording.last
        margin = self._span // 8
        if self.cycle < first + (margin if first else 0) or self.cycle > last - (margin if last < self.last else 0):
            self.recording = self._record(self.cycle - self._span // 2)

    def to_event(self, direction: int) -> bool:
        """Go to the next cycle in which something begins or ends, or to the one before; tell whether there is one."""
        return self._to(lambda recording: recording.cycles_of_events(), direction)

    def to_step(self, level: int, direction: int) -> bool:
        """Go to where the next step of a level begins to work, or the one before, in the cluster of the chosen PE."""
        cluster = self.pe[:level]
        return self._to(lambda recording: [step.started for step in recording.track(Step, cluster)], direction)

    def run(self, direction: int) -> list[int]:
        """Go on to the next breakpoint, or back to the one before; return the numbers of those that are hit there.

        Without one, the end is reached, or the beginning.
        """
        for each in self.breakpoints.values():
            each.begin(self.cycle)

        def hits(recording: Recording) -> Iterable[int]:
            return [cycle for each in self.breakpoints.values() for cycle in each.hits(recording)]

        if not self._to(hits, direction):
            self.go(self.last if direction > 0 else 0)
            return []
        return [n for n, each in self.breakpoints.items() if self.cycle in set(each.hits(self.recording))]

    def _to(self, cycles: Callable[[Recording], Iterable[int]], direction: int) -> bool:
        """Go to the nearest of some cycles in a direction, looking further and further."""
        recording = self.recording
        while True:
            if direction > 0:
                found = min(
                    (cycle for cycle in cycles(recording) if self.cycle < cycle <= recording.last), default=None
                )
                over = recording.last >= self.last
            else:
                found = max(
                    (cycle for cycle in cycles(recording) if recording.first <= cycle < self.cycle), default=None
                )
                over = recording.first == 0
            if found is not None:
                self.recording = recording
                self.go(found)
                return True
            if over:
                return False
            for each in self.breakpoints.values():
                each.leave(recording)
            recording = self._record(recording.last if direction > 0 else recording.first - self._span)

    def _record(self, first: int) -> Recording:
        first = max(first, 0)
        return record(self.layer, Window(first, min(first + self._span, self.last)))
