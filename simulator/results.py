"""From what happened to the answer sheet: counts per boundary (§4), time (§5) and buffer needs (§6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from dataflow.hardware import Machine
from dataflow.layers import TENSORS
from dataflow.levels import Mapping
from dataflow.metrics import L1, Boundary, Buffers, Downstream, Dram, Extremes, Metrics, Network, PerStep, Upstream
from simulator.activities import Activity
from simulator.dram import Memory
from simulator.nest import Region, Shape
from simulator.network import Blueprint
from simulator.record import Record
from simulator.returns import Returns
from simulator.tiles import TileSpace


def metrics(
    mapping: Mapping,
    machine: Machine,
    record: Record,
    tiles: TileSpace,
    blueprints: Sequence[Blueprint],
    memory: Memory | None = None,
    returns: Returns | None = None,
) -> Metrics:
    """Sum up the activities of all levels.

    Every stay of an element in a buffer begins with one plain write, and every later copy that arrives is read,
    added and written. So a buffer's output reads are the copies that arrived less the stays. A stay in a cluster
    buffer ends when the element drains to the level above; in the L2 every element of the output stays once.
    """
    cycles = max(record.compute_end, record.end) + record.skipped
    boundaries = []
    stays = tiles.elements("output", Region.whole(mapping.layer).lengths)
    for level, activities in enumerate(record.activities):
        boundary = _boundary(activities, machine, stays, _links(activities, blueprints[level]))
        boundaries.append(boundary if returns is None else _with_returns(boundary, returns, level, blueprints[level]))
        stays = boundary.downstream.output_drained
    macs = mapping.layer.macs
    return Metrics(
        cycles=cycles,
        compute_end=record.compute_end + record.skipped,
        steps=tuple(activities.total() for activities in record.activities),
        boundaries=tuple(boundaries),
        l1=L1.of(macs),
        buffers=_buffers(machine, record, tiles, memory),
        utilization=macs / (max(cycles, 1) * machine.pes * machine.lanes),
        stalls=dict(record.stalls),
        dram=None if memory is None else _dram(memory),
        accelerated=record.accelerated,
    )


def _with_returns(boundary: Boundary, returns: Returns, level: int, blueprint: Blueprint) -> Boundary:
    """Return the traffic where partial sums come back: read once more, and sent down beside the operands."""
    back, network = returns.returned[level], boundary.network
    links = returns.loads(level, blueprint)
    links.update(network.links)
    return replace(
        boundary,
        upstream=replace(boundary.upstream, output_read=returns.added[level] + back),
        network=replace(network, distributed=network.distributed + back, links=dict(links), returned=back),
        per_step=replace(boundary.per_step, distributed=_extremes(returns.distributed[level])),
    )


def _dram(memory: Memory) -> Dram:
    counts = {name: memory.traffic[name] for name in ("input_read", "filter_read", "output_read", "output_write")}
    return Dram(**counts, resident=tuple(tensor for tensor in TENSORS if tensor in memory.plan.resident))


def _links(activities: Counter[Activity], blueprint: Blueprint) -> dict[str, int]:
    """Return by link of a level's distribution networks the elements that crossed it, in all clusters together."""
    links: dict[str, int] = {}
    for activity, times in activities.items():
        for name, load in blueprint.loads(activity).items():
            links[name] = links.get(name, 0) + times * load
    return links


def _boundary(activities: Counter[Activity], machine: Machine, stays: int, links: dict[str, int]) -> Boundary:
    input_read = filter_read = input_write = filter_write = drained = collected = 0
    for activity, times in activities.items():
        input_write += times * activity.input.copies
        filter_write += times * activity.filter.copies
        input_read += times * (activity.input.distinct if machine.multicast else activity.input.copies)
        filter_read += times * (activity.filter.distinct if machine.multicast else activity.filter.copies)
        drained += times * activity.output.copies
        collected += times * activity.collected
    return Boundary(
        Upstream(input_read, filter_read, output_write=collected, output_read=collected - stays),
        Downstream(input_write, filter_write, output_drained=drained),
        Network(distributed=input_read + filter_read, collected=collected, links=links),
        PerStep(
            distributed=_extremes(activity.distributed for activity in activities),
            collected=_extremes(activity.collected for activity in activities),
            macs=_extremes(activity.largest for activity in activities),
            busiest_macs=sum(times * activity.largest for activity, times in activities.items()),
        ),
    )


def _extremes(amounts: Iterable[int]) -> Extremes:
    ascending = sorted(amounts)
    return Extremes(ascending[0], ascending[-1]) if ascending else Extremes(0, 0)


def _buffers(machine: Machine, record: Record, tiles: TileSpace, memory: Memory | None) -> Buffers:
    """Return the bytes for ``buffering`` tiles of each tensor: in a PE, and in the L2 for all top-level units.

    Before a DRAM the L2 needs room for resident tensors as a whole, and for tiles of the others.
    """
    top, innermost = ({activity.shape for activity in record.activities[level]} for level in (0, -1))
    buffers = (machine.buffering, machine.filter_tiles, machine.output_tiles)
    needed = sum(number * tile for number, tile in zip(buffers, largest_tiles(tiles, innermost), strict=True))
    l2_bytes = machine.buffering * sum(largest_together(tiles, top)) * machine.element_bytes
    return Buffers(l1_bytes=needed * machine.element_bytes, l2_bytes=l2_bytes if memory is None else memory.plan.bytes)


def largest_tiles(tiles: TileSpace, shapes: Collection[Shape]) -> list[int]:
    """Return the size of the largest tile of a unit, by tensor."""
    lengths = {shape.region(unit)[0] for shape in shapes for unit in shape.members}
    return [max([tiles.elements(tensor, each) for each in lengths], default=0) for tensor in TENSORS]


def largest_together(tiles: TileSpace, shapes: Collection[Shape]) -> list[int]:
    """Return the number of elements in all units' tiles taken together, where it is largest, by tensor."""
    alone = [tiles.compare([shape.tiles], []) for shape in shapes]
    return [max([each.moved(tensor).distinct for each in alone], default=0) for tensor in TENSORS]
