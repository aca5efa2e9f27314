"""Iteration cases: the few kinds of steps that a level's loops go through inside one parent region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod


@dataclass(frozen=True)
class Loop:
    """A map's loop: its positions, and whether the last of them (the edge) is smaller than the others."""

    trips: int
    edge: bool

    @property
    def last(self) -> int:
        """The index of the last position."""
        return self.trips - 1

    def positions(self) -> list[tuple[int, int]]:
        """Return (representative index, occurrences) of the full positions and of the edge."""
        return [(0, self.trips - self.edge), *([(self.last, 1)] if self.edge else [])]

    def advances(self) -> list[tuple[int, int, int]]:
        """Return (index before, index after, occurrences) of the ways in which the loop moves on by one."""
        to_full = self.trips - self.edge - 1
        steady = [(0, 1, to_full)] if to_full else []
        return [*steady, *([(self.last - 1, self.last, 1)] if self.edge else [])]


@dataclass(frozen=True)
class Case:
    """A kind of step: loop indices that stand for it, those of the step before (None: the very first step)."""

    occurrences: int
    current: tuple[int, ...]
    previous: tuple[int, ...] | None


def iteration_cases(loops: tuple[Loop, ...]) -> Iterator[Case]:
    """Yield the cases of a loop nest, outermost loop first; their occurrences add up to all its steps.

    Where a loop moves on, the loops outside it stand still at a full position or at their edge, and those
    inside it return from their last position to their first.
    """
    yield Case(1, (0,) * len(loops), None)
    for place, loop in enumerate(loops):
        inside = loops[place + 1 :]
        wrapped = tuple(inner.last for inner in inside)
        for outside in product(*(outer.positions() for outer in loops[:place])):
            still = tuple(index for index, _ in outside)
            times = prod(occurrences for _, occurrences in outside)
            for before, after, occurrences in loop.advances():
                yield Case(times * occurrences, (*still, after, *(0,) * len(inside)), (*still, before, *wrapped))
