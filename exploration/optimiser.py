"""Optuna's evolutionary optimiser as a search needs it; the package `optuna` has to be installed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from random import Random

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from exploration.fronts import Point
from exploration.space import Space

#: designs that are chosen before any of them is known: the same whatever the number of workers
BATCH = 16

#: designs of which the optimiser breeds the next ones
_POPULATION = 48

Digits = tuple[int, ...]


class Optimiser:
    """Chooses designs by batches (NSGA-II), each after it was told of the one before; the seed decides all."""

    def __init__(self, space: Space, seed: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self._objectives = space.objectives
        self._random = Random(seed)
        self._study = optuna.create_study(directions=["minimize"] * len(space.objectives))
        self._axes: dict[str, BaseDistribution] = {"dataflow": CategoricalDistribution(range(space.groups))}
        for axis in space.axes[:-2]:
            self._axes[axis.key] = IntDistribution(0, len(axis.values) - 1)
        self._asked: list[optuna.Trial] = []

    def ask(self) -> list[Digits]:
        """Return the digits of a batch of designs: those of the dataflow and of all axes but the sizes."""
        self._study.sampler = optuna.samplers.NSGAIISampler(
            population_size=_POPULATION, seed=self._random.getrandbits(32)
        )
        self._asked = [self._study.ask(self._axes) for _ in range(BATCH)]
        return [tuple(trial.params[name] for name in self._axes) for trial in self._asked]

    def tell(self, points: Sequence[Point | None]) -> None:
        """Tell what came of the batch: None of a design that is not valid with any sizes."""
        for trial, point in zip(self._asked, points, strict=True):
            if point is None:
                self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                self._study.tell(trial, [float(key) for key in point.keys(self._objectives)])
