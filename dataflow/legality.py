"""Exact legality (§3): is every point of the iteration space computed exactly once, and if not, why not."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any

from dataflow.coverage import components, first_difference
from dataflow.directives import Cluster, Map
from dataflow.levels import Mapping
from dataflow.suggestions import Diagnosis, diagnose, diagnose_idle


@dataclass(frozen=True)
class Violation:
    """The first point, in the order of the layer's dimensions, that is not computed exactly once.

    ``times`` is how often it is computed (0: never), ``directive`` what causes it and ``others`` the directives
    that take part in the cause. ``reason`` and ``suggestion`` are texts; the suggestion is None where no single
    change would do.
    """

    layer: str
    point: dict[str, int] = field(hash=False)
    times: int
    directive: Map | Cluster | None
    others: tuple[Map | Cluster, ...]
    reason: str
    suggestion: str | None

    @property
    def message(self) -> str:
        """One text: what is wrong with the layer, in which point, because of what, and what would be right."""
        point = ", ".join(f"{dimension} {value}" for dimension, value in self.point.items())
        fault, count = ("repeats", f"computed {self.times} times") if self.times else ("misses", "never computed")
        remedy = f"; {self.suggestion}" if self.suggestion else ""
        return f"layer {self.layer} {fault} work: point ({point}) is {count} because {self.reason}{remedy}"

    def __str__(self) -> str:
        where = self.directive.position if self.directive else None
        return self.message if where is None else f"{where}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, for JSON."""
        where = self.directive.position if self.directive else None
        return {
            "layer": self.layer,
            "point": dict(self.point),
            "times": self.times,
            "directives": [str(directive) for directive in (self.directive, *self.others) if directive],
            "position": where and asdict(where),
            "reason": self.reason,
            "suggestion": self.suggestion,
            "message": self.message,
        }


def check(mapping: Mapping) -> Violation | None:
    """Return what is wrong with the dataflow of ``mapping``, or None if it computes every point once.

    Raises `InputError` for a dataflow of millions of chunks in one level, which is too large to check.
    """
    levels = mapping.levels
    idle = [i for i, level in enumerate(levels) if level.units > 1 and not any(m.spatial for m in level.maps)]
    parts = components(mapping)
    found = [(part, difference) for part in parts if (difference := first_difference(part)) is not None]
    at_origin = [(part, difference) for part, difference in found if not any(difference.point)]
    times = prod(levels[i].units for i in idle) * prod(difference.times for _, difference in at_origin)
    origin = (0,) * len(mapping.layer.dimensions)
    if idle and times:
        return _violation(mapping, origin, times, diagnose_idle(mapping, idle[0]))
    if at_origin:
        worst = min(at_origin, key=lambda pair: pair[1].times)
        return _violation(mapping, origin, times, diagnose(*worst))
    if not found:
        return None
    first = min(found, key=lambda pair: pair[1].point)
    return _violation(mapping, first[1].point, first[1].times, diagnose(*first))


def _violation(mapping: Mapping, point: tuple[int, ...], times: int, diagnosis: Diagnosis) -> Violation:
    return Violation(
        mapping.layer.name,
        dict(zip(mapping.layer.dimensions, point, strict=True)),
        times,
        diagnosis.causes[0] if diagnosis.causes else None,
        diagnosis.causes[1:],
        diagnosis.reason,
        diagnosis.suggestion,
    )
