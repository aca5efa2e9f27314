"""Results worth keeping: what a baseline file holds, and what has moved since it was written."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from dataflow.errors import InputError, Position
from dataflow.key_paths import flat
from dataflow.metrics import Metrics
from dataflow.text_files import FILE_LIMIT, closest, read_text

SCHEMA = 1
Model = Literal["simulator", "published", "refined"]
MODELS: tuple[Model, ...] = ("simulator", "published", "refined")

#: Far beyond any count; a quotient of two still is a float.
LARGEST = 10**300
#: No file holds a name that could be taken for markup, a line of its own, or a command of a CI system.
LayerName = Annotated[str, StringConstraints(pattern=r"\A\w[\w.-]*\Z", strict=True)]
MetricName = Annotated[str, StringConstraints(pattern=r"\A[a-z]\w*(\[[0-9]+\])?(\.[a-z]\w*)*\Z", strict=True)]
Line = Annotated[str, StringConstraints(pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+\Z", strict=True)]
Counts = dict[MetricName, Annotated[int, Field(ge=0, le=LARGEST, strict=True)]]

_DERIVED = ("utilization",)
_FAULTS = MappingProxyType(
    {
        "missing": "is missing",
        "extra_forbidden": "unknown key",
        "int_type": "a whole number should stand here",
        "bool_type": "true or false should stand here",
        "string_type": "text should stand here",
        "tuple_type": "a list should stand here",
        "dict_type": "keys and values should stand here",
        "model_type": "keys and values should stand here",
        "string_pattern_mismatch": "a name in one line should stand here",
    }
)
_PERCENT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", regex_engine="python-re")


class LayerRecord(_Part):
    """The whole numbers of a layer by model, each by its key path in the result file."""

    name: LayerName
    simulator: Counts
    published: Counts
    refined: Counts

    def counts(self, model: Model) -> Mapping[str, int]:
        """Return one model's numbers."""
        found: Mapping[str, int] = getattr(self, model)
        return found


class Recipe(_Part):
    """How to get the results again: the options of ``metronome run``.

    ``workload``, ``dataflow`` and ``hardware`` are shipped names, or paths from the baseline's folder that begin with
    ``./`` or ``../``. ``patterns`` choose layers, all if there are none.
    """

    workload: Line
    dataflow: Line | None
    hardware: Line
    overrides: tuple[Line, ...]
    patterns: tuple[Line, ...]
    allow_overflow: Annotated[bool, Field(strict=True)]


class Entry(Recipe):
    """A recipe and what it gave."""

    layers: tuple[LayerRecord, ...]

    @property
    def recipe(self) -> Recipe:
        """Return the recipe alone."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})


class Baseline(_Part):
    """The content of a baseline file."""

    workloads: tuple[Entry, ...]

    def text(self) -> str:
        """Return the file's text: equal baselines give equal texts."""
        content = {"schema": SCHEMA} | self.model_dump(mode="json")
        return json.dumps(content, indent=1, sort_keys=True) + "\n"

    def metrics(self) -> list[str]:
        """Return the names of all metrics, sorted."""
        layers = (layer for entry in self.workloads for layer in entry.layers)
        return sorted({name for layer in layers for model in MODELS for name in layer.counts(model)})


def read_baseline(path: str) -> Baseline:
    """Read a baseline file; raises `InputError` for anything else, with the key path of what is wrong."""
    return parse_baseline(read_text(path), path)


def parse_baseline(text: str, file: str) -> Baseline:
    """Return the baseline that ``text`` holds; ``file`` names it in the `InputError` for anything else."""
    if len(text.encode("utf-8", errors="replace")) > FILE_LIMIT:
        raise InputError(f"a baseline has at most {FILE_LIMIT // 2**20} MiB; spread the workloads over several", file)
    content = _json(text, file)
    if not isinstance(content, dict) or "schema" not in content:
        raise InputError("not a baseline; metronome baseline record writes one", file)
    schema = content.pop("schema")
    if type(schema) is not int or schema != SCHEMA:
        shown = json.dumps(schema)[:20]
        raise InputError(f"a baseline of schema {shown}; this version reads schema {SCHEMA}: record it anew", file)
    try:
        return Baseline.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    # A misspelt key is the cause of the one that is then missing.
    worst = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    raise InputError(_FAULTS.get(worst["type"], worst["msg"]), f"{file}: {_key_path(worst)}")


def counts_of(metrics: Metrics) -> dict[str, int]:
    """Return the whole numbers of a record by key path, such as ``boundaries[0].upstream.input_read``.

    What follows from them (``utilization``) is left out.
    """
    record = {key: value for key, value in metrics.to_dict().items() if key not in _DERIVED}
    return {path: value for path, value in flat(record) if isinstance(value, int)}


