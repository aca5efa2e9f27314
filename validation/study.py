"""How much of the published model's error each named assumption causes, layer by layer and by dataflow.

The yardstick is the analytical model without assumptions, which gives the simulator's numbers, or the simulator
itself. An assumption is looked at twice: made alone, and added in the order of `analytical.NAMES` to those before it.
The differences that are made in order add up to the error of the published model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from types import MappingProxyType

from analytical import NAMES, REFINED, Analysis, Assumptions
from dataflow import legality
from dataflow.directives import Dataflow
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping as Bound
from dataflow.levels import bind
from dataflow.metrics import Buffers, Metrics
from simulator.simulate import simulate_mapping


def _l2_reads(metrics: Metrics) -> int:
    upstream = metrics.boundaries[0].upstream
    return upstream.input_read + upstream.filter_read


def _l2_accesses(metrics: Metrics) -> int:
    upstream = metrics.boundaries[0].upstream
    return _l2_reads(metrics) + upstream.output_write + upstream.output_read


def _network(metrics: Metrics) -> int:
    return sum(boundary.network.distributed + boundary.network.collected for boundary in metrics.boundaries)


def _l1_accesses(metrics: Metrics) -> int:
    found: int = sum(vars(metrics.l1).values()) + sum(vars(metrics.boundaries[-1].downstream).values())
    return found


#: What is compared, each a positive number for every layer: time, and the counts that energy follows from.
MEASURES: Mapping[str, Callable[[Metrics], int]] = MappingProxyType(
    {
        "cycles": lambda metrics: metrics.cycles,
        "l2_reads": _l2_reads,
        "l2_accesses": _l2_accesses,
        "network": _network,
        "l1_accesses": _l1_accesses,
    }
)

#: Where the simulator is the yardstick: how far the analytical model is from it before any assumption.
MODEL = "refined"

#: A number for every measure.
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Case:
    """A layer under a dataflow on a machine, with the names they are called by.

    ``layers`` are the places in which a layer of these sizes occurs, as (network, layer) names; ``dataflow_name`` and
    ``machine_name`` are what to write after ``--dataflow`` and ``--hardware``.
    """

    layer: Layer
    dataflow: Dataflow
    machine: Machine
    layers: tuple[tuple[str, str], ...]
    dataflow_name: str
    machine_name: str


@dataclass(frozen=True)
class LeftOut:
    """A case that is not studied, and why."""

    case: Case
    reason: str


@dataclass(frozen=True)
class Finding:
    """What the assumptions do to one case.

    ``yardstick`` are the true counts; ``alone`` those under each assumption on its own; ``in_order`` those under each
    one and all before it, the last of which are the published model's. Where the simulator is the yardstick,
    ``in_order`` begins with the analytical model without assumptions, as `MODEL`.
    """

    case: Case
    yardstick: Counts
    alone: Mapping[str, Counts]
    in_order: Mapping[str, Counts]

    @property
    def published(self) -> Counts:
        """The counts under all assumptions."""
        return self.in_order[NAMES[-1]]

    def error(self, measure: str) -> Fraction:
        """Return by how many percent of the true count the published model says more."""
        return self._percent(self.published[measure] - self.yardstick[measure], measure)

    def alone_error(self, name: str, measure: str) -> Fraction:
        """Return the error, in percent, under one assumption."""
        return self._percent(self.alone[name][measure] - self.yardstick[measure], measure)

    def added(self, measure: str) -> dict[str, int]:
        """Return by how much each assumption in turn changes the count: together, the published model's excess."""
        added, before = {}, self.yardstick[measure]
        for name, counts in self.in_order.items():
            added[name] = counts[measure] - before
            before = counts[measure]
        return added

    def contributions(self, measure: str) -> dict[str, Fraction]:
        """Return what `added` says in percent of the true count: together, the `error`."""
        return {name: self._percent(change, measure) for name, change in self.added(measure).items()}

    def _percent(self, difference: int, measure: str) -> Fraction:
        return Fraction(100 * difference, self.yardstick[measure])


@dataclass(frozen=True)
class Summary:
    """Errors in percent over layers.

    ``median`` and ``worst`` carry a sign, positive where the model says more; ``worst`` is the one farthest from 0.
    At least 95 % of the layers are no farther from 0 than ``percentile_95``.
    """

    median: Fraction
    percentile_95: Fraction
    worst: Fraction


