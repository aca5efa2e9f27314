"""Holds the numbers of another tool against the simulation: layer by layer, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, inf
from statistics import median
from types import MappingProxyType

from analytical import PUBLISHED, REFINED, analyze_mapping
from dataflow import legality
from dataflow.directives import Dataflow
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import Metrics
from simulator.simulate import simulate_mapping
from validation.audit_explanations import SAME, Explainer, Measure
from validation.maestro_results import Results, Row

TOOL, PUBLISHED_MODEL, REFINED_MODEL = MODELS = ("tool", "published", "refined")

#: How to read each column off a result of our own.
COLUMNS: Mapping[str, Measure] = MappingProxyType(
    {
        "cycles": lambda m: m.cycles,
        "l2_read": lambda m: m.boundaries[0].upstream.input_read + m.boundaries[0].upstream.filter_read,
        "input_l2_read": lambda m: m.boundaries[0].upstream.input_read,
        "filter_l2_read": lambda m: m.boundaries[0].upstream.filter_read,
        "output_l2_write": lambda m: m.boundaries[0].upstream.output_write,
        "output_l2_read": lambda m: m.boundaries[0].upstream.output_read,
        "input_l1_write": lambda m: m.boundaries[-1].downstream.input_write,
        "filter_l1_write": lambda m: m.boundaries[-1].downstream.filter_write,
        "utilization": lambda m: m.utilization,
    }
)


@dataclass(frozen=True)
class Subject:
    """A layer, the dataflow that computes it, and the tool's row for it."""

    layer: Layer
    dataflow: Dataflow
    row: Row


@dataclass(frozen=True)
class Cell:
    """One number of a layer: the simulated one, and those of the `MODELS`.

    ``explanation`` is given where the tool is more than `SAME` percent off and a known cause fits.
    """

    simulated: float
    values: Mapping[str, float] = field(hash=False)
    explanation: str | None = None

    def difference(self, model: str) -> float:
        """Return by how many percent of the simulated number that of ``model`` is larger; inf where that is 0."""
        off = self.values[model] - self.simulated
        return 0.0 if off == 0 else 100 * off / self.simulated if self.simulated else inf


@dataclass(frozen=True)
class LayerAudit:
    """One layer: its cells by column, or what is illegal about its dataflow and no cells."""

    name: str
    line: int
    illegal: str | None
    cells: Mapping[str, Cell] = field(hash=False)


@dataclass(frozen=True)
class Statistics:
    """Of the absolute differences of a model in a column, in percent; ``worst`` keeps its sign."""

    layers: int
    median: float
    percentile95: float
    worst: float
    worst_layer: str


@dataclass(frozen=True)
class Match:
    """Which row belongs to which layer: ``pairs`` of (row, layer) indices in row order, and what is left."""

    pairs: tuple[tuple[int, int], ...]
    rows: tuple[int, ...]
    layers: tuple[int, ...]


def match(row_names: Sequence[str], layer_names: Sequence[str]) -> Match:
    """Find the layer of each row by name; of layers of one name, in their order.

    A row may lack what stands before a hyphen in the layer's name, and the hyphen.
    """
    free = dict.fromkeys(range(len(layer_names)))
    found: dict[int, int] = {}
    for same in (str.__eq__, _shortened):
        place = 0
        for number, name in enumerate(row_names):
            if number in found:
                place = found[number] + 1
                continue
            fitting = [layer for layer in free if same(layer_names[layer], name)]
            if fitting:
                found[number] = next((layer for layer in fitting if layer >= place), fitting[0])
                place = found[number] + 1
                del free[found[number]]
    rows = tuple(number for number in range(len(row_names)) if number not in found)
    return Match(tuple(sorted(found.items())), rows, tuple(free))


def _shortened(layer: str, row: str) -> bool:
    _, hyphen, rest = layer.partition("-")
    return bool(hyphen) and row in (rest, hyphen + rest)


def check_array(results: Results, machine: Machine) -> None:
    """Raise `InputError` for the first row that is not for an array of this size."""
    for row in results.rows:
        pes = row.numbers.get("pes", machine.pes)
        if pes != machine.pes:
            raise InputError(
                f"layer {row.name}: the results are for {pes} PEs, {machine.name} has {machine.pes}; "
                f"choose the machine that they are for, or its size: --set pes={pes}",
                f"{results.file}:{row.line}",
            )


