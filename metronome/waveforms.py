"""Events as waveforms (VCD), which GTKWave and other viewers of digital circuits open; a cycle is a nanosecond."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vcd import VCDWriter

from simulator.events import Compute, Drain, Event, Path, Stall, Transfer


class _Signal(NamedTuple):
    """A signal of a cluster, which is a scope of the hierarchy."""

    cluster: Path
    name: str

    @property
    def scope(self) -> str:
        """The scopes that lead to the cluster."""
        return ".".join(["top", *(f"cluster_{unit}" for unit in self.cluster)])


def waveforms(events: Sequence[Event]) -> str:
    """Return the events as VCD: elements on each cluster's ports, MACs of its PEs, and what it waits for (1).

    A signal is 0 while nothing of the kind goes on.
    """
    text = io.StringIO()
    changes = sorted(_changes(events))
    with VCDWriter(text, timescale="1 ns", date="") as writer:
        signals = sorted({signal for *_, signal, _ in changes})
        variables = {signal: writer.register_var(signal.scope, signal.name, "integer", init=0) for signal in signals}
        for cycle, _, signal, value in changes:
            writer.change(variables[signal], cycle, value)
    return text.getvalue()


def _changes(events: Sequence[Event]) -> Iterator[tuple[int, int, _Signal, int]]:
    """Yield by cycle what ends (0) and what begins (1): where one follows another at once, its value stays."""
    for event in events:
        shown = _shown(event)
        if shown is not None and event.end > event.begin:
            name, value = shown
            signal = _Signal(event.cluster, name)
            yield event.begin, 1, signal, value
            yield event.end, 0, signal, 0


def _shown(event: Event) -> tuple[str, int] | None:
    match event:
        case Transfer():
            return "distribution", sum(event.elements.values())
        case Drain():
            return "collection", event.elements
        case Compute():
            return f"pe_{event.unit}", event.macs
        case Stall():
            return f"waits_for_{event.cause}", 1
        case _:
            return None