@dataclass(frozen=True)
class Family:
    """All findings about a dataflow on a machine. Every layer counts as often as it occurs in the networks."""

    dataflow: str
    machine: str
    findings: tuple[Finding, ...]

    @property
    def layers(self) -> int:
        """How many layers of the networks were studied, repeated ones included."""
        return sum(len(finding.case.layers) for finding in self.findings)

    def error(self, measure: str) -> Summary:
        """Return the error of the published model."""
        return self._summary(lambda finding: finding.error(measure))

    def alone_error(self, name: str, measure: str) -> Summary:
        """Return the error under one assumption."""
        return self._summary(lambda finding: finding.alone_error(name, measure))

    def mean_error(self, measure: str) -> Fraction:
        """Return the mean error of the published model over the layers."""
        return self._mean([finding.error(measure) for finding in self.findings])

    def contributions(self, measure: str) -> dict[str, Fraction]:
        """Return the mean contribution of each assumption in turn; together, the `mean_error`."""
        names = self.findings[0].in_order
        shares = [finding.contributions(measure) for finding in self.findings]
        return {name: self._mean([share[name] for share in shares]) for name in names}

    def worst(self, measure: str) -> Finding:
        """Return the finding with the largest error, the first one of several."""
        return max(self.findings, key=lambda finding: abs(finding.error(measure)))

    def _mean(self, values: Sequence[Fraction]) -> Fraction:
        weighted = (value * len(each.case.layers) for value, each in zip(values, self.findings, strict=True))
        return sum(weighted, Fraction()) / self.layers

    def _summary(self, value: Callable[[Finding], Fraction]) -> Summary:
        return summary([error for each in self.findings for error in [value(each)] * len(each.case.layers)])


def summary(errors: Sequence[Fraction]) -> Summary:
    """Summarise errors, at least one. The median of an even number of them is the mean of the middle two."""
    ascending, sizes = sorted(errors), sorted(map(abs, errors))
    middle = len(errors) // 2
    return Summary(
        median=(ascending[middle] + ascending[~middle]) / 2,
        percentile_95=sizes[ceil(Fraction(95, 100) * len(sizes)) - 1],
        worst=max(errors, key=abs),
    )


def families(findings: Iterable[Finding]) -> list[Family]:
    """Group findings by dataflow and machine, in the order in which these first appear."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        grouped.setdefault((finding.case.machine_name, finding.case.dataflow_name), []).append(finding)
    return [Family(dataflow, machine, tuple(found)) for (machine, dataflow), found in grouped.items()]


def study(case: Case, *, simulate: bool = False, allow_overflow: bool = False) -> Finding | LeftOut:
    """Analyse a case under every assumption alone and in order.

    ``simulate`` makes the simulator the yardstick. A case is left out if its dataflow does not compute the layer on
    the machine, or if, without ``allow_overflow``, its tiles do not fit.
    """
    try:
        mapping = bind(case.layer, case.dataflow, case.machine.pes)
        violation = legality.check(mapping)
    except InputError as error:
        return LeftOut(case, str(error))
    if violation is not None:
        return LeftOut(case, str(violation))
    analysed = _Analyses(mapping, case.machine)
    if not allow_overflow and (overflow := _overflow(analysed.metrics(REFINED).buffers, case.machine)):
        return LeftOut(case, overflow)
    refined = analysed.counts(REFINED)
    in_order, made = {}, REFINED
    if simulate:
        in_order[MODEL] = refined
    for name in NAMES:
        made = made.with_(**{name: True})
        in_order[name] = analysed.counts(made)
    return Finding(
        case,
        _counts(simulate_mapping(mapping, case.machine)) if simulate else refined,
        {name: analysed.counts(REFINED.with_(**{name: True})) for name in NAMES},
        in_order,
    )


class _Analyses:
    """The analyses of one mapping, each made once."""

    def __init__(self, mapping: Bound, machine: Machine) -> None:
        self._levels = len(mapping.levels)
        self._analysis = Analysis(mapping)
        self._machine = machine
        self._made: dict[Assumptions, Metrics] = {}

    def metrics(self, assumptions: Assumptions) -> Metrics:
        needed = effective(assumptions, self._levels)
        if needed not in self._made:
            self._made[needed] = self._analysis.metrics(self._machine, needed)
        return self._made[needed]

    def counts(self, assumptions: Assumptions) -> Counts:
        return _counts(self.metrics(assumptions))


def effective(assumptions: Assumptions, levels: int) -> Assumptions:
    """Drop the assumptions that change nothing for a mapping of that many levels.

    What concerns levels within levels does not where there is but one. And steps that go hand in hand with their
    drains have no output tile to wait for.
    """
    if levels == 1:
        assumptions = assumptions.with_(restart_reuse=False, restart_pipeline=False, worst_unit=False)
    return assumptions.with_(steady_drain=False) if assumptions.lockstep else assumptions


def _counts(metrics: Metrics) -> Counts:
    return {measure: count(metrics) for measure, count in MEASURES.items()}


def _overflow(need: Buffers, machine: Machine) -> str | None:
    """Return what does not fit into the scratchpads, None if everything does."""
    for label, needed, pad in (("L1 of a PE", need.l1_bytes, machine.l1), ("L2", need.l2_bytes, machine.l2)):
        if pad.bytes is not None and needed > pad.bytes:
            return f"its tiles take {needed} B in the {label}, which holds {pad.bytes} B"
    return None
