"""Virtual neurons on a reduction tree: how well convolutions fill the array."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dataflow import catalog
from dataflow.layers import Layer
from dataflow.metrics import Metrics
from simulator.simulate import simulate
from validation.truth.published import ReductionLayer, machine, published
from validation.truth.rows import Row


def convolution(layer: ReductionLayer) -> Layer:
    """Return the layer as the source states it, without padding."""
    sizes = {"K": layer.K, "C": layer.C, "R": 3, "S": 3, "Y": layer.side, "X": layer.side}
    return Layer.of(layer.name, "CONV", sizes)


def simulated(layer: ReductionLayer) -> Metrics:
    """Simulate a layer in virtual neurons of R × S multipliers."""
    return simulate(convolution(layer), catalog.dataflow("maeri"), machine("maeri"))


def neuron_cycles(layer: Layer, pes: int) -> int:
    """Return the cycles of a layer at one product a cycle: C·Y'·X' for every fold of K over the virtual neurons."""
    sizes = layer.sizes
    neurons = pes // (sizes["R"] * sizes["S"])
    return -(-sizes["K"] // neurons) * prod(sizes[name] for name in ("N", "C", "Y'", "X'"))


def reduction_tree_rows() -> Iterator[Row]:
    """Yield published cycles of computing, each with what is simulated; they have to be the same."""
    figures = published().reduction_tree
    for layer in figures.layers:
        cycles = simulated(layer).compute_end
        yield Row(
            "reduction tree", layer.name, "cycles to the last product", "", cycles, layer.cycles, figures.source, 0
        )
