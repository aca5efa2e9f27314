"""Fronts by simulation: the refined model's stay as they are, the published model's do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from spaces import TILED
from test_exploration_campaign import TEXT

from exploration.campaign import Plan, run, sample
from exploration.evaluate import evaluate
from exploration.space import Space
from exploration.space_files import parse_space
from exploration.store import ExplorationStore
from exploration.verify import Verification, verify
from simulator.simulate import simulate_mapping
from validation.schedulers import in_process
from validation.store_files import TEMPORARY


@pytest.fixture
def space(tmp_path: Path) -> Space:
    (tmp_path / "tiled.m").write_text(TILED)
    return parse_space(TEXT.replace("[conv5_1, conv4_1]", "[conv5_1]"), "space.yaml", tmp_path)


def verified(space: Space) -> Verification:
    plan = Plan(space)
    with ExplorationStore(TEMPORARY, create=True) as store:
        run(store, plan, in_process)
        front = [point.number for point in store.front(0, space.objectives)]
        drawn = [number for number, *_ in sample(store, plan, 0).members]
    return verify(space, front, drawn[:30], in_process)


def test_the_refined_models_front_stays_as_it_is(space: Space) -> None:
    found = verified(space)
    assert {each.error for each in (*found.front, *found.sample)} == {0.0}
    assert all(one == other for name in space.objectives for one, other in found.ranks(name).values())
    assert (found.kept, found.missed, found.biased) == (len(found.front), (), False)


def test_the_published_models_front_does_not(space: Space) -> None:
    found = verified(replace(space, model="published"))
    every = {each.number: each for each in (*found.front, *found.sample)}
    for number in list(every)[:5]:
        ((chosen, machine),) = [(layer.mapping, e.machine) for e in [evaluate(space, number)] for layer in e.layers]
        assert every[number].simulated.cycles == simulate_mapping(chosen, machine).cycles
    for number, each in every.items():
        power = each.simulated.numbers(space.machine, space.technology)["power_mw"]
        assert each.within == ((power or 0) <= 120), number
    assert found.beyond == sum(not each.within for each in found.front) > 0
    keys = {number: each.simulated.keys(space.objectives) for number, each in every.items() if each.within}
    best = {
        number
        for number, one in keys.items()
        if not any(other != one and all(a <= b for a, b in zip(other, one, strict=True)) for other in keys.values())
    }
    assert found.optimal == best
    assert 0 < found.kept < len(found.front)
    selected = {each.modelled.keys(space.objectives) for each in found.front}
    assert set(found.missed) == {n for n in best if every[n].modelled.keys(space.objectives) not in selected}
    assert found.biased == (found.chance < 0.05)
    for number, places in found.ranks("throughput").items():
        assert places == tuple(
            1 + sum(getattr(each, by).cycles < getattr(every[number], by).cycles for each in found.front)
            for by in ("modelled", "simulated")
        )
    assert any(one != other for one, other in found.ranks("throughput").values())
