"""What a report on a campaign says: errors by model, family and assumption, points to plot, and the worst cases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from analytical import NAMES
from dataflow.errors import InputError
from validation.campaign import stored_plan
from validation.store import CaseRecord, Store
from validation.summary import Summary, summarize

#: Analytical models whose cycles are held against the simulated ones.
MODELS = ("published", "refined")
#: The group that has every case.
ALL = "all"
#: Cases in the scatter plot, beside the worst ones, and steps of a distribution's curve: they bound the page's size.
MOST_POINTS, MOST_STEPS = 3000, 400

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_NUMBERS = ("levels", "macs", "pes", "simulated_cycles", "refined_cycles", "published_cycles")
_OBJECTS = ("machine", "assumptions", "claims")

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Errors:
    """How far cycles are off the simulated ones, in percent of these and above them if positive, over some cases.

    ``exact`` cases are off by nothing. Percentiles between two cases are interpolated, as a median is.
    """

    group: str
    cases: int
    exact: int
    lowest: float
    percentile_5: float
    quartile_1: float
    median: float
    quartile_3: float
    percentile_95: float
    highest: float
    mean_absolute: float


@dataclass(frozen=True)
class Point:
    """A case in the scatter plot; cycles are None where the model raised."""

    number: int
    family: str
    layer_type: str
    levels: int
    macs: int
    pes: int
    simulated: int
    published: int | None
    refined: int | None


@dataclass(frozen=True)
class WorstCase:
    """A case to look at: its row, why it is here, and what is off by how many percent."""

    record: CaseRecord
    reasons: tuple[str, ...]
    contradicted: tuple[tuple[str, str], ...]
    errors: Mapping[str, float]

    @property
    def name(self) -> str:
        """The network's name, and the stem of the files to make."""
        return f"case_{self.record.number}"

    @property
    def machine(self) -> str | None:
        """The machine as a hardware file."""
        if self.record.machine is None:
            return None
        text: str = yaml.safe_dump(json.loads(self.record.machine), sort_keys=False, allow_unicode=True)
        return text

    @property
    def command(self) -> str:
        """What to type where the two files are; tiles that exceed a scratchpad do not matter to a campaign."""
        sizes = json.loads(self.record.machine or "{}")
        bounded = any((sizes.get(level) or {}).get("bytes") is not None for level in ("l1", "l2"))
        return f"metronome run {self.name}.m --hardware {self.name}.yaml{' --allow-overflow' if bounded else ''}"


