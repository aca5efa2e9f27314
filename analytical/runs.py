"""Sets of coordinates along an axis, as runs: ascending, disjoint, half-open ranges."""

from __future__ import annotations

from collections.abc import Sequence

Runs = tuple[tuple[int, int], ...]


def size(runs: Runs) -> int:
    """Return how many coordinates there are in disjoint runs."""
    if len(runs) == 1:
        return runs[0][1] - runs[0][0]
    return sum([high - low for low, high in runs])


def union(sets: Sequence[Runs]) -> Runs:
    """Return the union as ascending disjoint runs."""
    found: list[tuple[int, int]] = []
    for low, high in sorted([run for runs in sets for run in runs]):
        if found and low <= found[-1][1]:
            if high > found[-1][1]:
                found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return tuple(found)


def intersection(runs: Runs, others: Runs) -> Runs:
    """Return what is in both; the arguments are ascending."""
    found = []
    i = j = 0
    while i < len(runs) and j < len(others):
        low, high = max(runs[i][0], others[j][0]), min(runs[i][1], others[j][1])
        if low < high:
            found.append((low, high))
        if runs[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(runs: Runs, others: Runs) -> Runs:
    """Return what is in ``runs`` only; the arguments are ascending."""
    found = []
    nearest = 0
    for low, high in runs:
        while nearest < len(others) and others[nearest][1] <= low:
            nearest += 1
        left, other = low, nearest
        while other < len(others) and others[other][0] < high:
            if left < others[other][0]:
                found.append((left, others[other][0]))
            left = max(left, others[other][1])
            other += 1
        if left < high:
            found.append((left, high))
    return tuple(found)
