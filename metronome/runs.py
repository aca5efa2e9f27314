"""Run a workload: judge every layer, simulate it, analyse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from analytical import PUBLISHED, REFINED, Analysis, analyze_mapping
from analytical.cost import Cost, cost
from analytical.memory import simplified
from dataflow import catalog, legality
from dataflow.errors import InputError, Position
from dataflow.hardware import Machine
from dataflow.levels import Mapping, bind
from dataflow.metrics import Buffers, Metrics
from dataflow.technology import Technology
from metronome.workers import mapper
from metronome.workload import Task, Workload
from simulator.simulate import simulate_mapping

if TYPE_CHECKING:
    import pandas as pd

    from metronome.values import Numbers
    from validation.values import Verdict


@dataclass(frozen=True)
class LayerRun:
    """What became of one layer.

    ``error`` says why it is illegal (None if it is not) in a form for JSON, with ``message`` and, where known, the
    position; then there are no results. ``units`` are those of a cluster of each level, outermost first;
    ``analytical`` holds the results by assumption set, ``costs`` what each result costs by the model's name
    (``simulator`` or the assumption set's). ``values`` is what became of the numbers, None where none were carried.
    """

    name: str
    type: str
    macs: int
    units: tuple[int, ...]
    warnings: tuple[str, ...]
    error: dict[str, Any] | None
    simulator: Metrics | None
    analytical: dict[str, Metrics]
    costs: dict[str, Cost] = field(default_factory=dict)
    values: Verdict | None = None

    @property
    def legal(self) -> bool:
        """Whether the dataflow computes the layer, and its tiles fit."""
        return self.error is None

    def to_dict(self) -> dict[str, Any]:
        """Return the layer's entry of the result file."""
        head = {
            "name": self.name,
            "type": self.type,
            "macs": self.macs,
            "legal": self.legal,
            "units": list(self.units),
            "warnings": list(self.warnings),
        }
        if self.simulator is None:
            return head | {"error": self.error}
        return (
            head
            | self._values()
            | {
                "accelerated": self.simulator.accelerated,
                "simulator": self.simulator.to_dict(),
                "analytical": {name: metrics.to_dict() for name, metrics in self.analytical.items()},
                "energy": {name: each.energy.to_dict() for name, each in self.costs.items()},
                "cost": {name: each.to_dict() for name, each in self.costs.items()},
            }
        )

    def _values(self) -> dict[str, Any]:
        if self.values is None:
            return {}
        from metronome.values import to_dict

        return {"values": to_dict(self.values)}


@dataclass(frozen=True)
class Run:
    """All layers of a workload on a machine; ``technology`` is what they were costed with, None if they were not."""

    workload: str
    machine: Machine
    layers: tuple[LayerRun, ...]
    technology: Technology | None = None

    @property
    def simplified(self) -> list[str]:
        """What the analytical models take for something simpler than it is, each with what for."""
        return simplified(self.machine, max((len(layer.units) for layer in self.layers), default=0))

    def frame(self) -> pd.DataFrame:
        """Return one row per layer and model, counts as columns such as ``boundary[0].upstream.input_read``."""
        from metronome.frames import frame

        return frame(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result file's content."""
        from importlib.metadata import version

        return {
            "schema": 1,
            "metronome": version("metronome"),
            "workload": self.workload,
            "hardware": self.machine.to_dict(),
            **({"simplified": self.simplified} if self.simplified else {}),
            **({} if self.technology is None else {"technology": self.technology.model_dump(mode="json")}),
            "layers": [layer.to_dict() for layer in self.layers],
        }


@dataclass(frozen=True)
class Options:
    """How to run: whether tiles may exceed the scratchpads, and whether what repeats is skipped.

    ``assume`` names assumptions of a further analysis beside `PUBLISHED` and `REFINED`. With ``values``, every step is
    simulated, with these numbers in it.
    """

    allow_overflow: bool = False
    accelerate: bool = True
    assume: tuple[str, ...] = ()
    values: Numbers | None = None


def run(
    workload: Workload,
    machine: Machine,
    *,
    options: Options | None = None,
    workers: int = 1,
    progress: Callable[[LayerRun], None] | None = None,
) -> Run:
    """Simulate and analyse every layer, in ``workers`` processes; ``progress`` is called as layers get ready.

    Raises `InputError`, before any layer is simulated, for a dataflow that cannot be bound to its layer and the
    machine at all, and for a technology that is not known.
    """
    technology = catalog.technology(machine.technology)
    for task in workload.tasks:
        _bound(task, machine)
    one = partial(run_task, machine=machine, options=options or Options())
    finished = []
    with mapper(workers, len(workload.tasks)) as mapped:
        for layer in mapped(one, workload.tasks):
            finished.append(layer)
            if progress is not None:
                progress(layer)
    return Run(workload.name, machine, tuple(finished), technology)


def check(workload: Workload, machine: Machine, *, options: Options | None = None) -> Iterator[LayerRun]:
    """Judge every layer without simulating it: legality, and by the analytical model whether its tiles fit."""
    for task in workload.tasks:
        mapping = _bound(task, machine)
        error = _illegal(mapping)
        if error is not None:
            yield _layer_run(mapping, error)
            continue
        overflow = _overflow(task, machine, analyze_mapping(mapping, machine).buffers)
        if overflow is not None and not (options or Options()).allow_overflow:
            yield _layer_run(mapping, overflow.error())
        else:
            yield _layer_run(mapping, None, overflow=overflow)


def run_task(task: Task, machine: Machine, options: Options) -> LayerRun:
    """Judge, simulate, analyse and cost one layer."""
    mapping = _bound(task, machine)
    error = _illegal(mapping)
    if error is not None:
        return _layer_run(mapping, error)
    verdict = None if options.values is None else options.values.verify(mapping, machine)
    simulated = verdict.metrics if verdict else simulate_mapping(mapping, machine, accelerate=options.accelerate)
    overflow = _overflow(task, machine, simulated.buffers)
    if overflow is not None and not options.allow_overflow:
        return _layer_run(mapping, overflow.error())
    analysed = _analysed(mapping, machine, options)
    costs = _costs(mapping, machine, simulated, analysed)
    judged = _layer_run(mapping, None, overflow=overflow)
    return replace(judged, simulator=simulated, analytical=analysed, costs=costs, values=verdict)


def _bound(task: Task, machine: Machine) -> Mapping:
    """Bind a task; where that cannot be, say for which layer, if the dataflow is not the layer's own."""
    try:
        return bind(task.layer, task.dataflow, machine.pes)
    except InputError as error:
        if task.dataflow.name == task.layer.name:
            raise
        raise InputError(f"layer {task.layer.name}: {error.message}", error.where) from None


def _analysed(mapping: Mapping, machine: Machine, options: Options) -> dict[str, Metrics]:
    sets = {"published": PUBLISHED, "refined": REFINED}
    if options.assume:
        sets["assumed"] = REFINED.with_(**dict.fromkeys(options.assume, True))
    analysis = Analysis(mapping)
    return {name: analysis.metrics(machine, assumptions) for name, assumptions in sets.items()}


def _costs(mapping: Mapping, machine: Machine, simulated: Metrics, analysed: dict[str, Metrics]) -> dict[str, Cost]:
    technology = catalog.technology(machine.technology)
    results = {"simulator": simulated, **analysed}
    return {name: cost(metrics, mapping, machine, technology) for name, metrics in results.items()}


def _layer_run(mapping: Mapping, error: dict[str, Any] | None, *, overflow: _Overflow | None = None) -> LayerRun:
    """Return a layer that has been judged; ``overflow`` is one that is allowed."""
    layer = mapping.layer
    warnings = [*map(str, mapping.warnings), *([] if overflow is None else [overflow.warning()])]
    return LayerRun(layer.name, layer.type, layer.macs, mapping.units, tuple(warnings), error, None, {})


def _illegal(mapping: Mapping) -> dict[str, Any] | None:
    violation = legality.check(mapping)
    return None if violation is None else violation.to_dict() | {"text": str(violation)}


@dataclass(frozen=True)
class _Overflow:
    """Scratchpads that a layer's tiles do not fit into, each as (key in the hardware file, name, need, size in B)."""

    layer: str
    where: Position | None
    pads: tuple[tuple[str, str, int, int], ...]

    def error(self) -> dict[str, Any]:
        """Return the first of them as the layer's error, with what would mend it."""
        key, name, needed, holds = self.pads[0]
        message = (
            f"layer {self.layer}: its tiles take {needed} B in the {name}, which holds {holds} B; "
            f"map smaller tiles, enlarge it (--set {key}.bytes={needed}), or allow it with --allow-overflow"
        )
        return {"message": message, "position": self.where and asdict(self.where), "text": self._located(message)}

    def warning(self) -> str:
        """Return all of them in one line."""
        needs = ", and ".join(
            f"{needed} B in the {name}, which holds {holds} B" for _, name, needed, holds in self.pads
        )
        return self._located(f"layer {self.layer}: its tiles take {needs}")

    def _located(self, message: str) -> str:
        return message if self.where is None else f"{self.where}: {message}"


def _overflow(task: Task, machine: Machine, need: Buffers) -> _Overflow | None:
    """Return what does not fit into the scratchpads, None if everything does."""
    sizes = (("l1", "L1 of a PE", need.l1_bytes, machine.l1.bytes), ("l2", "L2", need.l2_bytes, machine.l2.bytes))
    pads = tuple(
        (key, name, needed, holds) for key, name, needed, holds in sizes if holds is not None and needed > holds
    )
    return _Overflow(task.layer.name, task.dataflow.position or task.layer.position, pads) if pads else None
