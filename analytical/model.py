"""The analytical model: time and traffic of a layer without enumerating its steps (§7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analytical.assumptions import REFINED, Assumptions
from analytical.clock import Clock
from analytical.clusters import kinds
from analytical.durations import Durations
from analytical.memory import Memory, memory
from analytical.ports import Ports
from analytical.positions import Tree
from analytical.schedule import Schedule, Step
from analytical.timeline import Cycles
from analytical.timelines import Timelines, latest
from analytical.totals import Totals, totals
from analytical.traffic import Axes
from analytical.work import Work, Workbook
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import TENSORS, Layer
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
    return Analysis(mapping).metrics(machine, assumptions)


@dataclass(frozen=True)
class Counts:
    """The part of a record that does not depend on how fast anything is: steps, traffic, and what buffers hold."""

    steps: tuple[int, ...]
    boundaries: tuple[Boundary, ...]
    l1: L1
    buffers: Buffers


class Analysis:
    """The schedules of a mapping, for questions about it under several assumptions and on several machines."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._axes = Axes(mapping.layer)
        self._trees = [Tree(subspace, mapping.levels) for subspace in mapping.layer.subspaces]
        self._kind = kinds(mapping, self._trees)
        self._touched = {tensor: self._axes.tile(tensor, whole(mapping.layer)) for tensor in TENSORS}
        self._schedules: dict[tuple[bool, bool], Schedule] = {}

    def metrics(self, machine: Machine, assumptions: Assumptions = REFINED) -> Metrics:
        """Return cycles and element counts, on a machine with as many PEs as the dataflow was bound to."""
        mapping, macs = self._mapping, self._mapping.layer.macs
        by_level = self._totals(machine, assumptions)
        clock = Clock(mapping, machine, self._schedule(assumptions), assumptions)
        behind = self._behind(machine, by_level)
        cycles = max(*clock.ends(), behind.cycles)
        counts = self._counts(machine, by_level, behind)
        return Metrics(
            cycles=cycles,
            compute_end=clock.compute_end(),
            steps=counts.steps,
            boundaries=counts.boundaries,
            l1=counts.l1,
            buffers=counts.buffers,
            utilization=macs / (cycles * machine.pes * machine.lanes),
            dram=behind.dram,
        )

    def counts(self, machine: Machine, assumptions: Assumptions = REFINED) -> Counts:
        """Return what `metrics` says but for times."""
        by_level = self._totals(machine, assumptions)
        return self._counts(machine, by_level, self._behind(machine, by_level))

    def works(self, assumptions: Assumptions) -> Iterator[tuple[int, Work]]:
        """Yield every distinct step's level and work."""
        for stretch in self._schedule(assumptions).stretches:
            if isinstance(stretch, Step):
                yield stretch.kind.level, stretch.work

    def times(self, machine: Machine, assumptions: Assumptions, durations: Durations) -> tuple[Cycles, Cycles]:
        """Return when all and when computing ends on many machines that are like one but for ``durations``.

        What stands behind the top level is not looked at (`bound`).
        """
        clock = Clock(self._mapping, machine, self._schedule(assumptions), assumptions, durations, Timelines)
        return latest(clock.ends()), clock.compute_end()

    def time(self, machine: Machine, assumptions: Assumptions, durations: Durations) -> tuple[int, int]:
        """Like `times`, on a single machine with numbers for durations."""
        clock = Clock(self._mapping, machine, self._schedule(assumptions), assumptions, durations)
        return max(clock.ends()), clock.compute_end()

    def bound(self, machine: Machine, assumptions: Assumptions) -> int:
        """Return the cycles that what stands behind the top level takes at least."""
        return self._behind(machine, self._totals(machine, assumptions)).cycles

    def _totals(self, machine: Machine, assumptions: Assumptions) -> list[Totals]:
        return totals(self._schedule(assumptions), len(self._mapping.levels), Ports(machine), assumptions)

    def _behind(self, machine: Machine, by_level: list[Totals]) -> Memory:
        return memory(machine, self._mapping.layer, self._touched, by_level[0])

    def _counts(self, machine: Machine, by_level: list[Totals], behind: Memory) -> Counts:
        ports, boundaries = Ports(machine), []
        stays = self._touched["output"]
        for each in by_level:
            boundaries.append(_boundary(each, ports, stays))
            stays = each.output.copies
        return Counts(
            steps=tuple(each.steps for each in by_level),
            boundaries=tuple(boundaries),
            l1=L1.of(self._mapping.layer.macs),
            buffers=Buffers(_l1_bytes(by_level[-1].largest, machine), behind.l2_bytes),
        )

    def _schedule(self, assumptions: Assumptions) -> Schedule:
        restart = assumptions.restart_reuse
        first = assumptions.restart_pipeline if assumptions.lockstep else restart
        if (restart, first) not in self._schedules:
            workbook = Workbook(self._mapping, self._trees, self._axes, restart=restart, restart_pipeline=first)
            schedule = Schedule(self._mapping, self._trees, self._kind, workbook, restart=restart and first)
            self._schedules[restart, first] = schedule
        return self._schedules[restart, first]


def _boundary(totals: Totals, ports: Ports, stays: int) -> Boundary:
    """Return a level's traffic; of the outputs that arrive, the first copy in each of ``stays`` is only written."""
    return Boundary(
        Upstream(
            ports.sent(totals.input),
            ports.sent(totals.filter),
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
