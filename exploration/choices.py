"""Which dataflow each layer takes, and which designs take too much power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataflow.errors import InputError
from exploration.areas import Integers
from exploration.objectives import power_scale
from exploration.space import Space

#: relative distances from a limit at which floats are not trusted
_CLOSE = 1e-9

_FITS = 1 << 62


def preference(best_by: str | None, cycles: float, energy: float) -> float:
    """Return what a layer makes as small as possible when it chooses its dataflow; energy relative to one MAC."""
    if best_by == "energy":
        return energy
    return energy * cycles if best_by == "energy_delay" else cycles


def chosen(
    layers: Sequence[Sequence[tuple[int, Integers]]], best_by: str | None, parts: int
) -> tuple[Integers, Integers]:
    """Return the cycles and energies, in parts, of layers that each take the best of their (energy, cycles).

    Of those that are equally good by `preference`, which is rounded as floats are, a layer takes the one of fewer
    cycles, then of less energy.
    """
    number = len(layers[0][0][1])
    cycles, energy, bound = np.zeros(number, np.int64), np.zeros(number, np.int64), 0
    for candidates in layers:
        bound += max(energy for energy, _ in candidates)
        if bound >= _FITS:
            raise InputError("the energies of these layers are beyond 64 bits; take smaller ones", "workload")
        if len(candidates) == 1:
            ((own, taken),) = candidates
            cycles, energy = cycles + taken, energy + own
            continue
        energies = np.array([own for own, _ in candidates])
        times = np.stack([taken for _, taken in candidates])
        relative = np.array([own / parts for own, _ in candidates])[:, np.newaxis]
        wanted = np.broadcast_to(_preferences(best_by, times, relative), times.shape)
        best = np.lexsort((np.broadcast_to(energies[:, np.newaxis], times.shape), times, wanted), axis=0)[0]
        cycles, energy = cycles + times[best, np.arange(number)], energy + energies[best]
    return cycles, energy


def _preferences(best_by: str | None, cycles: Integers, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    if best_by == "energy":
        return energy
    return energy * cycles if best_by == "energy_delay" else cycles.astype(np.float64)


def powerful(space: Space, parts: int, cycles: Integers, energy: Integers) -> NDArray[np.bool_]:
    """Return which designs take no more power than the limit allows, exactly; energies are in parts."""
    limit, scale = space.limits.power_mw, power_scale(space.machine, space.technology)
    if limit is None or scale is None:
        return np.ones(len(cycles), bool)
    most = limit * parts / scale
    share = energy / (cycles * float(most))
    within = share <= 1
    for doubtful in np.flatnonzero(np.abs(share - 1) < _CLOSE):
        within[doubtful] = int(energy[doubtful]) <= most * int(cycles[doubtful])
    return within