@dataclass(frozen=True)
class Difference:
    """One number that moved, or a ``note`` on the layer as a whole; None is a number that is not there."""

    layer: str
    model: str = ""
    metric: str = ""
    old: int | None = None
    new: int | None = None
    note: str = ""

    @property
    def percent(self) -> float | None:
        """By how many percent of the old number the new one is larger; None where there is no telling."""
        return 100 * (self.new - self.old) / self.old if self.old and self.new is not None else None


@dataclass(frozen=True)
class Tolerances:
    """By how many percent of its old value a number may move, by the parts of its name."""

    percent: Mapping[tuple[str, ...], Fraction] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str], metrics: Sequence[str], where: str = "--tolerance") -> Tolerances:
        """Read ``METRIC=PERCENT``; METRIC is a metric's name, or its beginning such as ``boundaries[0].upstream``.

        Raises `InputError`, also for a name under which there is no metric.
        """
        percent: dict[tuple[str, ...], Fraction] = {}
        for text in texts:
            name, equals, number = text.partition("=")
            if not equals or not _PERCENT.fullmatch(number):
                raise InputError("has the form METRIC=PERCENT, for example cycles=1", f"{where} {text}")
            if not any(_parts(metric)[: len(_parts(name))] == _parts(name) for metric in metrics) or not name:
                hint = closest(name, metrics)
                raise InputError(f"the baseline has no metric {name}{hint}", f"{where} {text}")
            percent[_parts(name)] = Fraction(number)
        return cls(percent)

    def allow(self, metric: str, old: int, new: int) -> bool:
        """Whether a metric may go from ``old`` to ``new``: the longest name that was given for it decides."""
        parts = _parts(metric)
        given = (parts[:length] for length in range(len(parts), 0, -1))
        percent = next((self.percent[name] for name in given if name in self.percent), Fraction(0))
        return 100 * abs(new - old) <= percent * abs(old)


@dataclass(frozen=True)
class Result:
    """What became of a layer now: a record, or why it is illegal. ``place`` is where the layer is written, if known."""

    name: str
    record: LayerRecord | None
    error: str = ""
    place: Position | None = None


def differences(old: LayerRecord | None, new: Result | None, allowed: Tolerances) -> list[Difference]:
    """Return what moved in a layer; None on one side is a layer that is not there.

    `new_metrics` are left out: they have not moved. The cycles come first.
    """
    if new is None:
        return [] if old is None else [Difference(old.name, note="is missing")]
    if new.record is None:
        return [Difference(new.name, note=f"is illegal: {new.error}")]
    if old is None:
        return [Difference(new.name, note="is new")]
    moved = []
    for model in MODELS:
        before, after = old.counts(model), new.record.counts(model)
        compared = before.keys() | (after.keys() - new_metrics(before, after))
        for metric in sorted(compared, key=lambda name: (name != "cycles", name)):
            was, now = before.get(metric), after.get(metric)
            if was is None or now is None or not allowed.allow(metric, was, now):
                moved.append(Difference(old.name, model, metric, was, now))
    return moved


def new_metrics(before: Mapping[str, int], after: Mapping[str, int]) -> set[str]:
    """Return the metrics of ``after`` that ``before`` knows at no level: a newer version counts them, an older did not.

    A metric that there is at one level more is no new one: the dataflow has changed.
    """
    known = {_kind(metric) for metric in before}
    return {metric for metric in after if _kind(metric) not in known}


def numbered(names: Iterable[str]) -> list[tuple[str, int]]:
    """Tell layers of the same name apart: the first has number 1."""
    seen: Counter[str] = Counter()
    keys = []
    for name in names:
        seen[name] += 1
        keys.append((name, seen[name]))
    return keys


def _json(text: str, file: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, file))
    except json.JSONDecodeError as error:
        raise InputError(f"not valid JSON: {error.msg}", Position(file, error.lineno, error.colno)) from None
    except RecursionError:
        raise InputError("the values are nested too deeply", file) from None
    except ValueError:
        raise InputError("a number is too long", file) from None


def _unique(pairs: list[tuple[str, Any]], file: str) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise InputError(f"the key {json.dumps(repeated)} is stated a second time", file)
    return values


def _key_path(problem: ErrorDetails) -> str:
    keys = [key for key in problem["loc"] if key != "[key]"]
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")
    return path.encode("unicode_escape").decode("ascii")


def _kind(metric: str) -> str:
    """Return the name of a metric without the number of the level."""
    return re.sub(r"\[[0-9]+\]", "[]", metric)


def _parts(metric: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", metric))
