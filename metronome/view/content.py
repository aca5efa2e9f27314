"""What the page of a moment shows, as data that its script reads: numbers in rows, texts once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from dataflow.layers import TENSORS, Layer
from dataflow.levels import Level
from dataflow.metrics import Metrics
from metronome.moments.causes import why
from metronome.moments.mapped import MappedLayer
from metronome.moments.recording import Recording, record
from simulator.events import Compute, Drain, Path, Ranges, Stall, Step, Transfer, Window

#: waits that are explained on the page: the longest ones
EXPLAINED = 3000

#: moments of the rest of a layer that are looked at for a summary of it, and the cycles of each
SAMPLES, SAMPLED_CYCLES = 16, 48

#: the share of steps that has to be skipped for that
SKIPPED = 0.5

Rows = list[list[Any]]


class Texts:
    """Texts by number, each kept once."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        if text not in self._numbers:
            self._numbers[text] = len(self.all)
            self.all.append(text)
        return self._numbers[text]


def content(recording: Recording) -> dict[str, Any]:
    """Return all that the page shows of a recording."""
    layer, mapping, machine = recording.layer.mapping.layer, recording.layer.mapping, recording.layer.machine
    texts = Texts()
    clusters = sorted({event.cluster for event in recording.events}, key=lambda path: (len(path), path))
    numbers = {path: number for number, path in enumerate(clusters)}
    dimensions = [dimension for subspace in layer.subspaces for dimension in subspace.dimensions]
    return {
        "layer": {"name": recording.layer.name, "type": layer.type, "macs": layer.macs},
        "dimensions": dimensions,
        "tensors": {tensor: _axes(layer, tensor, dimensions) for tensor in TENSORS},
        "machine": {"name": machine.name, "pes": machine.pes, "sync": machine.sync, "buffering": machine.buffering},
        "units": list(mapping.units),
        "levels": [_level(level) for level in mapping.levels],
        "totals": _totals(recording.metrics),
        "cycles": recording.metrics.cycles,
        "window": [recording.first, recording.last],
        "rest": _rest(recording),
        "clusters": [list(path) for path in clusters],
        "steps": list(_steps(recording, numbers, dimensions, texts)),
        "transfers": list(_transfers(recording, numbers, texts)),
        "computes": list(_computes(recording, numbers)),
        "drains": [
            [numbers[e.cluster], e.begin, e.end, e.elements, e.upstream]
            for e in recording.events
            if isinstance(e, Drain)
        ],
        "stalls": list(_stalls(recording, numbers, texts)),
        "buffers": _buffers(recording),
        "texts": texts.all,
    }


def _axes(layer: Layer, tensor: str, dimensions: list[str]) -> list[dict[str, Any]]:
    """Return a tensor's axes: each coordinate is Σ coefficient · index of a dimension, by its number."""
    found = []
    for axis in layer.tensor_axes(tensor):
        subspace = next(subspace for subspace in layer.subspaces if axis in subspace.names)
        terms = [
            [coefficient, dimensions.index(dimension)]
            for coefficient, dimension in zip(subspace.coefficients(axis), subspace.dimensions, strict=True)
            if coefficient
        ]
        found.append({"name": axis, "size": layer.sizes[axis], "terms": terms})
    return found


def _level(level: Level) -> dict[str, Any]:
    kinds = {True: "SpatialMap", False: "TemporalMap"}
    loops = [f"{kinds[each.spatial]}({each.size},{each.offset}) {each.dimension}" for each in level.maps]
    return {"units": level.units, "loops": loops}


def _totals(metrics: Metrics) -> list[list[str]]:
    """Return what the whole layer takes, as labels and values."""
    rows = [
        ["cycles", f"{metrics.cycles:,}"],
        ["utilization", f"{metrics.utilization:.1%}"],
        ["steps by level", " / ".join(f"{steps:,}" for steps in metrics.steps)],
    ]
    for level, boundary in enumerate(metrics.boundaries):
        above, name = boundary.upstream, "L2" if level == 0 else f"C{level}"
        reads = f"{above.input_read:,} inputs, {above.filter_read:,} filters, {above.output_read:,} outputs"
        rows.append([f"{name} reads", reads])
        rows.append([f"{name} writes", f"{above.output_write:,} outputs"])
    return rows


def _steps(recording: Recording, numbers: dict[Path, int], dimensions: list[str], texts: Texts) -> Iterator[list[Any]]:
    """Yield by step its cluster, cycles, where loops stand, where it begins, and the number of its shape.

    A shape is a text: by unit the distance from where the step begins and the length, dimension by dimension.
    """
    for event in recording.events:
        if isinstance(event, Step):
            origin = [min(ranges[name][0] for ranges in event.ranges.values()) for name in dimensions]
            shape = texts.number(";".join(_shape(event.ranges, origin, dimensions)))
            ends = texts.number(" ".join(f"{unit}:{end - event.begin}" for unit, end in event.ends.items()))
            yield [
                *(numbers[event.cluster], event.begin, event.started, event.end, event.number),
                *(texts.number(" ".join(map(str, event.indices))), shape, ends, *origin),
            ]


