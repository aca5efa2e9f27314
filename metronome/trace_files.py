"""Events as a trace for Perfetto and Chrome."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from operator import add
from typing import Any

from dataflow.layers import TENSORS
from simulator.events import Compute, Drain, Event, Path, Stall, Step, Transfer
from simulator.occupancy import buffer_levels

#: the process and the cycle of a change of a counter, and by how much each of its series changes
_Change = tuple[int, int, tuple[float, ...]]

#: the tracks of a cluster; those of its PEs come after them
STEPS, DISTRIBUTION, COLLECTION, WAITING, FIRST_PE = 0, 1, 2, 3, 4


def name_of(cluster: Path) -> str:
    """Return a cluster as users write it: 0.3 is unit 3 of unit 0 of the top."""
    return "cluster " + ".".join(map(str, cluster)) if cluster else "top"


def chrome_trace(events: Sequence[Event], about: dict[str, Any]) -> str:
    """Return the events in the JSON trace format that Perfetto and Chrome open; a cycle is a microsecond.

    Every cluster is a process with a track for its steps, its two ports, its waits and each PE; arrows lead from a
    transfer to the computes that it is for, and counters show the elements in the buffers of a cluster's units, and how
    many cross its ports in a cycle.
    """
    clusters = {path: number for number, path in enumerate(sorted({event.cluster for event in events}), start=1)}
    lines = [*_names(events, clusters), *_slices(events, clusters), *_counters(events, clusters)]
    return json.dumps({"traceEvents": lines, "displayTimeUnit": "ns", "otherData": about}) + "\n"


def details(event: Event) -> dict[str, Any]:
    """Return what there is to an event but its time and place."""
    match event:
        case Step():
            return {"indices": " ".join(map(str, event.indices))}
        case Transfer():
            return event.elements
        case Compute():
            return {"unit": event.unit, "macs": event.macs}
        case Drain():
            return {"output": event.elements, "upstream": event.upstream}
        case Stall():
            return {"cause": event.cause}
        case _:
            return {}


def _track(event: Event) -> tuple[int, str]:
    """Return where an event is shown, and what it is called there."""
    match event:
        case Step():
            return STEPS, "step " + " ".join(map(str, event.indices))
        case Transfer():
            return DISTRIBUTION, ", ".join(f"{number} {kind}" for kind, number in event.elements.items() if number)
        case Compute():
            return FIRST_PE + event.unit, f"{event.macs} MACs"
        case Drain():
            return COLLECTION, f"{event.elements} outputs"
        case Stall():
            return WAITING, event.cause
        case _:
            raise TypeError(f"no track for {event}")


def _names(events: Sequence[Event], clusters: dict[Path, int]) -> Iterator[dict[str, Any]]:
    for path, process in clusters.items():
        yield {"ph": "M", "pid": process, "tid": 0, "name": "process_name", "args": {"name": name_of(path)}}
        pes = {event.unit for event in events if isinstance(event, Compute) and event.cluster == path}
        tracks = {STEPS: "steps", DISTRIBUTION: "distribution port", COLLECTION: "collection port", WAITING: "waiting"}
        for track, name in (tracks | {FIRST_PE + pe: f"PE {pe}" for pe in sorted(pes)}).items():
            yield {"ph": "M", "pid": process, "tid": track, "name": "thread_name", "args": {"name": name}}


def _slices(events: Sequence[Event], clusters: dict[Path, int]) -> Iterator[dict[str, Any]]:
    """Yield every event, and the arrows: a step's computes are recorded after it, and its transfer begins with it."""
    latest: dict[Path, list[Transfer]] = {}
    arrow, source = 0, None
    for event in events:
        process, (track, name) = clusters[event.cluster], _track(event)
        place = {"pid": process, "tid": track}
        more = {key: value for key, value in details(event).items() if key != "indices"}
        yield {"ph": "X", **place, "ts": event.begin, "dur": event.end - event.begin, "name": name, "args": more}
        if isinstance(event, Transfer):
            latest.setdefault(event.cluster, []).append(event)
        elif isinstance(event, Step):
            sent = latest.pop(event.cluster, [])
            source = next((each for each in sent if each.begin == event.begin), None)
            latest[event.cluster] = [each for each in sent if each.begin > event.begin]
        elif isinstance(event, Compute) and source is not None:
            arrow += 1
            shared = {"cat": "data", "name": "data", "id": arrow, "pid": process}
            yield {"ph": "s", **shared, "tid": DISTRIBUTION, "ts": source.begin}
            yield {"ph": "f", "bp": "e", **shared, "tid": track, "ts": event.begin}


def _counters(events: Sequence[Event], clusters: dict[Path, int]) -> Iterator[dict[str, Any]]:
    yield from _counter("elements in buffers", _held(events, clusters), TENSORS)
    for name, kind in (("distribution port", Transfer), ("collection port", Drain)):
        loads = [
            (clusters[event.cluster], cycle, (sign * _elements(event) / (event.end - event.begin),))
            for event in events
            if isinstance(event, kind) and event.end > event.begin
            for cycle, sign in ((event.begin, 1), (event.end, -1))
        ]
        yield from _counter(f"load of the {name}", loads, ("elements a cycle",))


def _held(events: Sequence[Event], clusters: dict[Path, int]) -> Iterator[_Change]:
    for level in buffer_levels(events):
        yield clusters[level.cluster], level.begin, level.elements
        yield clusters[level.cluster], level.end, tuple(-elements for elements in level.elements)


def _elements(event: Transfer | Drain) -> int:
    return event.elements if isinstance(event, Drain) else sum(event.elements.values())


def _counter(name: str, changes: Iterable[_Change], series: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the values of a counter by process, each time that it is another one."""
    found: dict[tuple[int, int], tuple[float, ...]] = {}
    nothing = (0.0,) * len(series)
    for process, cycle, by in changes:
        before = found.get((process, cycle), nothing)
        found[process, cycle] = tuple(map(add, before, by))
    values: dict[int, tuple[float, ...]] = {}
    for (process, cycle), by in sorted(found.items(), key=lambda change: (change[0][1], change[0][0])):
        values[process] = tuple(map(add, values.get(process, nothing), by))
        shown = {kind: round(value, 3) for kind, value in zip(series, values[process], strict=True)}
        yield {"ph": "C", "pid": process, "ts": cycle, "name": name, "args": shown}
