"""What happened around some moment of a layer, ordered so that one can ask what goes on where in a cycle."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from dataflow.metrics import Metrics
from metronome.moments.mapped import MappedLayer
from simulator.events import BufferLevel, Compute, Drain, Event, Path, Stall, Step, Transfer, Window
from simulator.occupancy import buffer_levels
from simulator.recorder import Recorder
from simulator.simulate import simulate_mapping

E = TypeVar("E", bound=Event)


class Track(Generic[E]):
    """Events of one kind and place, in the order in which they begin."""

    def __init__(self, events: Iterable[E] = ()) -> None:
        self._events = sorted(events, key=lambda event: (event.begin, event.end))
        self._begins = [event.begin for event in self._events]
        self._longest = max((event.end - event.begin for event in self._events), default=0)

    def __iter__(self) -> Iterator[E]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def at(self, cycle: int) -> E | None:
        """Return the latest event that goes on in the cycle."""
        return next(self.during(cycle), None)

    def during(self, cycle: int) -> Iterator[E]:
        """Yield the events that go on in the cycle, the latest first."""
        for event in self.begun(cycle):
            if event.begin < cycle - self._longest:
                return
            if event.end > cycle:
                yield event

    def begun(self, cycle: int) -> Iterator[E]:
        """Yield the events that have begun in the cycle or before, the latest first."""
        for index in range(bisect_right(self._begins, cycle) - 1, -1, -1):
            yield self._events[index]

    def after(self, cycle: int) -> E | None:
        """Return the first event that begins after the cycle."""
        index = bisect_right(self._begins, cycle)
        return self._events[index] if index < len(self._events) else None


class Recording:
    """The events of a window of a layer. ``first`` and ``last`` are the cycles it knows all about."""

    def __init__(self, layer: MappedLayer, metrics: Metrics, events: Sequence[Event], window: Window) -> None:
        self.layer = layer
        self.metrics = metrics
        self.events = events
        self.first = window.first
        self.last = metrics.cycles if window.last is None else min(window.last, metrics.cycles)
        self._tracks: dict[type[Event], dict[Path, Track[Event]]] = {}
        for kind in (Step, Transfer, Drain, Stall):
            found: dict[Path, list[Event]] = defaultdict(list)
            for event in events:
                if isinstance(event, kind):
                    found[event.cluster].append(event)
            self._tracks[kind] = {path: Track(of_cluster) for path, of_cluster in found.items()}
        computes: dict[Path, list[Compute]] = defaultdict(list)
        for event in events:
            if isinstance(event, Compute):
                computes[*event.cluster, event.unit].append(event)
        self._computes = {path: Track(of_pe) for path, of_pe in computes.items()}
        self._nothing: Track[Event] = Track()

    @property
    def levels(self) -> int:
        """The levels of clusters."""
        return len(self.layer.mapping.levels)

    def track(self, kind: type[E], cluster: Path) -> Track[E]:
        """Return a cluster's events of a kind: steps, transfers, drains or stalls."""
        return self._tracks[kind].get(cluster, self._nothing)  # type: ignore[return-value]

    def computes(self, pe: Path) -> Track[Compute]:
        """Return what a PE computes."""
        return self._computes.get(pe, Track())

    def working(self, cluster: Path, cycle: int) -> Step | None:
        """Return the step whose units may work in the cycle, or have just done so: the latest that has begun to."""
        steps = (step for step in self.track(Step, cluster).during(cycle) if step.started <= cycle)
        return max(steps, key=lambda step: (step.started, step.begin), default=None)

    def next_step(self, cluster: Path, cycle: int) -> Step | None:
        """Return the next step whose units begin after the cycle."""
        steps = self.track(Step, cluster)
        waiting = [step for step in steps.during(cycle) if step.started > cycle]
        coming = steps.after(cycle)
        return min([*waiting, *([coming] if coming else [])], key=lambda step: (step.started, step.begin), default=None)

    def transfer_of(self, step: Step) -> Transfer | None:
        """Return what was sent for a step, None if it needed nothing."""
        transfers = self.track(Transfer, step.cluster).begun(step.begin)
        return next((each for each in transfers if each.begin == step.begin and each.number == step.number), None)

    def levels_of(self) -> list[BufferLevel]:
        """Return how full buffers are."""
        return buffer_levels(self.events)

    def cycles_of_events(self) -> list[int]:
        """Return the cycles in which something begins or ends, or outputs are upstream."""
        found = {cycle for event in self.events for cycle in (event.begin, event.end)}
        found |= {event.upstream for event in self.events if isinstance(event, Drain)}
        return sorted(cycle for cycle in found if self.first <= cycle <= self.last)


def record(layer: MappedLayer, window: Window) -> Recording:
    """Simulate a layer, in full inside the window, and keep what happens there."""
    recorder = Recorder(layer.mapping.layer, window)
    metrics = simulate_mapping(layer.mapping, layer.machine, probe=recorder, window=window)
    return Recording(layer, metrics, recorder.events, window)