def audit(
    subjects: Sequence[Subject],
    machine: Machine,
    *,
    mapped: Callable[..., Iterable[LayerAudit]] = map,
    progress: Callable[[str], None] | None = None,
) -> tuple[LayerAudit, ...]:
    """Simulate and analyse every layer, and hold its row against that; equal layers with equal rows once.

    ``mapped`` is a `map` that may share the work; ``progress`` is called with the name of each layer that is done.
    Raises `InputError` where a dataflow cannot be bound to its layer and the machine. Tiles may exceed the scratchpads.
    """
    keys = [_key(subject) for subject in subjects]
    distinct = dict(zip(reversed(keys), reversed(subjects), strict=True))
    done: dict[tuple[object, ...], LayerAudit] = {}
    for key, layer in zip(distinct, mapped(partial(audit_layer, machine=machine), distinct.values()), strict=True):
        done[key] = layer
        if progress is not None:
            progress(layer.name)
    return tuple(
        LayerAudit(subject.layer.name, subject.row.line, done[key].illegal, done[key].cells)
        for key, subject in zip(keys, subjects, strict=True)
    )


def audit_layer(subject: Subject, machine: Machine) -> LayerAudit:
    """Hold one row against the simulation."""
    mapping = bind(subject.layer, subject.dataflow, machine.pes)
    violation = legality.check(mapping)
    if violation is not None:
        return LayerAudit(subject.layer.name, subject.row.line, str(violation), {})
    simulated = simulate_mapping(mapping, machine)
    analysed = {
        PUBLISHED_MODEL: analyze_mapping(mapping, machine, PUBLISHED),
        REFINED_MODEL: analyze_mapping(mapping, machine, REFINED),
    }
    explainer = Explainer(mapping, machine, subject.row)
    cells = {
        column: _cell(column, number, simulated, analysed, explainer)
        for column, number in numbers(subject.row, machine).items()
    }
    return LayerAudit(subject.layer.name, subject.row.line, None, _with_explained_sum(cells))


def numbers(row: Row, machine: Machine) -> dict[str, float]:
    """Return the tool's number for each of the `COLUMNS` that the row has something for."""
    found = {column: row.numbers[column] for column in COLUMNS if column in row.numbers}
    if "input_l2_read" in found and "filter_l2_read" in found:
        found["l2_read"] = found["input_l2_read"] + found["filter_l2_read"]
    if "throughput" in row.numbers:
        found["utilization"] = row.numbers["throughput"] / (machine.pes * machine.lanes)
    return {column: found[column] for column in COLUMNS if column in found}


def statistics(layers: Iterable[LayerAudit], column: str, model: str) -> Statistics | None:
    """Return how far ``model`` is off in ``column``, over the layers that have it; None if none has."""
    off = [(layer.cells[column].difference(model), layer.name) for layer in layers if column in layer.cells]
    if not off:
        return None
    sizes = sorted(abs(difference) for difference, _ in off)
    worst, name = max(off, key=lambda pair: abs(pair[0]))
    return Statistics(len(off), median(sizes), sizes[ceil(0.95 * len(sizes)) - 1], worst, name)


def outliers(layers: Iterable[LayerAudit], column: str) -> Iterator[tuple[str | None, list[LayerAudit]]]:
    """Yield explanations with the layers of which the tool is more than `SAME` percent off, the most frequent first.

    None stands for those that nothing explains.
    """
    off = [layer for layer in layers if column in layer.cells and abs(layer.cells[column].difference(TOOL)) > SAME]
    for explanation, _ in Counter(layer.cells[column].explanation for layer in off).most_common():
        yield explanation, [layer for layer in off if layer.cells[column].explanation == explanation]


def _cell(
    column: str, number: float, simulated: Metrics, analysed: Mapping[str, Metrics], explainer: Explainer
) -> Cell:
    measure = COLUMNS[column]
    values = {TOOL: number} | {model: measure(metrics) for model, metrics in analysed.items()}
    cell = Cell(measure(simulated), values)
    if abs(cell.difference(TOOL)) <= SAME:
        return cell
    return replace(cell, explanation=explainer.explain(column, number, measure))


def _with_explained_sum(cells: dict[str, Cell]) -> dict[str, Cell]:
    """Explain the reads of the L2 by those of its parts where nothing gives their sum."""
    total = cells.get("l2_read")
    if total is None or total.explanation is not None or abs(total.difference(TOOL)) <= SAME:
        return cells
    parts = {"inputs": cells["input_l2_read"].explanation, "filters": cells["filter_l2_read"].explanation}
    reasons = "; ".join(f"{tensor}: {reason}" for tensor, reason in parts.items() if reason is not None)
    return cells | {"l2_read": replace(total, explanation=reasons or None)}


def _key(subject: Subject) -> tuple[object, ...]:
    """Return what the audit of a subject depends on, but for names and lines."""
    layer, directives = subject.layer, subject.dataflow.directives
    shape = (layer.type, tuple(layer.sizes.items()), layer.stride, layer.dilation)
    return (*shape, tuple(map(str, directives)), tuple(subject.row.numbers.items()))
