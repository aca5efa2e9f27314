"""Execute a layer with numbers in it: the simulated machine computes the output (`simulator.dataplane`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np

from dataflow.directives import Dataflow
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from simulator.dataplane import OPERANDS, DataPlane, Path, Work
from simulator.elements import Integers, tensor_shape
from simulator.simulate import simulate_mapping

#: Operands are drawn from ±1 … ± this; 0 would hide a missing factor.
LARGEST_DRAWN = 127


@dataclass(frozen=True)
class Execution:
    """A layer that was executed: what it took, the output, and what PEs should have had but had not.

    ``missing`` holds up to `DataPlane.LISTED` operands by PE (its unit at each level), tensor and flat index, out of
    ``missing_operands``. ``work`` is by flat index of a watched output and PE what was done for it.
    """

    metrics: Metrics
    output: Integers
    missing: tuple[tuple[Path, str, int], ...]
    missing_operands: int
    work: dict[int, dict[Path, Work]]


def execute(
    layer: Layer,
    dataflow: Dataflow,
    machine: Machine,
    *,
    inputs: Integers | None = None,
    filters: Integers | None = None,
    seed: int = 0,
) -> Execution:
    """Simulate a layer with numbers in it, every step of it; the dataflow may be illegal.

    ``inputs`` and ``filters`` are arrays of integers in the shapes of the layer's axes, drawn with ``seed`` where there
    are none. Raises `InputError` for others, for numbers so large that sums could overflow 64 bits, and where the
    dataflow cannot be bound.
    """
    mapping = bind(layer, dataflow, machine.pes)
    return execute_mapping(mapping, machine, *operands(layer, inputs, filters, seed))


def execute_mapping(
    mapping: Mapping, machine: Machine, inputs: Integers, filters: Integers, watched: Iterable[int] = ()
) -> Execution:
    """Like `execute`, for a dataflow that is bound and `operands`; outputs ``watched`` by flat index are followed."""
    plane = DataPlane(mapping.layer, inputs, filters, watched)
    metrics = simulate_mapping(mapping, machine, probe=plane)
    return Execution(metrics, plane.output, tuple(plane.missing), plane.missing_operands, plane.work)


def operands(
    layer: Layer, inputs: Integers | None = None, filters: Integers | None = None, seed: int = 0
) -> tuple[Integers, Integers]:
    """Return the arrays as 64-bit integers, drawn where there are none; raises `InputError` for what does not fit."""
    generator = np.random.default_rng(seed)
    found = []
    for tensor, given in zip(OPERANDS, (inputs, filters), strict=True):
        shape = tensor_shape(layer, tensor)
        drawn = generator.integers(1, LARGEST_DRAWN, shape, endpoint=True) * generator.choice((-1, 1), shape)
        found.append(drawn if given is None else _checked(layer, tensor, given, shape))
    largest = [max(abs(int(array.min())), abs(int(array.max()))) for array in found]
    summed = set(layer.tensor_axes("filter")) - set(layer.tensor_axes("output"))
    terms = prod(layer.sizes[axis] for axis in summed)
    if largest[0] * largest[1] * terms >= 2**63 or max(largest) >= 2**63:
        raise InputError(
            f"layer {layer.name}: inputs up to {largest[0]} and filters up to {largest[1]}: "
            f"sums of {terms} products could exceed 64 bits"
        )
    return found[0], found[1]


def _checked(layer: Layer, tensor: str, given: Integers, shape: tuple[int, ...]) -> Integers:
    axes = ", ".join(f"{axis} {size}" for axis, size in zip(layer.tensor_axes(tensor), shape, strict=True))
    if given.dtype.kind not in "iu":
        raise InputError(f"layer {layer.name}: {tensor}s are of type {given.dtype}; integers are needed")
    if given.shape != shape:
        raise InputError(f"layer {layer.name}: {tensor}s have the shape {given.shape}, not {shape} ({axes})")
    if given.max() >= 2**63:
        raise InputError(f"layer {layer.name}: {tensor}s are up to {given.max()}, which takes more than 64 bits")
    return given.astype(np.int64)
