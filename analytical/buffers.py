"""What the scratchpads have to hold at the same time."""

from __future__ import annotations

from analytical.regions import Region
from analytical.reuse import tensor_size
from analytical.runtime import Analysis
from dataflow.layers import TENSORS
from dataflow.metrics import Buffers


def buffer_need(analysis: Analysis, region: Region) -> Buffers:
    """Return the bytes that a PE and the L2 need for ``buffering`` of their largest tiles of every tensor.

    The largest tile of a PE is among those of the largest units' first steps: chunks start out full.
    """
    mapping, machine = analysis.mapping, analysis.machine
    top_steps = analysis.steps(0, region).kinds
    together = sum(max(step.held[tensor] for step in top_steps) for tensor in TENSORS)
    for level in range(len(mapping.levels)):
        region = analysis.steps(level, region).kinds[0].region
    alone = sum(tensor_size(mapping.layer, tensor, region) for tensor in TENSORS)
    bytes_per_element = machine.element_bytes * machine.buffering
    return Buffers(l1_bytes=bytes_per_element * alone, l2_bytes=bytes_per_element * together)
