"""Searches of spaces that are too large to sweep: an evolutionary optimiser chooses what is tried.

Sizes of scratchpads are not searched: with all else given, the smallest area that fits is as good as any, so a trial
looks at all sizes at once, by the same code as a sweep does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from exploration.blocks import TALLY, Tally
from exploration.campaign import Plan, explorer_of
from exploration.fronts import Point, front, front_of
from exploration.store import ExplorationStore, Trial
from exploration.subranges import piece
from validation.schedulers import Scheduler

if TYPE_CHECKING:
    from exploration.optimiser import Optimiser


def search(
    store: ExplorationStore,
    plan: Plan,
    scheduler: Scheduler,
    progress: Callable[[int, Sequence[Trial]], None] | None = None,
) -> None:
    """Try designs for every target until there are as many as the budget, and store them batch by batch.

    What is stored is told to the optimiser again, which then goes on as it would have: a seed tries the same designs
    whatever the number of workers, and however often it is resumed or its budget raised. ``progress`` is called with
    a target and what was just tried for it. Raises `InputError` where Optuna is not installed, or was another one.
    """
    budget = plan.budget or 0
    for target in range(len(plan.space.targets)):
        optimiser, known, first = _optimiser(plan, target), store.trials(target), 0
        while first < budget:
            asked = optimiser.ask()
            batch = known[first : first + len(asked)]
            if [trial.digits for trial in batch] != asked[: len(batch)]:
                raise InputError("was begun with another Optuna, which chose otherwise; begin a new store", store.path)
            wanted = asked[len(batch) : budget - first]
            if wanted:
                trials = _tried(plan, target, wanted, scheduler)
                store.add_trials(target, first + len(batch), trials)
                batch = batch + trials
                if progress is not None:
                    progress(target, trials)
            if len(batch) == len(asked):
                optimiser.tell([trial.point for trial in batch])
            first += len(asked)


def tried(store: ExplorationStore, plan: Plan, target: int) -> tuple[list[Point], list[Point]]:
    """Return the front of everything that was tried for a target, and all of that; what was tried twice counts once."""
    trials = {trial.digits: trial for trial in store.trials(target)}
    points = [trial.point for trial in trials.values() if trial.point is not None]
    return front(points, plan.space.objectives), points


def _optimiser(plan: Plan, target: int) -> Optimiser:
    try:
        from exploration.optimiser import Optimiser  # noqa: PLC0415 — an optional dependency, and a heavy one
    except ImportError:
        raise InputError("needs the package optuna: pip install 'metronome[adaptive]'", "--budget") from None
    return Optimiser(plan.space, f"{plan.seed} {target}")


def _tried(plan: Plan, target: int, wanted: Sequence[tuple[int, ...]], scheduler: Scheduler) -> list[Trial]:
    """Return what comes of designs, in their order; each is worked out once."""
    found = {trial.digits: trial for trial in scheduler(partial(attempt, plan, target), dict.fromkeys(wanted))}
    return [found[digits] for digits in wanted]


def attempt(plan: Plan, target: int, digits: tuple[int, ...]) -> Trial:
    """Return the best sizes of a design with these digits (but target and sizes), or why there are none."""
    space, tally = plan.space, Tally()
    prefix, row = divmod(space.number((target, *digits, 0, 0)) // space.pairs, space.times)
    blocks = explorer_of(space).blocks(piece(space, prefix, range(row, row + 1)), tally)
    best = front((point for block in blocks for point in front_of(block, space.objectives)), space.objectives)
    fault = next((name for name in TALLY if getattr(tally, name)), None)
    return Trial(digits, None, best[0]) if best else Trial(digits, fault, None)
