"""AlexNet on Eyeriss: row-stationary dataflows from the published mapping parameters, and the chip's measurements.

A *pass* computes p·t filters on q·r channels of n images, for e output rows. In it every PE goes along an output row:
a step is a column of the output, S·q inputs wide, in which the PE works on p filters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dataflow import catalog
from dataflow.directives import Dataflow
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from dataflow.regions import Box, cut, whole
from simulator.simulate import simulate_mapping
from validation.truth.published import EyerissLayer, machine, published
from validation.truth.rows import Row


def chip_layer(name: str, batch: int) -> Layer:
    """Return a layer of the shipped AlexNet for a batch of images."""
    layer = next(mapped.layer for mapped in catalog.network("alexnet").layers if mapped.layer.name == name)
    return Layer.of(name, layer.type, {**layer.sizes, "N": batch}, stride=layer.stride, dilation=layer.dilation)


def row_stationary(layer: Layer, parameters: EyerissLayer) -> Dataflow:
    """Return the dataflow of a layer from the parameters of its mapping.

    Levels, outermost first: t sets with filters of their own, r sets with channels of their own, the e columns of a
    set, the R rows of a filter. The n images of a pass follow each other inside it. How many filters' partial sums the
    global buffer holds (m) changes the order of passes, but neither their number nor what each of them moves.
    Raises ValueError for a pass with some images of the batch, which one level of maps cannot state.
    """
    if parameters.n not in (1, layer.sizes["N"]):
        raise ValueError(f"a pass with {parameters.n} of {layer.sizes['N']} images: one, or all of them")
    outside, inside = ("TemporalMap(1,1) N;", "")[:: 1 if parameters.n == 1 else -1]
    groups = "TemporalMap(1,1) G;" if layer.sizes.get("G", 1) > 1 else ""
    e, p, q, r = parameters.e, parameters.p, parameters.q, parameters.r
    return parse_dataflow(
        f"Dataflow row_stationary {{ {groups} {outside} TemporalMap({e},{e}) Y'; SpatialMap({p},{p}) K; "
        f"TemporalMap({q * r},{q * r}) C; {inside} TemporalMap(1,1) X'; "
        f"Cluster({r}, P); SpatialMap({q},{q}) C; Cluster({e}, P); SpatialMap(1,1) Y'; "
        f"Cluster(Sz(R), P); SpatialMap(1,1) R; }}"
    )


def chip_mapping(parameters: EyerissLayer, batch: int) -> Mapping:
    """Return a layer bound to the PEs of the chip."""
    layer = chip_layer(parameters.name, batch)
    return bind(layer, row_stationary(layer, parameters), machine("eyeriss").pes)


def active_pes(mapping: Mapping) -> int:
    """Return the PEs that work in the first step."""
    boxes: list[Box] = list(whole(mapping.layer))
    active = 1
    for level in mapping.levels:
        cuts = []
        for subspace, box in zip(mapping.layer.subspaces, boxes, strict=True):
            maps = level.maps_of(subspace)
            cuts.append([cut(subspace, box, maps, [0] * len(maps), unit, level.units) for unit in range(level.units)])
        working = [unit for unit in range(level.units) if all(boxes_of[unit] is not None for boxes_of in cuts)]
        active *= len(working)
        boxes = [chosen for boxes_of in cuts if (chosen := boxes_of[working[0]]) is not None]
    return active


def simulated(parameters: EyerissLayer, batch: int, overrides: Sequence[str] = ()) -> Metrics:
    """Simulate a layer on the chip, or on one that differs from it by ``key=value`` overrides."""
    return simulate_mapping(chip_mapping(parameters, batch), machine("eyeriss", overrides))


def as_traffic_says(parameters: EyerissLayer) -> EyerissLayer:
    """Return a layer with the mapping whose traffic was measured, itself where that is the stated one."""
    return parameters.model_copy(update=parameters.traffic_as.model_dump()) if parameters.traffic_as else parameters


def latency_error(parameters: EyerissLayer, batch: int, overrides: Sequence[str] = ()) -> float:
    """Return the error of the simulated latency in percent of the chip's."""
    milliseconds = _milliseconds(simulated(parameters, batch, overrides))
    return 100 * (milliseconds - parameters.milliseconds) / parameters.milliseconds


def _milliseconds(metrics: Metrics) -> float:
    return metrics.cycles / (machine("eyeriss").clock_ghz * 10**6)


def buffer_megabytes(metrics: Metrics) -> float:
    """Return the traffic of the global buffer in MB of 10^6 bytes.

    Counted are inputs read, partial sums written and read back, and the outputs read at the end; not what is written
    from DRAM, nor filters. The source does not say what it counts: this is inferred, as what gives its figures.
    """
    upstream = metrics.boundaries[0].upstream
    outputs = upstream.output_write - upstream.output_read  # every output has one write that is no update
    elements = upstream.input_read + upstream.output_write + upstream.output_read + outputs
    return elements * machine("eyeriss").element_bytes / 10**6


def eyeriss_rows() -> Iterator[Row]:
    """Yield latency, traffic and active PEs of every layer, and the mean error of the latencies.

    That mean depends on two choices, so it is given for the others, too: double-buffered inputs, and layers mapped as
    their traffic says.
    """
    chip = published().eyeriss
    errors = []
    for layer in chip.layers:
        metrics = simulated(layer, chip.batch)
        row = _row(layer.name, "latency", "ms", _milliseconds(metrics), layer.milliseconds)
        errors.append(row.percent or 0)
        yield row
        yield from _traffic(layer, metrics)
        active = active_pes(chip_mapping(layer, chip.batch))
        yield Row("eyeriss", layer.name, "active PEs", "", active, layer.active_pes, chip.source, 0)
    yield _row("all", "mean error of latency", "%", _mean(errors), 0, chip.mean_limit_percent)
    doubled = [latency_error(layer, chip.batch, ["buffering=2"]) for layer in chip.layers]
    yield _row("all", "the same, inputs double-buffered", "%", _mean(doubled), 0)
    other = [latency_error(as_traffic_says(layer), chip.batch) for layer in chip.layers]
    yield _row("all", "the same, conv3 mapped as its traffic says", "%", _mean(other), 0)


def _mean(errors: Sequence[float]) -> float:
    return sum(map(abs, errors)) / len(errors)


def _row(name: str, quantity: str, unit: str, measured: float, figure: float, limit: float | None = None) -> Row:
    return Row("eyeriss", name, quantity, unit, measured, figure, published().eyeriss.source, limit, decimals=2)


def _traffic(layer: EyerissLayer, metrics: Metrics) -> Iterator[Row]:
    """Yield the traffic; published to 0.1 MB, so that half of that is the limit."""
    measured, limit = buffer_megabytes(metrics), 0.05
    if layer.traffic_as is None:
        yield _row(layer.name, "buffer traffic", "MB", measured, layer.megabytes, limit)
        return
    sets = ", ".join(f"{key} = {value}" for key, value in layer.traffic_as)
    other = buffer_megabytes(simulated(as_traffic_says(layer), published().eyeriss.batch))
    yield _row(layer.name, "buffer traffic", "MB", measured, layer.megabytes)
    yield _row(layer.name, f"buffer traffic with {sets}", "MB", other, layer.megabytes, limit)
