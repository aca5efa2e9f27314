"""Why another tool's number differs from the simulation: known simplifications, tried for whether they give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from analytical import NAMES, PUBLISHED, REFINED, Analysis, Assumptions
from dataflow.hardware import LevelNetwork, Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping
from dataflow.metrics import Metrics
from dataflow.regions import trips, whole
from validation.maestro_results import Row

#: Percent: numbers that are nearer to each other count as the same.
SAME = 1.0

#: The columns of what the L2 sends.
_SENT = ("l2_read", "input_l2_read", "filter_l2_read")

Measure = Callable[[Metrics], float]

#: What a simplification is called, and the number that it leads to.
Candidate = tuple[str, float]


def near(value: float, wanted: float) -> bool:
    """Whether ``value`` is within `SAME` percent of ``wanted``."""
    return 100 * abs(value - wanted) <= SAME * abs(wanted)


class Explainer:
    """Explains one row of a tool's results for ``mapping`` on ``machine``; analyses are made once, when needed."""

    def __init__(self, mapping: Mapping, machine: Machine, row: Row) -> None:
        self.mapping = mapping
        self.machine = machine
        self.row = row
        self._analyses = Analysis(mapping)
        self._known: dict[tuple[Assumptions, bool, bool], Metrics] = {}

    def explain(self, column: str, number: float, measure: Measure) -> str | None:
        """Return what gives ``number`` within 1 %, None if nothing that is known does.

        Simplifications are tried from the specific to the general, in groups; all that fit of the first group in
        which any does are named. ``column`` is a name of the audit's columns, ``measure`` reads it off a result.
        """
        for group in (self._table, self._alone, self._published, self._machine, self._folds, self._time):
            fitting = [name for name, value in group(column, measure) if near(value, number)]
            if fitting:
                return " or ".join(fitting)
        macs = self.row.numbers.get("macs", self.mapping.layer.macs)
        own = self.mapping.layer.macs
        return None if macs == own else f"the row is for {macs:,} MACs, the layer has {own:,}"

    def _analysis(self, assumptions: Assumptions, *, latency: bool = True, multicast: bool = True) -> Metrics:
        key = (assumptions, latency, multicast)
        if key not in self._known:
            machine = self.machine if latency else without_latency(self.machine)
            machine = machine if multicast else machine.model_copy(update={"multicast": False})
            self._known[key] = self._analyses.metrics(machine, assumptions)
        return self._known[key]

    def _table(self, column: str, _: Measure) -> Iterator[Candidate]:
        """Yield what the tool's own table says elsewhere, or would say of any dataflow."""
        reads = self.row.numbers.get(column.replace("l1_write", "l2_read"))
        if column.endswith("l1_write") and reads is not None:
            yield "the L2 reads again", reads
        if column == "output_l2_read":
            tensor, unstrided = output_sizes(self.mapping.layer)
            yield "the size of the output", tensor
            if unstrided != tensor:
                yield "the size of the output, stride ignored", unstrided

    def _alone(self, _: str, measure: Measure) -> Iterator[Candidate]:
        for name in NAMES:
            yield f"{name} alone", measure(self._analysis(REFINED.with_(**{name: True})))

    def _published(self, _: str, measure: Measure) -> Iterator[Candidate]:
        published = measure(self._analysis(PUBLISHED))
        yield "published", published
        for name in NAMES:
            value = measure(self._analysis(PUBLISHED.with_(**{name: False})))
            if value != published:
                yield f"published without {name}", value

    def _machine(self, column: str, measure: Measure) -> Iterator[Candidate]:
        """Yield what comes of properties of the machine that the tool may ignore."""
        for prefix, assumptions in (("", REFINED), ("published, ", PUBLISHED)):
            if self.machine.multicast:
                yield f"{prefix}multicast ignored", measure(self._analysis(assumptions, multicast=False))
            yield f"{prefix}latency ignored", measure(self._analysis(assumptions, latency=False))
        bandwidth = self.machine.network(1).collection.bandwidth
        if len(self.mapping.levels) == 2 and bandwidth is not None:
            found = self._analysis(PUBLISHED, latency=False)
            last_drain = -(-found.boundaries[1].network.collected // (found.steps[1] * bandwidth))
            cycles = found.cycles - found.steps[0] * last_drain
            yield from self._timed(column, "published, latency and the last drain of a cluster ignored", cycles)

    def _folds(self, column: str, measure: Measure) -> Iterator[Candidate]:
        """Yield what becomes of traffic where the folds of the top level are not told from other steps."""
        number = measure(self._analysis(REFINED))
        units = self.mapping.levels[0].units
        folds, chunks = top_trips(self.mapping, units), top_trips(self.mapping, 1)
        if folds > 1 and column in _SENT:
            yield "tiles kept when the folds begin again", number * (folds - 1) / folds
        if folds > 1 and column == "output_l2_write":
            yield "outputs leave with every fold", number * folds
        if 1 < chunks < units and column in _SENT:
            yield "one of the units at work left out", number * (chunks - 1) / chunks

    def _time(self, column: str, _: Measure) -> Iterator[Candidate]:
        """Yield times that follow from the tool's own numbers."""
        numbers = self.row.numbers
        bandwidth = self.machine.network(0).distribution.width
        if "input_l2_read" in numbers and "filter_l2_read" in numbers and bandwidth is not None:
            sent = numbers["input_l2_read"] + numbers["filter_l2_read"]
            yield from self._timed(column, "the time to send its own L2 reads", sent / bandwidth)
        if numbers.get("active_pes") and numbers.get("macs"):
            computing = numbers["macs"] / (numbers["active_pes"] * self.machine.lanes)
            yield from self._timed(column, "computing alone, on the PEs that it says are at work", computing)

    def _timed(self, column: str, name: str, cycles: float) -> Iterator[Candidate]:
        if column == "cycles":
            yield name, cycles
        elif column == "utilization" and cycles:
            yield name, self.mapping.layer.macs / (cycles * self.machine.pes * self.machine.lanes)


def without_latency(machine: Machine) -> Machine:
    """Return the machine with networks whose data arrive at once."""
    levels = tuple(
        LevelNetwork(
            distribution=network.distribution.model_copy(update={"latency": 0}),
            collection=network.collection.model_copy(update={"latency": 0}),
        )
        for network in machine.levels
    )
    return machine.model_copy(update={"levels": levels})


def output_sizes(layer: Layer) -> tuple[int, int]:
    """Return the number of elements of the output, and what it would be if windows slid by one at a time."""
    axes = layer.tensor_axes("output")
    unstrided = {w.slide: layer.sizes[w.name] - w.dilation * (layer.sizes[w.tap] - 1) for w in layer.windows}
    return prod(layer.sizes[axis] for axis in axes), prod(unstrided.get(axis, layer.sizes[axis]) for axis in axes)


def top_trips(mapping: Mapping, units: int) -> int:
    """Return in how many folds ``units`` units would take the chunks of the top level's spatial maps."""
    layer, top = mapping.layer, mapping.levels[0]
    return prod(
        trips(subspace, box, level_map, units)
        for subspace, box in zip(layer.subspaces, whole(layer), strict=True)
        for level_map in top.maps_of(subspace)
        if level_map.spatial
    )
