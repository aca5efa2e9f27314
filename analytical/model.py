"""The analytical model: time and traffic of a layer without enumerating its steps (§7)."""

from __future__ import annotations

from analytical.assumptions import PUBLISHED, Assumptions
from analytical.buffers import buffer_need
from analytical.counts import Counting, boundary
from analytical.reuse import tensor_size
from analytical.runtime import Analysis
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.metrics import L1, Metrics
from dataflow.regions import whole


def analyze(layer: Layer, dataflow: Dataflow, machine: Machine, assumptions: Assumptions = PUBLISHED) -> Metrics:
    """Return cycles and element counts of ``layer`` under a legal ``dataflow`` on ``machine``.

    The time this takes does not depend on the layer's extents. Raises `InputError` where the dataflow does not
    bind to the layer and the array, and ValueError for assumptions other than `PUBLISHED`.
    """
    if assumptions != PUBLISHED:
        raise ValueError(f"the closed form is that of PUBLISHED, not of {assumptions}")
    mapping = bind(layer, dataflow, machine.pes)
    analysis = Analysis(mapping, machine)
    region = whole(layer)
    cycles = analysis.runtime(0, region)
    counts = Counting(analysis).within(0, region)
    first_arrivals = (tensor_size(layer, "output", region), *(level.drained for level in counts[:-1]))
    return Metrics(
        cycles=cycles,
        compute_end=cycles - analysis.last_drain(0, region),
        steps=tuple(level.steps for level in counts),
        boundaries=tuple(boundary(level, first) for level, first in zip(counts, first_arrivals, strict=True)),
        l1=L1.of(layer.macs),
        buffers=buffer_need(analysis, region),
        utilization=layer.macs / (cycles * machine.pes * machine.lanes),
    )
