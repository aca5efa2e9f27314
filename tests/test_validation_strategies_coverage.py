"""What generated cases cover: every feature that a dataflow can have, often enough to matter, without filtering."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.statistics import collector

from dataflow.layers import OPERATIONS
from dataflow.legality import check
from dataflow.levels import Level, LevelMap, Mapping, bind
from dataflow.regions import chunks
from validation.reference import computed_points
from validation.strategies import Case, cases, illegal_cases

CASES = 400

#: The least share of the cases that has each feature; about half of what there is.
LEAST = {
    **dict.fromkeys(OPERATIONS, 0.05),
    **{f"{levels} levels": 0.06 for levels in (1, 2, 3, 4)},
    **{f"{buffering} tiles per buffer": 0.1 for buffering in (1, 2, 3)},
    "multicast": 0.2,
    "no multicast": 0.2,
    "windowed map": 0.25,
    "output-centric map": 0.25,
    "chunks that do not divide": 0.25,
    "folds": 0.08,
    "idle units": 0.3,
    "two dimensions spread together": 0.015,
    "stride and dilation": 0.2,
    "several parallel levels": 0.15,
}


def features(case: Case) -> Iterator[str]:
    """Yield what a case has; folds and idle units as seen in the whole layer."""
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    yield layer.type
    yield f"{len(mapping.levels)} levels"
    yield f"{machine.buffering} tiles per buffer"
    yield "multicast" if machine.multicast else "no multicast"
    if any(stride > 1 < dilation for stride, dilation in zip(layer.stride, layer.dilation, strict=True)):
        yield "stride and dilation"
    if sum(level.units > 1 for level in mapping.levels) > 1:
        yield "several parallel levels"
    for level in mapping.levels:
        if level.units > 1 and sum(level_map.spatial for level_map in level.maps) > 1:
            yield "two dimensions spread together"
        for level_map in level.maps:
            yield from _of_map(mapping, level, level_map)


def _of_map(mapping: Mapping, level: Level, level_map: LevelMap) -> Iterator[str]:
    layer = mapping.layer
    if level_map.dimension in {window.name for window in layer.windows}:
        yield "windowed map"
    if level_map.dimension in {window.slide for window in layer.windows}:
        yield "output-centric map"
    extent = layer.sizes[level_map.dimension]
    if extent > level_map.size and extent % level_map.size:
        yield "chunks that do not divide"
    if level_map.spatial and level.units > 1:
        number = chunks(extent, level_map.size, level_map.offset)
        if number > level.units:
            yield "folds"
        if number % level.units:
            yield "idle units"


def test_every_feature_occurs() -> None:
    """No case is rejected; those that overrun are Hypothesis's own variations of cases, cut short."""
    found: Counter[str] = Counter()
    statistics: list[dict[str, Any]] = []

    @seed(1)
    @settings(max_examples=CASES, database=None, deadline=None, phases=[Phase.generate])
    @given(cases())
    def count(case: Case) -> None:
        found.update(set(features(case)))

    with collector.with_value(statistics.append):
        count()
    drawn = Counter(each["status"] for each in statistics[0]["generate-phase"]["test-cases"])
    assert (drawn["valid"], drawn["invalid"]) == (CASES, 0)
    assert {name: found[name] for name, least in LEAST.items() if found[name] < least * CASES} == {}


@given(illegal_cases(max_macs=200))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_illegal_dataflows_are_illegal_and_the_point_named_is_so(case: Case) -> None:
    """By enumeration: the point that the check names is the first that is not computed once."""
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    violation = check(mapping)
    assert violation is not None
    times = Counter(computed_points(mapping))
    points = product(*(range(layer.sizes[dimension]) for dimension in layer.dimensions))
    first = next(point for point in points if times[point] != 1)
    assert (tuple(violation.point.values()), violation.times) == (first, times[first])
