"""Searches of spaces that are too large to sweep: an evolutionary optimiser chooses what is tried.

Sizes of scratchpads are not searched: with all else given, the smallest area that fits is as good as any, so a trial
looks at all sizes at once, by the same code as a sweep does.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from dataflow.errors import InputError
from exploration.blocks import TALLY, Explorer, Tally
from exploration.campaign import Plan, explorer_of
from exploration.fronts import Point, front, front_of
from exploration.store import ExplorationStore, Trial
from exploration.subranges import piece
from validation.schedulers import Scheduler

if TYPE_CHECKING:
    import optuna

#: trials that are chosen before any of them is known: the same whatever the number of workers
BATCH = 16

#: trials of which the optimiser breeds the next ones
POPULATION = 48


def search(
    store: ExplorationStore,
    plan: Plan,
    scheduler: Scheduler,
    progress: Callable[[int, Sequence[Trial]], None] | None = None,
) -> None:
    """Try designs for every target until there are as many as the budget, and store them batch by batch.

    The same plan tries the same, whatever the number of workers and however often it is resumed. ``progress`` is
    called with a target and what was just tried for it. Raises `InputError` where Optuna is not installed.
    """
    for target in range(len(plan.space.targets)):
        tried = store.trials(target)
        study = _study(plan)
        for trial in tried:
            study.add_trial(_frozen(plan, trial))
        while len(tried) < (plan.budget or 0):
            batch = _batch(study, plan, target, len(tried), scheduler)
            store.add_trials(target, len(tried), batch)
            tried += batch
            if progress is not None:
                progress(target, batch)


def tried(store: ExplorationStore, plan: Plan, target: int) -> tuple[list[Point], list[Point]]:
    """Return the front of everything that was tried for a target, and all of that; what was tried twice counts once."""
    trials = {trial.digits: trial for trial in store.trials(target)}
    points = [trial.point for trial in trials.values() if trial.point is not None]
    return front(points, plan.space.objectives), points


def _batch(study: optuna.Study, plan: Plan, target: int, first: int, scheduler: Scheduler) -> list[Trial]:
    """Ask for some designs, try them, and tell what came of them; the randomness begins anew with every batch."""
    import optuna  # noqa: PLC0415 — an optional dependency

    seed = Random(f"{plan.seed} {target} {first}").getrandbits(32)
    study.sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
    number = min(BATCH, (plan.budget or 0) - first)
    asked = [study.ask(_distributions(plan)) for _ in range(number)]
    digits = [tuple(trial.params[name] for name in _distributions(plan)) for trial in asked]
    results: dict[tuple[int, ...], tuple[str | None, Point | None]] = {}
    for each, fault, point in scheduler(partial(attempt, plan, target), dict.fromkeys(digits)):
        results[each] = fault, point
    for trial, each in zip(asked, digits, strict=True):
        _, point = results[each]
        if point is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, _values(plan, point))
    told = study.get_trials(deepcopy=False)[first:]
    return [Trial(each, trial.system_attrs, *results[each]) for trial, each in zip(told, digits, strict=True)]


def attempt(plan: Plan, target: int, digits: tuple[int, ...]) -> tuple[tuple[int, ...], str | None, Point | None]:
    """Return the best sizes of a design with these digits (but target and sizes), or why there are none."""
    space, explorer = plan.space, explorer_of(plan.space)
    prefix, row = divmod(space.number((target, *digits, 0, 0)) // space.pairs, space.times)
    part = piece(space, prefix, range(row, row + 1))
    explorer.tally = Tally()
    points = [point for block in explorer.blocks(part) for point in front_of(block, space.objectives)]
    best = front(points, space.objectives)
    return digits, None if best else _fault(explorer), best[0] if best else None


def _fault(explorer: Explorer) -> str:
    return next(name for name in TALLY if getattr(explorer.tally, name))


def _study(plan: Plan) -> optuna.Study:
    try:
        import optuna  # noqa: PLC0415 — an optional dependency, and a heavy one
    except ImportError:
        raise InputError("needs the package optuna: pip install 'metronome[adaptive]'", "--budget") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    return optuna.create_study(directions=["minimize"] * len(plan.space.objectives))


def _distributions(plan: Plan) -> dict[str, Any]:
    """Return what the optimiser chooses: the position along every axis but the target and the sizes."""
    from optuna.distributions import CategoricalDistribution, IntDistribution  # noqa: PLC0415 — an optional dependency

    space = plan.space
    found: dict[str, Any] = {"dataflow": CategoricalDistribution(range(space.groups))}
    for axis in space.axes[:-2]:
        found[axis.key] = IntDistribution(0, len(axis.values) - 1)
    return found


def _values(plan: Plan, point: Point) -> list[float]:
    return [float(key) for key in point.keys(plan.space.objectives)]


def _frozen(plan: Plan, trial: Trial) -> optuna.trial.FrozenTrial:
    """Return what was stored of a trial as the optimiser knows it."""
    import optuna  # noqa: PLC0415 — an optional dependency

    distributions = _distributions(plan)
    state = optuna.trial.TrialState.FAIL if trial.point is None else optuna.trial.TrialState.COMPLETE
    return optuna.trial.create_trial(
        state=state,
        params=dict(zip(distributions, trial.digits, strict=True)),
        distributions=distributions,
        values=None if trial.point is None else _values(plan, trial.point),
        system_attrs=trial.attributes,
    )
