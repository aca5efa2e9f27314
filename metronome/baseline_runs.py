"""Get the results of a baseline: once to keep them, and again to compare."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from dataflow import catalog
from dataflow.errors import InputError, Position
from dataflow.hardware import Machine
from metronome.runs import LayerRun, Options, run
from metronome.workload import Workload, load
from validation.baseline import (
    MODELS,
    Difference,
    Entry,
    LayerRecord,
    Recipe,
    Result,
    Tolerances,
    counts_of,
    differences,
    new_metrics,
    numbered,
)

_FROM_FOLDER = ("./", "../")


@dataclass(frozen=True)
class LayerComparison:
    """What moved in a layer, nothing if all is as it was."""

    result: Result
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Comparison:
    """An entry of a baseline against what its recipe gives now, the entry's layers before new ones."""

    entry: Entry
    layers: tuple[LayerComparison, ...]
    now: tuple[Result, ...]

    @property
    def new_metrics(self) -> set[str]:
        """Return the metrics that the baseline does not hold, as the version that wrote it did not count them."""
        old = dict(zip(numbered(layer.name for layer in self.entry.layers), self.entry.layers, strict=True))
        new = zip(numbered(result.name for result in self.now), self.now, strict=True)
        pairs = [(old[key], result.record) for key, result in new if key in old and result.record is not None]
        return {
            metric
            for before, after in pairs
            for model in MODELS
            for metric in new_metrics(before.counts(model), after.counts(model))
        }

    @property
    def moved(self) -> list[LayerComparison]:
        """Return the layers that are not as they were."""
        return [layer for layer in self.layers if layer.differences]


def recipe_for(
    workload: str,
    baseline: str,
    *,
    dataflow: str | None = None,
    hardware: str,
    overrides: Sequence[str] = (),
    patterns: Sequence[str] = (),
    allow_overflow: bool = False,
) -> Recipe:
    """Return the recipe of a run for the file ``baseline``; raises `InputError` for names that it cannot hold."""
    try:
        return Recipe(
            workload=_portable("networks", workload, baseline),
            dataflow=None if dataflow is None else _portable("dataflows", dataflow, baseline),
            hardware=_portable("hardware", hardware, baseline),
            overrides=tuple(overrides),
            patterns=tuple(patterns),
            allow_overflow=allow_overflow,
        )
    except ValidationError as error:
        culprit = error.errors(include_url=False)[0]["input"]
        raise InputError("a baseline holds only names of printable characters", ascii(culprit)) from None


def prepared(recipe: Recipe, baseline: str, *, lenient: bool = False) -> tuple[Workload, Machine]:
    """Load what a recipe of the file ``baseline`` names; raises `InputError`.

    If ``lenient``, patterns that match no layer any more are passed over.
    """
    workload = _resolved("networks", recipe.workload, baseline)
    dataflow = None if recipe.dataflow is None else _resolved("dataflows", recipe.dataflow, baseline)
    machine = catalog.machine(_resolved("hardware", recipe.hardware, baseline), recipe.overrides)
    patterns = recipe.patterns
    if patterns and lenient:
        network = catalog.network(workload)
        names = [mapped.layer.name for mapped in network.layers]
        patterns = tuple(glob for glob in patterns if any(fnmatchcase(name, glob) for name in names))
        if not patterns:
            return Workload(network.name, ()), machine
    return load(workload, dataflow=dataflow, layers=patterns), machine


def results(
    workload: Workload,
    machine: Machine,
    recipe: Recipe,
    *,
    workers: int = 1,
    progress: Callable[[LayerRun], None] | None = None,
) -> tuple[Result, ...]:
    """Simulate and analyse every layer of the workload; raises `InputError` as `run` does."""
    options = Options(allow_overflow=recipe.allow_overflow)
    layers = run(workload, machine, options=options, workers=workers, progress=progress).layers
    own = recipe.dataflow is not None and recipe.dataflow.startswith(_FROM_FOLDER)
    places = (task.layer.position or (task.dataflow.position if own else None) for task in workload.tasks)
    return tuple(_result(layer, place) for layer, place in zip(layers, places, strict=True))


def compared(entry: Entry, now: Sequence[Result], allowed: Tolerances) -> Comparison:
    """Hold an entry's layers against the results of its recipe; layers of the same name are paired in order."""
    old = dict(zip(numbered(layer.name for layer in entry.layers), entry.layers, strict=True))
    new = dict(zip(numbered(result.name for result in now), now, strict=True))
    layers = []
    for key in old | new:
        before, after = old.get(key), new.get(key)
        moved = tuple(differences(before, after, allowed))
        layers.append(LayerComparison(after or Result(key[0], None), moved))
    return Comparison(entry, tuple(layers), tuple(now))


def entry_of(recipe: Recipe, now: Sequence[Result]) -> Entry:
    """Return the entry that keeps ``now``, of which every result has a record."""
    records = tuple(result.record for result in now if result.record is not None)
    return Entry(**dict(recipe), layers=records)


def _portable(kind: catalog.Kind, name_or_path: str, baseline: str) -> str:
    """Return a shipped name as it is, and a path as seen from the folder of the file ``baseline``."""
    if name_or_path in catalog.names(kind):
        return name_or_path
    path = Path(os.path.relpath(name_or_path, Path(baseline).parent)).as_posix()
    return path if path.startswith("../") else f"./{path}"


def _resolved(kind: catalog.Kind, name: str, baseline: str) -> str | Path:
    """Return a shipped name as text and a path as a path, so that neither is taken for the other."""
    if name.startswith(_FROM_FOLDER):
        return Path(os.path.normpath(Path(baseline).parent / name))
    if name not in catalog.names(kind):
        raise InputError(f"{name!r} is not shipped ({kind}), nor a path that begins with ./ or ../", baseline)
    return name


def _result(layer: LayerRun, place: Position | None) -> Result:
    if layer.simulator is None:
        return Result(layer.name, None, (layer.error or {}).get("text", ""), place)
    record = LayerRecord(
        name=layer.name,
        simulator=counts_of(layer.simulator),
        published=counts_of(layer.analytical["published"]),
        refined=counts_of(layer.analytical["refined"]),
    )
    return Result(layer.name, record, "", place)
