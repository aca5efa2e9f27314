"""Designs simulated by the cycle: how far off the analytical model is where an optimiser looks, and elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import Any

import numpy as np

from exploration.evaluate import evaluate, excess
from exploration.fronts import Point, front
from exploration.objectives import Outcome
from exploration.space import Space
from simulator.simulate import simulate_mapping
from validation.schedulers import Scheduler

_PERMUTATIONS = 9_999

#: how unlikely a difference by chance has to be for it to be none
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Checked:
    """A design by both models; ``within`` is whether the simulated outcome keeps to the limits, too."""

    number: int
    modelled: Outcome
    simulated: Outcome
    within: bool

    @property
    def error(self) -> float:
        """How much more cycles the analytical model says, as a share of those simulated."""
        return self.modelled.cycles / self.simulated.cycles - 1


@dataclass(frozen=True)
class Errors:
    """Errors of cycles over some designs, as shares."""

    designs: int
    mean: float
    median: float
    worst: float

    @classmethod
    def of(cls, checked: Sequence[Checked]) -> Errors | None:
        """Return the errors; None of no design."""
        errors = [each.error for each in checked]
        if not errors:
            return None
        return cls(len(errors), fmean(errors), median(errors), max(errors, key=abs))


@dataclass(frozen=True)
class Verification:
    """What became of a front: its designs and those of a random sample, simulated.

    ``optimal`` are the numbers of the designs, of both, that by simulation keep to the limits and are beaten by none
    of the others that do.
    ``missed`` are those of the sample among them with which no design of the front ties by the model.
    ``chance`` is how likely a difference between the mean errors of front and sample as large as theirs is by chance.
    """

    front: tuple[Checked, ...]
    sample: tuple[Checked, ...]
    optimal: frozenset[int]
    missed: tuple[int, ...]
    chance: float

    def ranks(self, objective: str) -> dict[int, tuple[int, int]]:
        """Return the places of the front's designs by an objective, 1 the best: by the model, and by simulation."""
        modelled = _places({each.number: each.modelled.keys((objective,)) for each in self.front})
        simulated = _places({each.number: each.simulated.keys((objective,)) for each in self.front})
        return {number: (modelled[number], simulated[number]) for number in modelled}

    @property
    def biased(self) -> bool:
        """Whether the model errs on the designs that it selects in another way than on others."""
        return self.chance < SIGNIFICANT

    @property
    def kept(self) -> int:
        """How many designs of the front stay optimal."""
        return sum(each.number in self.optimal for each in self.front)

    @property
    def beyond(self) -> int:
        """How many designs of the front are beyond the limits by simulation."""
        return sum(not each.within for each in self.front)


def check(space: Space, number: int) -> Checked:
    """Analyse and simulate a valid design, every layer under the dataflow that the analytical model chose."""
    evaluation = evaluate(space, number)
    modelled = evaluation.outcome
    assert modelled is not None, "a valid design has an outcome"
    simulated = evaluation.judged_by(simulate_mapping)
    return Checked(number, modelled, simulated, excess(space, simulated) is None)


def verify(
    space: Space,
    selected: Sequence[int],
    sample: Sequence[int],
    scheduler: Scheduler,
    progress: Callable[[Checked], None] | None = None,
) -> Verification:
    """Simulate the designs of a front, and of a sample."""
    found: dict[int, Checked] = {}
    for checked in scheduler(partial(check, space), dict.fromkeys([*selected, *sample])):
        found[checked.number] = checked
        if progress is not None:
            progress(checked)
    of_front = tuple(found[number] for number in selected)
    of_sample = tuple(found[number] for number in sample)
    optimal = _optimal([each for each in found.values() if each.within], space.objectives)
    selected_keys = {each.modelled.keys(space.objectives) for each in of_front}
    missed = [
        e.number for e in of_sample if e.number in optimal and e.modelled.keys(space.objectives) not in selected_keys
    ]
    return Verification(
        of_front,
        of_sample,
        optimal,
        tuple(missed),
        _chance([each.error for each in of_front], [each.error for each in of_sample]),
    )


def _optimal(checked: Iterable[Checked], objectives: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers of those that no other one beats by simulation; all of those that are equally good."""
    keys = {each.number: each.simulated.keys(objectives) for each in checked}
    best = front((Point(number, 0, 0, 0, 1) for number in keys), objectives, lambda point: keys[point.number])
    good = {keys[point.number] for point in best}
    return frozenset(number for number, key in keys.items() if key in good)


def _places(keys: Mapping[int, tuple[Any, ...]]) -> dict[int, int]:
    """Return by number the place of its key among all, in ascending order; equal ones share the best of theirs."""
    ordered = sorted(keys.values())
    return {number: bisect_left(ordered, key) + 1 for number, key in keys.items()}


def _chance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the share of permutations of all errors whose means differ by as much: a permutation test."""
    if not one or not other:
        return 1.0
    every, generator = np.array([*one, *other]), np.random.default_rng(0)
    difference = abs(fmean(one) - fmean(other))
    total, number = every.sum(), len(one)
    extreme = 0
    for _ in range(_PERMUTATIONS):
        first = generator.permutation(every)[:number].sum()
        extreme += int(abs(first / number - (total - first) / len(other)) >= difference - 1e-12)
    return (extreme + 1) / (_PERMUTATIONS + 1)
