"""The naive reference: every step, every tile and every cycle of a small layer, enumerated from the rules.

It arbitrates between the models, so it shares nothing with them but the question and the answer sheet, and
prefers the literal rule to speed: fit for layers of up to some 100,000 MACs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dataflow.hardware import Machine
from dataflow.layers import TENSORS
from dataflow.levels import Mapping
from dataflow.metrics import L1, Buffers, Metrics
from validation.reference_decoupled import DecoupledTimeline
from validation.reference_regions import Cluster, Region, Tiles, life, points, steps_under, whole
from validation.reference_time import STALLS, Timeline
from validation.reference_traffic import boundary, follow

#: how the units of a cluster keep together, by what hardware files call it
TIMELINES: dict[str, type[Timeline]] = {"barrier": Timeline, "dataflow": DecoupledTimeline}


def enumerate_layer(mapping: Mapping, machine: Machine) -> Metrics:
    """Return the time and traffic of ``mapping``, a legal dataflow bound to its layer, on ``machine``."""
    tiles = Tiles(mapping.layer)
    top = life(mapping)
    levels = range(len(mapping.levels))
    traffic = follow(tiles, machine, top)
    timeline = TIMELINES[machine.sync](tiles, machine, top, traffic)
    timeline.run(parent_step=0, parent_arrival=0, barrier=0)
    cycles = timeline.finished()
    macs = mapping.layer.macs
    return Metrics(
        cycles=cycles,
        compute_end=max(timeline.ends),
        steps=tuple(sum(len(cluster.steps) for cluster in _of_level(top, level)) for level in levels),
        boundaries=tuple(boundary(traffic, level, timeline.links(level)) for level in levels),
        l1=L1.of(macs),
        buffers=_buffers(tiles, machine, top, innermost=levels[-1]),
        utilization=macs / (cycles * machine.pes * machine.lanes),
        stalls={cause: sum(cluster.stalls[cause] for cluster in timeline.innermost()) for cause in STALLS},
    )


def computed_points(mapping: Mapping) -> Counter[tuple[int, ...]]:
    """Count how often the PEs compute each point of the iteration space; any dataflow will do, legal or not.

    Points are coordinates in the order of ``mapping.layer.dimensions``; one that is never computed is absent.
    """
    layer = mapping.layer
    regions = [whole(layer)]
    for level in mapping.levels:
        regions = [
            region
            for parent in regions
            for step in steps_under(layer, level, parent)
            for region in step
            if region is not None
        ]
    return Counter(point for region in regions for point in points(layer, region))


def _of_level(cluster: Cluster, level: int) -> Iterator[Cluster]:
    if cluster.level == level:
        yield cluster
    for unit in cluster.units:
        yield from _of_level(unit, level)


def _buffers(tiles: Tiles, machine: Machine, top: Cluster, innermost: int) -> Buffers:
    """Return the need of a PE's scratchpad and of the L2: the largest tiles, ``buffering`` times."""
    pe_regions = [region for cluster in _of_level(top, innermost) for step in cluster.steps for region in step.regions]
    buffers = {"input": machine.buffering, "filter": machine.filter_tiles, "output": machine.output_tiles}
    l1_elements = sum(buffers[t] * max(len(tiles.of(region, t)) for region in pe_regions) for t in TENSORS)
    l2_elements = sum(max(_together(tiles, step.regions, tensor) for step in top.steps) for tensor in TENSORS)
    unit = machine.element_bytes * machine.buffering
    return Buffers(machine.element_bytes * l1_elements, unit * l2_elements)


def _together(tiles: Tiles, regions: tuple[Region | None, ...], tensor: str) -> int:
    """Return how many elements of a tensor the units that are active in a step touch together."""
    return len(frozenset().union(*(tiles.of(region, tensor) for region in regions)))
