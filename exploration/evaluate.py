"""One design by itself, by the analytical model's own calls: what every number of a sweep has to equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from analytical import analyze_mapping
from analytical.area import area
from analytical.cost import energy
from dataflow import legality
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Buffers, Metrics
from exploration.choices import preference
from exploration.objectives import Outcome, power_scale
from exploration.space import Design, Space

Model = Callable[[Mapping, Machine], Metrics]


@dataclass(frozen=True)
class Chosen:
    """A layer, the dataflow that computes it, and what a model says of it."""

    layer: Layer
    instance: int
    mapping: Mapping
    metrics: Metrics
    energy: Fraction


@dataclass(frozen=True)
class Evaluation:
    """A design and what comes of it; ``fault`` is why it is not valid: illegal, buffers, area or power.

    There is no outcome where it is illegal or tiles do not fit.
    """

    space: Space
    design: Design
    machine: Machine
    layers: tuple[Chosen, ...]
    area: Fraction | None
    fault: str | None

    @cached_property
    def outcome(self) -> Outcome | None:
        """Cycles, energy and area."""
        return self.judged_by(None) if self.layers else None

    def judged_by(self, model: Model | None) -> Outcome:
        """Return what comes of the design by another model, with the dataflows that the analytical one chose."""
        records = [
            (each.metrics, each.energy) if model is None else self._record(each, model(each.mapping, self.machine))
            for each in self.layers
        ]
        return Outcome(
            macs=sum(each.layer.macs for each in self.layers),
            cycles=sum(metrics.cycles for metrics, _ in records),
            energy=sum((energy for _, energy in records), Fraction()),
            area=self.area,
        )

    def _record(self, layer: Chosen, metrics: Metrics) -> tuple[Metrics, Fraction]:
        return metrics, energy(metrics, layer.layer.macs, self.machine, self.space.technology).total


def evaluate(space: Space, number: int) -> Evaluation:
    """Analyse a design; raises `InputError` where there is none of this number."""
    design = space.design(number)
    machine = space.machine_of(design.values)
    group = range(len(space.instances)) if design.instance is None else [design.instance]
    computing = [
        [chosen for instance in group if (chosen := _computed(space, layer, instance, machine)) is not None]
        for layer in space.targets[design.target][1]
    ]
    if not all(computing):
        return Evaluation(space, design, machine, (), None, "illegal")
    size = _area(space, machine, [chosen for of_layer in computing for chosen in of_layer])
    fitting = [[chosen for chosen in of_layer if _fits(space, machine, chosen)] for of_layer in computing]
    if not all(fitting):
        return Evaluation(space, design, machine, (), size, "buffers")
    best = tuple(min(of_layer, key=lambda chosen: _wanted(space, chosen)) for of_layer in fitting)
    found = Evaluation(space, design, machine, best, size, None)
    return replace(found, fault=excess(space, found.judged_by(None)))


def _computed(space: Space, layer: Layer, instance: int, machine: Machine) -> Chosen | None:
    """Analyse a layer under a dataflow; None where that does not compute it."""
    try:
        mapping = bind(layer, space.instances[instance].dataflow, machine.pes)
    except InputError:
        return None
    if legality.check(mapping) is not None:
        return None
    metrics = analyze_mapping(mapping, machine, space.assumptions)
    return Chosen(layer, instance, mapping, metrics, energy(metrics, layer.macs, machine, space.technology).total)


def _fits(space: Space, machine: Machine, chosen: Chosen) -> bool:
    need = chosen.metrics.buffers
    sizes = ((machine.l1.bytes, need.l1_bytes), (machine.l2.bytes, need.l2_bytes))
    return not space.limits.fit or all(holds is None or needed <= holds for holds, needed in sizes)


def _wanted(space: Space, chosen: Chosen) -> tuple[float, int, Fraction, int]:
    wanted = preference(space.best_by, chosen.metrics.cycles, float(chosen.energy))
    return wanted, chosen.metrics.cycles, chosen.energy, chosen.instance


def _area(space: Space, machine: Machine, computing: list[Chosen]) -> Fraction | None:
    """Return the area of a machine that can compute everything: with the networks of the largest clusters."""
    needs = [chosen.metrics.buffers for chosen in computing]
    most = Buffers(max(need.l1_bytes for need in needs), max(need.l2_bytes for need in needs))
    shapes = {chosen.mapping.units for chosen in computing}
    totals = [area(units, machine, space.technology, most).total for units in shapes]
    known = [total for total in totals if total is not None]
    return max(known) if len(known) == len(totals) else None


def excess(space: Space, outcome: Outcome) -> str | None:
    """Return what an outcome takes too much of, area or power; None where it is within the limits."""
    limits = space.limits
    if limits.area_um2 is not None and outcome.area is not None and outcome.area > limits.area_um2:
        return "area"
    scale = power_scale(space.machine, space.technology)
    if limits.power_mw is not None and scale is not None and outcome.energy * scale > limits.power_mw * outcome.cycles:
        return "power"
    return None