@dataclass(frozen=True)
class Content:
    """Everything that a report says.

    ``errors`` has those of every model by family, those over all cases first; ``curves`` gives the share of cases, in
    percent, that are off by no more than so many percent. ``measured`` cases could be plotted, ``points`` are.
    """

    name: str
    summary: Summary
    errors: Mapping[str, tuple[Errors, ...]]
    assumptions: tuple[Errors, ...]
    curves: Mapping[str, Curve]
    measured: int
    points: tuple[Point, ...]
    contradicting: int
    worst: tuple[WorstCase, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the content for a result file: the campaign's summary, the errors and the worst cases."""
        errors = {model: [asdict(each) for each in found] for model, found in self.errors.items()}
        return self.summary.to_dict() | {
            "contradicting": self.contradicting,
            "errors": errors,
            "assumptions": [asdict(each) for each in self.assumptions],
            "worst": [_described(each) for each in self.worst],
        }


def read(path: str, worst: int) -> Content:
    """Read what there is to say about the campaign in a store, with ``worst`` cases of every kind.

    A campaign that is still running is read as it is at this moment. Raises `InputError` for a file that is no store,
    that holds no campaign, or in which a value is of a wrong kind.
    """
    with Store(path) as store, _snapshot(store):
        stored_plan(store)
        _check(store)
        summary = summarize(store)
        found = {model: _errors_by_family(store, model) for model in MODELS}
        points = tuple(_points(store))
        chosen = tuple(_worst(store, worst))
        contradicting = len(_contradicting(store))
        assumptions = tuple(_errors_by_assumption(store))
    everything = {model: np.concatenate([*families.values(), np.empty(0)]) for model, families in found.items()}
    return Content(
        Path(path).name,
        summary,
        {model: tuple(_tabulated(everything[model], families)) for model, families in found.items()},
        assumptions,
        {model: _curve(errors) for model, errors in everything.items()},
        len(points),
        tuple(_sample(points, {each.record.number for each in chosen})),
        contradicting,
        chosen,
    )


@contextmanager
def _snapshot(store: Store) -> Iterator[None]:
    """Let all queries see the same rows, whatever another process adds."""
    list(store.query("BEGIN"))
    try:
        yield
    finally:
        list(store.query("COMMIT"))


def _check(store: Store) -> None:
    """Raise `InputError` where a column that is computed with holds something else."""
    for column in _NUMBERS:
        for (number,) in store.query(
            f"SELECT number FROM cases WHERE typeof({column}) NOT IN ('integer', 'null') LIMIT 1"
        ):
            raise InputError(f"case {number} has {column} that are no whole number; make the store anew", store.path)
    for column in _OBJECTS:
        for (number,) in store.query(
            f"SELECT number FROM cases WHERE {column} IS NOT NULL AND NOT json_valid({column}) LIMIT 1"
        ):
            raise InputError(f"case {number} has {column} that are not JSON; make the store anew", store.path)


def _errors_by_family(store: Store, model: str) -> dict[str, np.ndarray]:
    rows = store.query(
        f"""SELECT coalesce(family, ''), 100.0 * ({model}_cycles - simulated_cycles) / simulated_cycles FROM cases
        WHERE simulated_cycles > 0 AND {model}_cycles IS NOT NULL ORDER BY family, number"""
    )
    return _grouped(rows)


def _errors_by_assumption(store: Store) -> Iterator[Errors]:
    rows = store.query(
        """SELECT key, 100.0 * (value - simulated_cycles) / simulated_cycles FROM cases, json_each(assumptions)
        WHERE simulated_cycles > 0 AND typeof(value) = 'integer' ORDER BY number"""
    )
    found = _grouped(rows)
    for name in sorted(found, key=lambda each: (each not in NAMES, NAMES.index(each) if each in NAMES else 0, each)):
        yield _errors(name, found[name])


def _grouped(rows: Iterator[tuple[Any, ...]]) -> dict[str, np.ndarray]:
    groups: dict[str, list[float]] = {}
    for group, error in rows:
        groups.setdefault(group, []).append(error)
    return {group: np.array(errors) for group, errors in groups.items()}


def _tabulated(everything: np.ndarray, families: Mapping[str, np.ndarray]) -> Iterator[Errors]:
    if everything.size:
        yield _errors(ALL, everything)
    for family, errors in families.items():
        yield _errors(family, errors)


def _errors(group: str, errors: np.ndarray) -> Errors:
    numbers = [*(float(each) for each in np.quantile(errors, _QUANTILES)), float(np.abs(errors).mean())]
    return Errors(group, errors.size, int(np.count_nonzero(errors == 0)), *numbers)


def _curve(errors: np.ndarray) -> Curve:
    """Return the steps of the distribution, thinned out evenly where there are too many."""
    values, times = np.unique(errors, return_counts=True)
    shares = 100 * np.cumsum(times) / max(1, errors.size)
    kept = np.unique(np.linspace(0, values.size - 1, min(values.size, MOST_STEPS)).round().astype(int))
    return tuple((float(values[step]), float(shares[step])) for step in kept)


def _points(store: Store) -> Iterator[Point]:
    rows = store.query(
        """SELECT number, coalesce(family, ''), coalesce(layer_type, ''), levels, macs, pes,
            simulated_cycles, published_cycles, refined_cycles
        FROM cases WHERE simulated_cycles > 0 ORDER BY number"""
    )
    return (Point(*row) for row in rows)


def _sample(points: Sequence[Point], wanted: set[int]) -> Iterator[Point]:
    """Yield points that are spread evenly over the numbers, the same every time, and those that are ``wanted``."""
    count = min(len(points), MOST_POINTS)
    chosen = {index * len(points) // count for index in range(count)}
    return (point for index, point in enumerate(points) if index in chosen or point.number in wanted)


def _contradicting(store: Store) -> list[int]:
    rows = store.query(
        """SELECT DISTINCT number FROM cases, json_each(claims)
        WHERE NOT json_extract(value, '$.holds') ORDER BY number"""
    )
    return [number for (number,) in rows]


def _worst(store: Store, limit: int) -> Iterator[WorstCase]:
    """Yield cases that raised, that contradict a claim, then those that are farthest off: refined, then published."""
    reasons: dict[int, list[str]] = {}
    for (number,) in store.query("SELECT number FROM cases WHERE error IS NOT NULL ORDER BY number LIMIT ?", limit):
        reasons.setdefault(number, []).append("a model raised")
    for number in _contradicting(store)[:limit]:
        reasons.setdefault(number, []).append("contradicts a claim")
    for model in reversed(MODELS):
        for number in _farthest(store, model, limit):
            reasons.setdefault(number, []).append(f"{model} model off")
    for number, why in reasons.items():
        record = store.record(number)
        claims = json.loads(record.claims or "{}")
        contradicted = tuple((name, claim["detail"]) for name, claim in claims.items() if claim["holds"] is False)
        yield WorstCase(record, tuple(why), contradicted, dict(_off(record)))


def _farthest(store: Store, model: str, limit: int) -> list[int]:
    rows = store.query(
        f"""SELECT number FROM cases WHERE simulated_cycles > 0 AND {model}_cycles != simulated_cycles
        ORDER BY abs(1.0 * ({model}_cycles - simulated_cycles) / simulated_cycles) DESC, number LIMIT ?""",
        limit,
    )
    return [number for (number,) in rows]


def _off(record: CaseRecord) -> Iterator[tuple[str, float]]:
    for model in MODELS:
        cycles: int | None = getattr(record, f"{model}_cycles")
        if record.simulated_cycles and cycles is not None:
            yield model, 100 * (cycles - record.simulated_cycles) / record.simulated_cycles


def _described(case: WorstCase) -> dict[str, Any]:
    record = case.record
    return {
        "number": record.number,
        "reasons": list(case.reasons),
        "family": record.family,
        "cycles": {model: getattr(record, f"{model}_cycles") for model in ("simulated", *MODELS)},
        "errors": dict(case.errors),
        "contradicted": dict(case.contradicted),
        "raised": record.error,
        "dataflow": record.dataflow,
        "machine": None if record.machine is None else json.loads(record.machine),
        "command": case.command,
    }
