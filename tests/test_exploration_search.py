"""Searches: as many designs as the budget, the same ones whoever tries them, and better than chance."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from spaces import TILED
from test_exploration_campaign import TEXT

from dataflow.errors import InputError
from exploration.campaign import Plan, begin, run
from exploration.evaluate import evaluate
from exploration.search import search, tried
from exploration.space import Space
from exploration.space_files import parse_space
from exploration.store import ExplorationStore, Trial
from validation.schedulers import Scheduler, in_process, processes
from validation.store_files import TEMPORARY

forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def space(tmp_path: Path) -> Space:
    (tmp_path / "tiled.m").write_text(TILED)
    return parse_space(TEXT.replace("[conv5_1, conv4_1]", "[conv5_1]"), "space.yaml", tmp_path)


def searched(plan: Plan, scheduler: Scheduler = in_process) -> list[Trial]:
    with ExplorationStore(TEMPORARY, create=True) as store:
        search(store, plan, scheduler)
        return store.trials(0)


@forks
def test_a_search_tries_the_same_whoever_does_the_work_and_however_it_is_resumed(space: Space, tmp_path: Path) -> None:
    plan = Plan(space, budget=150)
    once = searched(plan)
    assert len(once) == 150
    assert searched(plan, processes(2)) == once
    for budget in (7, 64, 70, 112, 150):
        with ExplorationStore(tmp_path / "a.db", create=True) as store:
            begin(store, Plan(space, budget=budget), resume=True)
            search(store, Plan(space, budget=budget), in_process)
            assert store.trials(0) == once[:budget]


def test_a_search_finds_valid_designs_and_comes_near_the_front(space: Space) -> None:
    """A search for one objective finds the best of 150 times, all of which a sweep looks at."""
    fast = replace(space, objectives=("throughput",))
    with ExplorationStore(TEMPORARY, create=True) as store:
        run(store, Plan(fast), in_process)
        ((best),) = store.front(0, fast.objectives)
    with ExplorationStore(TEMPORARY, create=True) as store:
        plan = Plan(fast, budget=160)
        search(store, plan, in_process)
        front, points = tried(store, plan, 0)
    assert front[0].cycles <= 1.1 * best.cycles
    for point in points:
        evaluation = evaluate(fast, point.number)
        assert evaluation.fault is None
        assert evaluation.outcome is not None
        assert evaluation.outcome.cycles == point.cycles


def test_a_store_of_another_optimiser_is_not_resumed(space: Space, tmp_path: Path) -> None:
    plan = Plan(space, budget=3)
    with ExplorationStore(tmp_path / "a.db", create=True) as store:
        store.add_trials(0, 0, [Trial((9, 9, 9, 9), "illegal", None)])
        with pytest.raises(InputError) as error:
            search(store, plan, in_process)
    assert error.value.message == "was begun with another Optuna, which chose otherwise; begin a new store"


def test_a_search_needs_its_package(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "exploration.optimiser", raising=False)
    with ExplorationStore(TEMPORARY, create=True) as store, pytest.raises(InputError) as error:
        search(store, Plan(space, budget=3), in_process)
    assert str(error.value) == "--budget: needs the package optuna: pip install 'metronome[adaptive]'"
