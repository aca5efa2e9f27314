"""Sweeps of spaces: every design is accounted for, with the numbers that it has by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spaces import spaces

from exploration.blocks import TALLY, Block, Explorer
from exploration.evaluate import Evaluation, evaluate
from exploration.fronts import Point, front
from exploration.samples import LARGEST
from exploration.space import Space
from exploration.subranges import explore_subrange, subranges


@contextmanager
def as_if_many(*, many: bool) -> Iterator[None]:
    """Treat few designs as many are treated: together, and sifted before they are looked at one by one."""
    if not many:
        yield
        return
    places = (
        "analytical.sweeping.SINGLE",
        "analytical.sweeping.FEW",
        "exploration.blocks.MANY",
        "exploration.fronts._FEW",
    )
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(patch(place, 0))
        yield


def brute_force(space: Space) -> list[Evaluation]:
    return [evaluate(space, number) for number in range(space.designs)]


def dominated(one: tuple[object, ...], by: tuple[object, ...]) -> bool:
    return by != one and all(theirs <= mine for mine, theirs in zip(one, by, strict=True))  # type: ignore[operator]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(spaces(), st.booleans())
def test_a_sweep_says_of_every_design_what_the_design_says_by_itself(space: Space, many: bool) -> None:
    explorer = Explorer(space)
    blocks: list[Block] = []
    alone = brute_force(space)
    with as_if_many(many=many):
        findings = [explore_subrange(explorer, number, 0, blocks.append) for number in range(subranges(space))]
    faults = Counter(each.fault for each in alone)
    for name in TALLY:
        counted = sum(getattr(finding.tally, name) for finding in findings)
        assert counted == faults[None if name == "valid" else name], name
    swept = {}
    for block in blocks:
        for row in range(len(block.rows)):
            for pair in range(block.within[row]):
                number = block.first + int(block.rows[row]) * space.pairs + int(block.pairs[pair])
                numbers = (block.cycles[row], block.energy[row], block.base[row] + block.areas[pair])
                swept[number] = tuple(map(int, numbers))
    assert sorted(swept) == [each.design.number for each in alone if each.fault is None]
    for number, (cycles, energy, area) in swept.items():
        outcome = alone[number].outcome
        assert outcome is not None
        assert cycles == outcome.cycles
        assert energy == outcome.energy * explorer.candidates.parts
        assert area == (outcome.area or 0) * explorer.areas.parts


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(spaces(), st.booleans())
def test_a_front_is_what_no_valid_design_beats(space: Space, many: bool) -> None:
    explorer = Explorer(space)
    with as_if_many(many=many):
        findings = [explore_subrange(explorer, number, 0) for number in range(subranges(space))]
    alone = brute_force(space)
    for target in range(len(space.targets)):
        points = [point for finding in findings for point in finding.fronts.get(target, [])]
        found = front(points, space.objectives)
        valid = {e.design.number: e.outcome for e in alone if e.fault is None and e.design.target == target}
        keys = {number: outcome.keys(space.objectives) for number, outcome in valid.items() if outcome is not None}
        best = Counter(one for one in keys.values() if not any(dominated(one, other) for other in set(keys.values())))
        assert {keys[point.number]: point.ties for point in found} == best
        parts = [finding.samples[target] for finding in findings if target in finding.samples]
        sample = {number: tuple(numbers) for part in parts for number, *numbers in part.members}
        assert len(sample) == min(LARGEST, len(keys))
        for number, (cycles, energy, _) in sample.items():
            outcome = valid[number]
            assert outcome is not None
            assert (cycles, energy) == (outcome.cycles, outcome.energy * explorer.candidates.parts)


def test_a_front_does_not_depend_on_the_order_of_its_points() -> None:
    generator = Random(1)
    points = [
        Point(number, *(generator.randint(1, 9) for _ in range(3)), ties=generator.randint(1, 3))
        for number in range(300)
    ]
    for objectives in (
        ["runtime"],
        ["energy", "power"],
        ["runtime", "energy", "area"],
        ["throughput_per_area", "energy_delay"],
    ):
        expected = front(points, objectives)
        for _ in range(10):
            generator.shuffle(points)
            parts = [points[begin::7] for begin in range(7)]
            again = front([point for part in parts for point in front(part, objectives)], objectives)
            assert again == expected == front(points, objectives)
