"""Look at one case from all sides, and turn what is found, exceptions included, into a row of the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from math import isfinite
from pathlib import Path
from time import perf_counter
from traceback import extract_tb
from typing import Any, TypeVar

from analytical import NAMES, REFINED
from dataflow.directives import Cluster, Dataflow, Map, MappedLayer, Network
from dataflow.errors import InputError
from dataflow.hardware_files import parse_machine
from dataflow.layers import Layer
from dataflow.metrics import Metrics
from dataflow.reader import parse_network
from dataflow.writer import write_network
from validation.claims import CLAIMS, Observation
from validation.claims.claim import Outcome
from validation.store import CaseRecord
from validation.strategies import Case

T = TypeVar("T")

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("dataflow", "analytical", "simulator", "validation")


class _Stages:
    """Does a case's work stage by stage: takes the time, and notes exceptions instead of passing them on."""

    def __init__(self) -> None:
        self.durations: dict[str, float] = {}
        self.errors: list[str] = []

    def run(self, stage: str, work: Callable[[], T], label: str = "") -> T | None:
        """Return what ``work`` returns, None if it raises; the time is added to that of ``stage``."""
        start = perf_counter()
        try:
            return work()
        except Exception as error:
            self.errors.append(f"{label or stage}: {described(error)}")
            return None
        finally:
            self.durations[stage] = self.durations.get(stage, 0.0) + perf_counter() - start


def examine(number: int, case: Case) -> CaseRecord:
    """Observe ``case`` by every model, hold it against every claim, and return its row."""
    layer, dataflow, machine = case
    seen = Observation(layer, dataflow, machine)
    stages = _Stages()
    simulated = stages.run("simulated", lambda: seen.simulated)
    refined = stages.run("refined", lambda: seen.refined)
    published = stages.run("published", lambda: seen.published)
    assumptions = stages.run("assumptions", lambda: _made_alone(seen))
    stages.run("reference", lambda: seen.reference)
    outcomes = {
        claim.name: stages.run("claims", partial(claim.check, seen), f"claim {claim.name}") or Outcome(None)
        for claim in CLAIMS
    }
    return CaseRecord(
        number,
        layer_type=layer.type,
        family=family(layer, dataflow),
        levels=_levels(dataflow),
        macs=layer.macs,
        pes=machine.pes,
        dataflow=write_network(Network(f"case_{number}", (MappedLayer(layer, dataflow),))),
        machine=_json(machine.to_dict()),
        simulated_cycles=None if simulated is None else simulated.cycles,
        refined_cycles=None if refined is None else refined.cycles,
        published_cycles=None if published is None else published.cycles,
        simulated=_record(simulated),
        refined=_record(refined),
        published=_record(published),
        assumptions=None if assumptions is None else _json(assumptions),
        claims=_json({name: _outcome(outcome) for name, outcome in outcomes.items()}),
        error="\n".join(stages.errors) or None,
        durations=stages.durations,
    )


def failed_generation(number: int, error: Exception) -> CaseRecord:
    """Return the row of a case that could not be generated."""
    return CaseRecord(number, error=f"generation: {described(error)}")


def stored_case(record: CaseRecord, store: str) -> Case:
    """Return the case that a row was made of; raises `InputError` for one that could not be generated."""
    if record.dataflow is None or record.machine is None:
        raise InputError(f"case {record.number} could not be generated: {record.error}", store)
    (mapped,) = parse_network(record.dataflow).layers
    if mapped.dataflow is None:
        raise InputError(f"case {record.number} has no dataflow", store)
    return mapped.layer, mapped.dataflow, parse_machine(record.machine)


def family(layer: Layer, dataflow: Dataflow) -> str:
    """Return a word for a dataflow's shape: how it cuts the layer's windows, and its number of levels.

    ``window-2`` has maps of a windowed dimension (Y or X, as row-stationary dataflows do), ``output-2`` cuts the
    slides of the windows but not the windowed dimension, ``plain-2`` neither.
    """
    mapped = {directive.dimension for directive in dataflow.directives if isinstance(directive, Map)}
    if mapped & {window.name for window in layer.windows}:
        shape = "window"
    elif mapped & {window.slide for window in layer.windows}:
        shape = "output"
    else:
        shape = "plain"
    return f"{shape}-{_levels(dataflow)}"


def described(error: Exception) -> str:
    """Return an exception in one line, with the innermost place of the project that it passed."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    for frame in reversed(extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _PACKAGES:
            return f"{text} ({path.relative_to(_ROOT).as_posix()}:{frame.lineno})"
    return text


def _levels(dataflow: Dataflow) -> int:
    return 1 + sum(isinstance(directive, Cluster) for directive in dataflow.directives)


def _made_alone(seen: Observation) -> dict[str, int]:
    """Return the cycles under each assumption when it is the only one."""
    alone = {name: REFINED.with_(**{name: True}) for name in NAMES}
    return {name: seen.analysis.metrics(seen.machine, made).cycles for name, made in alone.items()}


def _record(metrics: Metrics | None) -> str | None:
    return None if metrics is None else _json(metrics.to_dict())


def _outcome(outcome: Outcome) -> dict[str, Any]:
    measure = outcome.measure if outcome.measure is None or isfinite(outcome.measure) else None
    return {"holds": outcome.holds, "measure": measure, "detail": outcome.detail}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
