"""Time as max-plus algebra (§5): every cycle at which something ends is a maximum of earlier ones plus delays.

The machine's clock is a vector: when each port is free, when the latest steps of each cluster ended, when output
tiles left. A step maps it to another one, linearly if maximum is read as sum and sum as product. So what a stretch of
steps does is a matrix, and the stretch after another one is a product. Few variables constrain any other, so a row
holds only those that do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

#: a variable's cycle: the latest of these earlier variables' plus a delay each; with none, no constraint at all
Row = dict[int, int]

#: the variables that something changes; rows are never altered once they are made
Matrix = dict[int, Row]

#: repetitions after which variables usually go on evenly, and how many of them may have to be taken together
_TRIED = 6
_PERIODS = (1, 2, 3)


class Timeline:
    """The clock of all clusters, from the time on at which every variable was as in ``rows``.

    Variables without a row are what they were. All cycles are exact, however many.
    """

    def __init__(self, rows: Matrix) -> None:
        self._rows = rows

    def latest(self, terms: Iterable[tuple[int, int]]) -> Row:
        """Return the maximum of (variable, delay) terms, as a row."""
        return _combined(terms, self._rows)

    def set(self, variable: int, row: Row) -> None:
        """Let ``variable`` be what ``row`` says."""
        self._rows[variable] = row

    def copy(self, source: int, target: int) -> None:
        """Let ``target`` be what ``source`` is."""
        self._rows[target] = self.latest([(source, 0)])

    def forget(self, variable: int) -> None:
        """Let ``variable`` constrain nothing."""
        self._rows[variable] = {}

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
        self._rows |= _product(effect, self._rows)

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
                    effect = _product(effect, effect)
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
                    growth = _even_growth(*history[-1 - 2 * period :: period])
                    if growth is not None and self._leaps(body, period, growth, times // period):
                        for _ in range(times % period):
                            body()
                        return 0
        return times

    def _leaps(self, body: Callable[[], None], period: int, growth: Matrix, times: int) -> bool:
        """Let ``body`` happen ``times`` periods with a growth that was even so far, unless it is not in the end."""
        now = self._rows
        end = _grown(now, growth, times)
        self._rows = _grown(now, growth, times - 1)
        for _ in range(period):
            body()
        if self._rows == end:
            return True
        self._rows = now
        return False

    def value(self, variable: int) -> int:
        """Return the cycle of a variable that something constrains, if all variables began at 0."""
        return max(self._rows.get(variable, _UNCHANGED).values())


_UNCHANGED: Row = {0: 0}


def _combined(terms: Iterable[tuple[int, int]], rows: Matrix) -> Row:
    """Return the maximum of (variable, delay) terms, where the variables are what ``rows`` say."""
    found: Row = {}
    for variable, delay in terms:
        row = rows.get(variable)
        if row is None:
            if variable not in found or found[variable] < delay:
                found[variable] = delay
        elif found:
            for source, earlier in row.items():
                cycle = earlier + delay
                if source not in found or found[source] < cycle:
                    found[source] = cycle
        else:
            found = {source: earlier + delay for source, earlier in row.items()}
    return found


def _product(after: Matrix, before: Matrix) -> Matrix:
    """Return the rows of ``after`` in the variables that ``before`` starts from."""
    return {variable: _combined(row.items(), before) for variable, row in after.items()}


def _even_growth(first: Matrix, second: Matrix, third: Matrix) -> Matrix | None:
    """Return by how much delays are longer in the third than in the second, None if not as much as from the first."""
    found: Matrix = {}
    for variable, row in third.items():
        earlier, earliest = second.get(variable), first.get(variable)
        if row is earlier is earliest:
            continue
        if earlier is None or earliest is None or not row.keys() == earlier.keys() == earliest.keys():
            return None
        growth = found[variable] = {}
        for source, delay in row.items():
            growth[source] = delay - earlier[source]
            if growth[source] != earlier[source] - earliest[source]:
                return None
    return found


def _grown(matrix: Matrix, growth: Matrix, times: int) -> Matrix:
    """Return the rows after ``times`` times this growth."""
    found = dict(matrix)
    for variable, row in growth.items():
        found[variable] = {source: delay + times * row[source] for source, delay in matrix[variable].items()}
    return found