def _shape(units: dict[int, Ranges], origin: list[int], dimensions: list[str]) -> Iterator[str]:
    for unit, ranges in units.items():
        parts = [
            f"{low - begin},{high - low}"
            for begin, (low, high) in zip(origin, (ranges[name] for name in dimensions), strict=True)
        ]
        yield f"{unit}:{' '.join(parts)}"


def _transfers(recording: Recording, numbers: dict[Path, int], texts: Texts) -> Iterator[list[Any]]:
    """Yield by transfer its cluster, cycles, elements of inputs, filters and sums, what held it up, and arrivals."""
    for event in recording.events:
        if isinstance(event, Transfer):
            latest = max(event.arrivals.values())
            own = {unit: arrival for unit, arrival in event.arrivals.items() if arrival != latest}
            arrivals = texts.number(" ".join(f"{unit}:{arrival - event.begin}" for unit, arrival in own.items()))
            held_up = texts.number(", ".join(event.held_up_by))
            elements = event.elements.values()
            yield [numbers[event.cluster], event.begin, event.end, *elements, held_up, latest, arrivals]


def _computes(recording: Recording, numbers: dict[Path, int]) -> Iterator[list[Any]]:
    """Yield what PEs of a cluster compute at once: cluster, cycles, MACs, and the units in pairs (first, number)."""
    together: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    for event in recording.events:
        if isinstance(event, Compute):
            together[numbers[event.cluster], event.begin, event.end, event.macs].append(event.unit)
    for key, units in together.items():
        yield [*key, list(_runs(sorted(units)))]


def _runs(units: Iterable[int]) -> Iterator[int]:
    first = number = None
    for unit in units:
        if first is not None and number is not None and unit == first + number:
            number += 1
            continue
        if first is not None and number is not None:
            yield from (first, number)
        first, number = unit, 1
    if first is not None and number is not None:
        yield from (first, number)


def _stalls(recording: Recording, numbers: dict[Path, int], texts: Texts) -> Iterator[list[Any]]:
    """Yield by wait its cluster, cycles and cause, and of the longest ones the chain of causes.

    Clusters of a level that wait for the same in the same cycles share a chain, which is told for one of them.
    """
    stalls = [event for event in recording.events if isinstance(event, Stall) and event.end > event.begin]
    known: dict[tuple[int, int, int, str], int] = {}
    for stall in sorted(stalls, key=lambda stall: stall.begin - stall.end):
        alike = (len(stall.cluster), stall.begin, stall.end, stall.cause)
        if alike not in known:
            known[alike] = texts.number(_chain(recording, stall) if len(known) < EXPLAINED else "")
        chain = known[alike]
        yield [numbers[stall.cluster], stall.begin, stall.end, texts.number(stall.cause), chain]


def _chain(recording: Recording, stall: Stall) -> str:
    """Return the causes of a wait of a cluster of PEs, a line each."""
    if len(stall.cluster) + 1 < recording.levels:
        return ""
    return "\n".join(why(recording, (*stall.cluster, 0), max(stall.begin, recording.first)))


def _buffers(recording: Recording) -> list[Rows]:
    """Return by level how many elements are in the buffers of all units together: cycle, inputs, filters, outputs."""
    changes: list[dict[int, list[int]]] = [defaultdict(lambda: [0, 0, 0]) for _ in range(recording.levels)]
    for level in recording.levels_of():
        of_level = changes[len(level.cluster)]
        for index, elements in enumerate(level.elements):
            of_level[level.begin][index] += elements
            of_level[level.end][index] -= elements
    found = []
    for of_level in changes:
        held, rows = [0, 0, 0], []
        for cycle in sorted(of_level):
            held = [before + by for before, by in zip(held, of_level[cycle], strict=True)]
            rows.append([cycle, *held])
        found.append(rows)
    return found


def _rest(recording: Recording) -> Rows:
    """Return of moments all over the layer which share of its PEs computes there: cycles and share.

    Nothing where the whole layer is shown, or where looking at a moment takes simulating all that comes before it.
    """
    complete = recording.first == 0 and recording.last >= recording.metrics.cycles
    if complete or recording.metrics.accelerated < SKIPPED:
        return []
    cycles, width = recording.metrics.cycles, SAMPLED_CYCLES
    found = []
    for sample in range(SAMPLES):
        begin = (cycles - width) * sample // (SAMPLES - 1)
        found.append([begin, begin + width, round(_busy(recording.layer, begin, begin + width), 4)])
    return found


def _busy(layer: MappedLayer, begin: int, end: int) -> float:
    """Return the share of PEs and cycles in which something is computed."""
    moment = record(layer, Window(begin, end))
    computes = (event for event in moment.events if isinstance(event, Compute))
    busy = sum(min(event.end, end) - max(event.begin, begin) for event in computes)
    return busy / ((end - begin) * layer.machine.pes)
