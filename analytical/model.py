"""The analytical model: time and traffic of a layer without enumerating its steps (§7)."""

from __future__ import annotations

from analytical.assumptions import REFINED, Assumptions
from analytical.timeline import TooLongError
from analytical.walk import Totals, Walk
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import L1, Boundary, Buffers, Downstream, Extremes, Metrics, Network, PerStep, Upstream
from dataflow.regions import whole


def analyze(layer: Layer, dataflow: Dataflow, machine: Machine, assumptions: Assumptions = REFINED) -> Metrics:
    """Return cycles and element counts of ``layer`` under a legal ``dataflow`` on ``machine``.

    Without assumptions (`REFINED`) every number is the one that the execution model gives. The time this takes does
    not depend on the layer's extents. Raises `InputError` where the dataflow cannot be bound to the layer and the
    number of PEs.
    """
    return analyze_mapping(bind(layer, dataflow, machine.pes), machine, assumptions)


def analyze_mapping(mapping: Mapping, machine: Machine, assumptions: Assumptions = REFINED) -> Metrics:
    """Like `analyze`, for a dataflow that is bound already."""
    try:
        walk = Walk(mapping, machine, assumptions)
    except TooLongError:
        walk = Walk(mapping, machine, assumptions, wide=True)
    cycles = walk.clock.end()
    macs = mapping.layer.macs
    boundaries: list[Boundary] = []
    stays = walk.workbook.axes.tile("output", whole(mapping.layer))
    for totals in walk.totals:
        boundaries.append(_boundary(totals, walk, stays))
        stays = totals.output.copies
    each = machine.buffering * machine.element_bytes
    return Metrics(
        cycles=cycles,
        compute_end=walk.clock.compute_end(),
        steps=tuple(totals.steps for totals in walk.totals),
        boundaries=tuple(boundaries),
        l1=L1.of(macs),
        buffers=Buffers(_l1_bytes(walk.totals[-1].largest, machine), each * sum(walk.totals[0].together)),
        utilization=macs / (cycles * machine.pes * machine.lanes),
    )


def _boundary(totals: Totals, walk: Walk, stays: int) -> Boundary:
    """Return a level's traffic; of the outputs that arrive, the first copy in each of ``stays`` is only written."""
    return Boundary(
        Upstream(
            walk.workbook.sent(totals.input),
            walk.workbook.sent(totals.filter),
            output_write=totals.collected,
            output_read=totals.collected - stays,
        ),
        Downstream(totals.input.copies, totals.filter.copies, output_drained=totals.output.copies),
        Network(distributed=totals.distributed, collected=totals.collected),
        _per_step(totals),
    )


def _per_step(totals: Totals) -> PerStep:
    distributed, collected, macs = map(Extremes, totals.least, totals.most)
    return PerStep(distributed, collected, macs, totals.busiest_macs)


def _l1_bytes(largest: tuple[int, ...], machine: Machine) -> int:
    """Return what a PE has to hold: as many tiles of each tensor as it has buffers for."""
    tiles = zip((machine.buffering, machine.filter_tiles, machine.output_tiles), largest, strict=True)
    return machine.element_bytes * sum(number * size for number, size in tiles)
