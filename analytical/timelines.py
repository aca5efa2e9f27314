"""The clocks of many machines at once: delays are arrays with a number per machine, or ints where all are alike.

Everything else is as for one machine. What soon goes on evenly has to do so on all of them; else two times together are
looked at as one, as there.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analytical.timeline import _NEVER, Cycles, Growth, Matrix, Row, Timeline, itself


class Timelines(Timeline):
    """The clock of all clusters on every machine."""

    def value(self, variable: int) -> Cycles:
        """Return the cycle of a variable on every machine."""
        common, shape = self.latest([(variable, 0)])
        return common + latest(list(shape.values()))

    def _combined(self, terms: Iterable[tuple[int, Cycles]], rows: Matrix) -> Row:
        by_shape: dict[int, Row] = {}
        for variable, delay in terms:
            common, shape = rows.get(variable) or (0, itself(variable))
            if shape:
                same = by_shape.get(id(shape))
                common = common + delay
                by_shape[id(shape)] = (common if same is None else latest([same[0], common])), shape
        if not by_shape:
            return _NEVER
        (first, shape), *others = by_shape.values()
        if not others:
            return first, shape
        found = {variable: first + delay for variable, delay in shape.items()}
        for common, shape in others:
            for variable, delay in shape.items():
                later, known = common + delay, found.get(variable)
                if isinstance(known, np.ndarray):
                    np.maximum(known, later, out=known)  # made above, and nobody else has it
                else:
                    found[variable] = later if known is None else latest([known, later])
        if len(found) == 1:
            ((variable, delay),) = found.items()
            return delay, itself(variable)
        return 0, found

    def _same(self, row: Row, other: Row) -> bool:
        if row[1] is other[1]:
            return _equal(row[0], other[0])
        return row[1].keys() == other[1].keys() and all(
            _equal(row[0] + delay, other[0] + other[1][variable]) for variable, delay in row[1].items()
        )

    def _even_growth(self, first: Matrix, second: Matrix, third: Matrix) -> dict[int, Growth] | None:
        found: dict[int, Growth] = {}
        for variable, row in third.items():
            earlier, earliest = second.get(variable), first.get(variable)
            if row is earlier is earliest:
                continue
            if earlier is None or earliest is None:
                return None
            if row[1] is earlier[1] is earliest[1]:
                found[variable] = row[0] - earlier[0]
                if not _equal(found[variable], earlier[0] - earliest[0]):
                    return None
                continue
            if not row[1].keys() == earlier[1].keys() == earliest[1].keys():
                return None
            each = found[variable] = {}
            for source, delay in row[1].items():
                before = earlier[0] + earlier[1][source]
                each[source] = row[0] + delay - before
                if not _equal(each[source], before - earliest[0] - earliest[1][source]):
                    return None
        return found


def latest(cycles: list[Cycles]) -> Cycles:
    """Return the latest of some cycles, machine by machine."""
    found, *others = cycles
    for each in others:
        if found is not each:
            both = isinstance(found, int) and isinstance(each, int)
            found = max(found, each) if both else np.maximum(found, each)
    return found


def _equal(one: Cycles, other: Cycles) -> bool:
    return one is other or bool(np.all(one == other))
