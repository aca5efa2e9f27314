"""What the networks of a level carry: bandwidths, the cycles of single steps, and how much is shared."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from dataflow.hardware import Machine
from dataflow.metrics import Extremes, Metrics


@dataclass(frozen=True)
class Delay:
    """Cycles of a step, over all steps of a level's clusters; the average is taken before rounding up."""

    least: int
    average: float
    most: int


@dataclass(frozen=True)
class Port:
    """Elements per cycle of one port of a level: on average over the layer, at the peak, and what suffices.

    With a bandwidth of ``peak`` the transfer of no step takes longer than the quickest step computes. With one of
    ``sufficient`` every transfer takes one cycle: no larger one saves any. ``elements_per_step`` is the average over
    the steps of all clusters, ``delay`` how long a step occupies the port, latency not included.
    """

    average: float
    peak: float
    sufficient: int
    elements_per_step: float
    delay: Delay


@dataclass(frozen=True)
class LevelCost:
    """The ports of a level's clusters, how long their steps compute, and how their networks share.

    ``compute`` is what the busiest unit of a step takes if all its PEs are always busy. ``multicast`` is units that
    receive an element per element sent, by tensor; ``reduction`` is partial sums that leave units per element that
    arrives above: averages over the layer.
    """

    clusters: int
    distribution: Port
    collection: Port
    compute: Delay
    multicast: dict[str, float]
    reduction: float


def level_cost(level: int, metrics: Metrics, units: tuple[int, ...], machine: Machine) -> LevelCost:
    """Return what the networks of ``level`` carry; ``units`` are those of a cluster of each level, outermost first."""
    boundary, clusters, steps = metrics.boundaries[level], prod(units[:level]), metrics.steps[level]
    network, per_step = machine.network(level), boundary.per_step
    compute = _delay(per_step.macs, per_step.busiest_macs / steps, prod(units[level + 1 :]) * machine.lanes)

    def port(elements: int, of_a_step: Extremes, width: int | None) -> Port:
        return Port(
            average=elements / (metrics.cycles * clusters),
            peak=of_a_step.most / compute.least,
            sufficient=of_a_step.most,
            elements_per_step=elements / steps,
            delay=_delay(of_a_step, elements / steps, width),
        )

    return LevelCost(
        clusters=clusters,
        distribution=port(boundary.network.distributed, per_step.distributed, network.distribution.width),
        collection=port(boundary.network.collected, per_step.collected, network.collection.width),
        compute=compute,
        multicast={
            "input": boundary.downstream.input_write / boundary.upstream.input_read,
            "filter": boundary.downstream.filter_write / boundary.upstream.filter_read,
        },
        reduction=boundary.downstream.output_drained / boundary.network.collected,
    )


def _delay(amounts: Extremes, average: float, rate: int | None) -> Delay:
    """Return the cycles for amounts of which ``rate`` are done in a cycle; None is any number, in no time."""
    if rate is None:
        return Delay(0, 0.0, 0)
    return Delay(-(-amounts.least // rate), average / rate, -(-amounts.most // rate))
