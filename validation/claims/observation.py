"""A case and what the models say about it, worked out when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analytical import PUBLISHED, REFINED, Analysis, analyze
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.key_paths import flat
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from simulator.simulate import simulate_mapping
from validation.reference import enumerate_layer

#: MACs up to which the naive reference enumerates a layer
REFERENCE_LIMIT = 2000


@dataclass(frozen=True)
class Observation:
    """A layer under a dataflow on a machine, with the results of all models.

    Everything but the case itself is lazy; ``mapping`` raises `InputError` where the dataflow cannot be bound.
    """

    layer: Layer
    dataflow: Dataflow
    machine: Machine

    @cached_property
    def mapping(self) -> Mapping:
        """The dataflow bound to the layer and the machine's PEs."""
        return bind(self.layer, self.dataflow, self.machine.pes)

    @cached_property
    def simulated(self) -> Metrics:
        """What the simulator finds."""
        return simulate_mapping(self.mapping, self.machine)

    @cached_property
    def analysis(self) -> Analysis:
        """What the analytical model knows of the mapping, whatever it is asked."""
        return Analysis(self.mapping)

    @cached_property
    def refined(self) -> Metrics:
        """What the analytical model finds without assumptions."""
        return self.analysis.metrics(self.machine, REFINED)

    @cached_property
    def published(self) -> Metrics:
        """What the analytical model finds with the assumptions of the MAESTRO paper."""
        return self.analysis.metrics(self.machine, PUBLISHED)

    @cached_property
    def reference(self) -> Metrics | None:
        """What the naive reference finds; None for more than `REFERENCE_LIMIT` MACs."""
        return enumerate_layer(self.mapping, self.machine) if self.layer.macs <= REFERENCE_LIMIT else None

    def on(self, machine: Machine) -> Metrics:
        """Return what the refined model finds for the same layer and dataflow on another machine."""
        return analyze(self.layer, self.dataflow, machine)

    def clusters(self, level: int) -> int:
        """Return how many clusters of a level there are."""
        count = 1
        for units in self.mapping.units[:level]:
            count *= units
        return count


def differing(found: Metrics, expected: Metrics, *, leave_out: tuple[str, ...] = ()) -> list[str]:
    """Return where two records differ, as ``key: found, expected``; whole keys of the record can be left out."""
    mine, theirs = (
        dict(flat({key: value for key, value in record.to_dict().items() if key not in leave_out}))
        for record in (found, expected)
    )
    keys = sorted(mine.keys() | theirs.keys())
    return [f"{key}: {mine.get(key)}, {theirs.get(key)}" for key in keys if mine.get(key) != theirs.get(key)]
