"""What stands behind the top level, as bounds: a DRAM, and an L2 with a single port.

Two assumptions are made here whatever the others are. *Hidden*: what takes longer, the memory with all its traffic or
all the rest, hides the other. *Fetched as sent*: a streamed tensor is fetched as often as the top level sends it, and
written as often as it leaves; what one unit has and another needs is fetched again. `simplified` says what of a machine
the analysis takes for something simpler.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from analytical.totals import Totals
from dataflow.hardware import Machine
from dataflow.layers import TENSORS, Layer
from dataflow.metrics import Dram


class Memory(NamedTuple):
    """The cycles that the memory takes at least, what passes between DRAM and L2, and the bytes that the L2 needs."""

    cycles: int
    dram: Dram | None
    l2_bytes: int


def memory(machine: Machine, layer: Layer, touched: dict[str, int], top: Totals) -> Memory:
    """Return what the memory takes for a layer with this traffic of the top level.

    ``touched`` are the elements of each tensor that the layer works with: windows may leave some out.
    """
    tiles = machine.buffering * machine.element_bytes
    passing = {tensor: tiles * elements for tensor, elements in zip(TENSORS, top.together, strict=True)}
    if machine.dram is None:
        return Memory(_port(machine, top.distributed + top.collected), None, sum(passing.values()))
    whole = {tensor: machine.element_bytes * _size(layer, tensor) for tensor in TENSORS}
    streamed = {"input": top.input.distinct, "filter": top.filter.distinct, "output": top.output.distinct}
    traffic = streamed | {"output": 2 * streamed["output"] - touched["output"]}
    saved = {tensor: traffic[tensor] - _size(layer, tensor) for tensor in TENSORS}
    resident = _resident(machine, saved, whole, passing)
    passed = {tensor: touched[tensor] if tensor in resident else streamed[tensor] for tensor in TENSORS}
    counts = Dram(passed["input"], passed["filter"], passed["output"] - touched["output"], passed["output"], resident)
    reads = counts.input_read + counts.filter_read + counts.output_read
    bus = -(-(reads + counts.output_write) // machine.dram.bandwidth) + machine.dram.latency
    port = _port(machine, top.distributed + top.collected + reads + counts.output_write)
    needed = sum(whole[tensor] if tensor in resident else passing[tensor] for tensor in TENSORS)
    return Memory(max(bus, port), counts, needed)


def simplified(machine: Machine, levels: int) -> list[str]:
    """Return what of a machine of so many cluster levels an analysis takes for something simpler, and for what."""
    return list(_simplified(machine, levels))


def _simplified(machine: Machine, levels: int) -> Iterator[str]:
    networks = [machine.network(level) for level in range(levels)]
    for topology in sorted({network.distribution.topology for network in networks} - {"bus"}):
        yield f"topology {topology} for a bus"
    if machine.sync == "dataflow":
        yield "sync: dataflow for a barrier"
    if any(network.collection.partial_sums == "return" for network in networks):
        yield "partial sums that return for sums that are added where they went"
    if machine.dram is not None:
        yield "the DRAM for a bound, hidden behind the rest" + (", without row buffers" * bool(machine.dram.row_buffer))
    if machine.l2.port_bandwidth is not None:
        yield "the single port of the L2 for a bound, hidden behind the rest"


def _port(machine: Machine, elements: int) -> int:
    return 0 if machine.l2.port_bandwidth is None else -(-elements // machine.l2.port_bandwidth)


def _size(layer: Layer, tensor: str) -> int:
    return prod(layer.sizes[axis] for axis in layer.tensor_axes(tensor))


def _resident(
    machine: Machine, saved: dict[str, int], whole: dict[str, int], passing: dict[str, int]
) -> tuple[str, ...]:
    """Return the tensors that stay in the L2: those stated, or those that save most per byte while they fit.

    ``saved`` are elements that then need not pass, ``whole`` and ``passing`` the bytes that a tensor takes or else its
    tiles do.
    """
    if machine.l2.resident is not None:
        return tuple(tensor for tensor in TENSORS if tensor in machine.l2.resident)
    more = {tensor: whole[tensor] - passing[tensor] for tensor in TENSORS}
    room = None if machine.l2.bytes is None else machine.l2.bytes - sum(passing.values())
    chosen = set()
    for tensor in sorted(TENSORS, key=lambda tensor: -saved[tensor] / max(more[tensor], 1)):
        if (saved[tensor] > 0 or more[tensor] <= 0) and (room is None or more[tensor] <= room):
            chosen.add(tensor)
            room = None if room is None else room - more[tensor]
    return tuple(tensor for tensor in TENSORS if tensor in chosen)
