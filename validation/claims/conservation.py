"""Claims about the traffic of one run: nothing gets lost, nothing comes from nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dataflow.metrics import Boundary, Metrics
from validation.claims.claim import OUTSIDE, Claim, Outcome, none_of
from validation.claims.observation import Observation
from validation.reference_regions import Cluster, coordinates, life, whole

_OPERANDS = ("input", "filter")


def _read(boundary: Boundary, tensor: str) -> int:
    return boundary.upstream.input_read if tensor == "input" else boundary.upstream.filter_read


def _written(boundary: Boundary, tensor: str) -> int:
    return boundary.downstream.input_write if tensor == "input" else boundary.downstream.filter_write


def _elements(case: Observation, tensor: str) -> int:
    region = whole(case.layer)
    return prod(len(coordinates(case.layer, region, axis)) for axis in case.layer.tensor_axes(tensor))


def _models(case: Observation) -> tuple[tuple[str, Metrics], ...]:
    return ("simulated", case.simulated), ("refined", case.refined)


def _distribution(case: Observation) -> Outcome:
    return none_of(fault for model, found in _models(case) for fault in _wrongly_distributed(case, model, found))


def _wrongly_distributed(case: Observation, model: str, found: Metrics) -> Iterator[str]:
    for level, (boundary, units) in enumerate(zip(found.boundaries, case.mapping.units, strict=True)):
        sent = boundary.upstream.input_read + boundary.upstream.filter_read
        if boundary.network.distributed != sent:
            yield f"{model} level {level}: {boundary.network.distributed} distributed, {sent} read"
        for tensor in _OPERANDS:
            read, written = _read(boundary, tensor), _written(boundary, tensor)
            if not read <= written <= read * (units if case.machine.multicast else 1):
                yield f"{model} level {level}: {tensor} {read} read, {written} written by {units} units"


def _collection(case: Observation) -> Outcome:
    return none_of(fault for model, found in _models(case) for fault in _wrongly_collected(case, model, found))


def _wrongly_collected(case: Observation, model: str, found: Metrics) -> Iterator[str]:
    for level, (boundary, units) in enumerate(zip(found.boundaries, case.mapping.units, strict=True)):
        collected, drained = boundary.network.collected, boundary.downstream.output_drained
        if collected != boundary.upstream.output_write:
            yield f"{model} level {level}: {collected} collected, {boundary.upstream.output_write} written"
        reduced = case.machine.network(level).collection.reduction != "none"
        if not collected <= drained <= collected * (units if reduced else 1):
            yield f"{model} level {level}: {drained} drained, {collected} collected from {units} units"


def _stays(case: Observation) -> Outcome:
    return none_of(fault for model, found in _models(case) for fault in _wrong_stays(case, model, found))


def _wrong_stays(case: Observation, model: str, found: Metrics) -> Iterator[str]:
    stays = _elements(case, "output")
    for level, boundary in enumerate(found.boundaries):
        first = boundary.upstream.output_write - boundary.upstream.output_read
        if first != stays:
            yield f"{model} level {level}: {first} first copies for {stays} stays"
        stays = boundary.downstream.output_drained


def _compulsory(case: Observation) -> Outcome:
    top = case.simulated.boundaries[0]
    pairs = {tensor: (_read(top, tensor), _elements(case, tensor)) for tensor in _OPERANDS}
    return none_of(f"{name}: {read} read, {all_} needed" for name, (read, all_) in pairs.items() if read < all_)


def _passed_on(case: Observation) -> Outcome:
    if case.reference is None or len(case.mapping.levels) == 1 or not _always_busy(life(case.mapping)):
        return OUTSIDE
    return none_of(
        f"level {level + 1}: {_read(below, tensor)} {tensor} read, {_written(above, tensor)} received"
        for level, (above, below) in enumerate(
            zip(case.simulated.boundaries, case.simulated.boundaries[1:], strict=False)
        )
        for tensor in _OPERANDS
        if _read(below, tensor) < _written(above, tensor)
    )


def _always_busy(cluster: Cluster) -> bool:
    """Tell whether no unit below the top level is ever idle while its cluster works."""
    return all(region is not None for unit in cluster.units for step in unit.steps for region in step.regions) and all(
        map(_always_busy, cluster.units)
    )


CLAIMS = (
    Claim(
        "distribution",
        "At every boundary as many elements are distributed as are read upstream; with multicast each is written by "
        "one to all of a cluster's units, without by exactly one.",
        "legal dataflows, both models",
        "equal; within",
        _distribution,
    ),
    Claim(
        "collection",
        "At every boundary as many elements are written upstream as are collected; with a reduction network each is "
        "the sum of what one to all of a cluster's units drain, without it is what one drains.",
        "legal dataflows, both models",
        "equal; within",
        _collection,
    ),
    Claim(
        "stays",
        "output_write − output_read is the number of output elements in the L2, and in the buffers below it the number "
        "of elements that drain to the level above: every stay begins with one plain write.",
        "legal dataflows, both models",
        "equal",
        _stays,
    ),
    Claim(
        "compulsory reads",
        "Every input and filter element that the layer touches is read from the L2 at least once.",
        "legal dataflows",
        "at least",
        _compulsory,
    ),
    Claim(
        "passed on",
        "A cluster buffer reads, of inputs and of filters, at least what it received.",
        "legal dataflows of two levels or more in which no unit below the top is idle while its cluster works; "
        "layers small enough for the reference",
        "at least",
        _passed_on,
    ),
)
