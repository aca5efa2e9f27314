"""Time as max-plus algebra (§5): every cycle at which something ends is a maximum of earlier ones plus delays.

The machine's clock is a vector: when each port is free, when the latest steps of each cluster ended, when output
tiles left. A step maps it to another one, linearly if maximum is read as sum and sum as product. So what a stretch of
steps does is a matrix, and the stretch after another one is a product. Few variables constrain any other, so a row
holds only those that do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

#: a number of cycles: an int, or an array with a number for each of many machines (`analytical.timelines`)
Cycles = Any

#: delays after earlier variables; shapes are never altered once they are made
Shape = dict[int, Cycles]

#: a variable's cycle: the latest of earlier variables' plus a delay each, which is a common one and that of the shape.
#: With an empty shape it is no constraint at all. Variables that follow from one another share a shape.
Row = tuple[Cycles, Shape]

#: the variables that something changes
Matrix = dict[int, Row]

#: by how much the delays of a row get longer each time: all of them alike, or each on its own
Growth = Cycles | Shape

#: repetitions after which variables usually go on evenly, and how many of them may have to be taken together
_TRIED = 6
_PERIODS = (1, 2, 3)

_NEVER: Row = (0, {})


class Timeline:
    """The clock of all clusters, from the time on at which every variable was as in ``rows``.

    Variables without a row are what they were. All cycles are exact, however many.
    """

    def __init__(self, rows: Matrix) -> None:
        self._rows = rows

    def latest(self, terms: Iterable[tuple[int, Cycles]]) -> Row:
        """Return the maximum of (variable, delay) terms, as a row."""
        return self._combined(terms, self._rows)

    def later(self, variable: int, delay: Cycles) -> Row:
        """Return what comes so long after a variable, as a row."""
        common, shape = self._rows.get(variable) or (0, itself(variable))
        return (common + delay, shape) if shape else _NEVER

    def set(self, variable: int, row: Row) -> None:
        """Let ``variable`` be what ``row`` says."""
        self._rows[variable] = row

    def copy(self, source: int, target: int) -> None:
        """Let ``target`` be what ``source`` is."""
        self._rows[target] = self._rows.get(source) or (0, itself(source))

    def forget(self, variable: int) -> None:
        """Let ``variable`` constrain nothing."""
        self._rows[variable] = _NEVER

    def leave(self, *variables: int) -> None:
        """Forget variables that nobody asks for before they are set anew."""
        for variable in variables:
            self._rows.pop(variable, None)

    def effect(self, body: Callable[[], None]) -> Matrix:
        """Return what ``body`` does to any clock, without doing it to this one."""
        before, self._rows = self._rows, {}
        body()
        done, self._rows = self._rows, before
        return done

    def apply(self, effect: Matrix) -> None:
        """Let what `effect` returned happen."""
        self._rows |= self._product(effect, self._rows)

    def repeat(self, body: Callable[[], None], times: int) -> None:
        """Let what ``body`` does happen ``times`` times; it is called a few times.

        Where variables do not soon go on evenly (`_until_even`), two times together are looked at as one, and so on.
        """
        times = self._until_even(body, times)
        if times:
            effect = self.effect(body)
            while times:
                if times % 2:
                    self.apply(effect)
                times //= 2
                if times:
                    effect = self._product(effect, effect)
                    times = self._until_even(partial(self.apply, effect), times)

    def _until_even(self, body: Callable[[], None], times: int) -> int:
        """Let ``body`` happen until all is done, or in vain a few times; return how many times are left.

        Usually every variable soon goes on by as much each time, or each second or third time, as before. Then it does
        so to the end if it does the last time, too: a maximum of sums that grow evenly is convex, so that what is even
        at two successive times and at a later one is even between.
        """
        history = [self._rows]
        while times and len(history) <= _TRIED:
            self._rows = dict(self._rows)
            body()
            times -= 1
            history.append(self._rows)
            for period in _PERIODS:
                if 2 * period < len(history) and period <= times:
                    growth = self._even_growth(*history[-1 - 2 * period :: period])
                    if growth is not None and self._leaps(body, period, growth, times // period):
                        for _ in range(times % period):
                            body()
                        return 0
        return times

    def _leaps(self, body: Callable[[], None], period: int, growth: dict[int, Growth], times: int) -> bool:
        """Let ``body`` happen ``times`` periods with a growth that was even so far, unless it is not in the end."""
        now = self._rows
        end = _grown(now, growth, times)
        self._rows = _grown(now, growth, times - 1)
        for _ in range(period):
            body()
        if all(self._same(row, self._rows[variable]) for variable, row in end.items()):
            return True
        self._rows = now
        return False

    def value(self, variable: int) -> Cycles:
        """Return the cycle of a variable that something constrains, if all variables began at 0."""
        return max(delays(self.latest([(variable, 0)])).values())

    def _combined(self, terms: Iterable[tuple[int, Cycles]], rows: Matrix) -> Row:
        """Return the maximum of (variable, delay) terms, where the variables are what ``rows`` say."""
        latest: dict[int, Row] = {}
        for variable, delay in terms:
            common, shape = rows.get(variable) or (0, itself(variable))
            if not shape:
                continue
            same = latest.get(id(shape))
            if same is None or same[0] < common + delay:
                latest[id(shape)] = common + delay, shape
        if not latest:
            return _NEVER
        (first, shape), *others = latest.values()
        if not others:
            return first, shape
        found = dict(shape)
        for common, shape in others:
            later = common - first
            for variable, delay in shape.items():
                if variable not in found or found[variable] < delay + later:
                    found[variable] = delay + later
        if len(found) == 1:
            ((variable, delay),) = found.items()
            return first + delay, itself(variable)
        return first, found

    def _product(self, after: Matrix, before: Matrix) -> Matrix:
        """Return the rows of ``after`` in the variables that ``before`` starts from."""
        combined: dict[int, Row] = {}
        found = {}
        for variable, (common, shape) in after.items():
            row = combined.get(id(shape))
            if row is None:
                row = combined[id(shape)] = self._combined(shape.items(), before)
            found[variable] = common + row[0], row[1]
        return found

    def _even_growth(self, first: Matrix, second: Matrix, third: Matrix) -> dict[int, Growth] | None:
        """Return by how much delays are longer in the third than in the second, None if not as from the first on."""
        found: dict[int, Growth] = {}
        for variable, row in third.items():
            earlier, earliest = second.get(variable), first.get(variable)
            if row is earlier is earliest:
                continue
            if earlier is None or earliest is None:
                return None
            growth = row[0] - earlier[0]
            if row[1] is earlier[1] is earliest[1]:
                if growth != earlier[0] - earliest[0]:
                    return None
                found[variable] = growth
                continue
            if not row[1].keys() == earlier[1].keys() == earliest[1].keys():
                return None
            before = earlier[0] - earliest[0]
            each = found[variable] = {}
            for source, delay in row[1].items():
                each[source] = growth + delay - earlier[1][source]
                if each[source] != before + earlier[1][source] - earliest[1][source]:
                    return None
        return found

    def _same(self, row: Row, other: Row) -> bool:
        """Tell whether two rows are the same."""
        return row == other or delays(row) == delays(other)


def after(variable: int, delay: Cycles) -> Row:
    """Return the row of what comes that long after a variable."""
    return delay, itself(variable)


def delays(row: Row) -> Shape:
    """Return a row's delay after each variable that it follows from."""
    common, shape = row
    return {variable: common + delay for variable, delay in shape.items()}


@cache
def itself(variable: int) -> Shape:
    """Return the shape of a row that follows from one variable only."""
    return {variable: 0}


def _grown(matrix: Matrix, growth: dict[int, Growth], times: int) -> Matrix:
    """Return the rows after ``times`` times this growth."""
    found = dict(matrix)
    for variable, each in growth.items():
        common, shape = matrix[variable]
        if not isinstance(each, dict):
            found[variable] = common + times * each, shape
        else:
            found[variable] = common, {source: delay + times * each[source] for source, delay in shape.items()}
    return found
