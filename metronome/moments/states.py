"""What PEs do in a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from metronome.moments.places import Element, holds
from metronome.moments.recording import Recording
from simulator.events import Event, Path, Stall, Step

#: what a PE may do or wait for, and a letter for it
KINDS = {
    "computing": ("#", "computing"),
    "distribution": ("d", "waiting for data"),
    "barrier": ("b", "waiting at the barrier"),
    "slot": ("s", "waiting for room for outputs"),
    "dram": ("m", "waiting for the DRAM"),
    "l2_port": ("p", "waiting for the L2's port"),
    "fill": ("f", "nothing has come yet"),
    "done": ("-", "done with its part of the step"),
    "idle": (".", "nothing to do"),
}


class State(NamedTuple):
    """What a PE does: a kind of `KINDS`, and the event behind it if there is one."""

    kind: str
    event: Event | None


def state_of(recording: Recording, pe: Path, cycle: int) -> State:
    """Return what a PE does in a cycle."""
    *enclosing, unit = pe
    cluster = tuple(enclosing)
    compute = recording.computes(pe).at(cycle)
    if compute is not None:
        return State("computing", compute)
    stall = recording.track(Stall, cluster).at(cycle)
    if stall is not None:
        return State(stall.cause, stall)
    step = recording.working(cluster, cycle)
    if step is None:
        return State("idle", None)
    return State("done" if unit in step.ranges else "idle", step)


def array(recording: Recording, cycle: int) -> Iterator[tuple[Path, State]]:
    """Yield every PE with what it does."""
    for pe in product(*(range(units) for units in recording.layer.mapping.units)):
        yield pe, state_of(recording, pe, cycle)


class Stay(NamedTuple):
    """An element in the buffer of a unit: from when its data are there to when it does without; its first step."""

    path: Path
    begin: int
    end: int
    step: Step


def stays(recording: Recording, element: Element) -> Iterator[Stay]:
    """Yield where an element is in the cycles recorded; steps that need it one after the other are one stay."""
    layer = recording.layer.mapping.layer
    for cluster in sorted({event.cluster for event in recording.events if isinstance(event, Step)}):
        open_: dict[int, Stay] = {}
        for step in recording.track(Step, cluster):
            for unit, ranges in step.ranges.items():
                if holds(layer, ranges, element):
                    stay = open_.get(unit)
                    if stay is not None:
                        open_[unit] = stay._replace(end=step.ended(unit))
                        continue
                    transfer = recording.transfer_of(step)
                    begin = step.started
                    if transfer is not None and element.tensor != "output":
                        begin = transfer.arrivals[unit]
                    open_[unit] = Stay((*cluster, unit), begin, step.ended(unit), step)
                elif unit in open_:
                    yield open_.pop(unit)
        yield from open_.values()
