"""Time as max-plus algebra (§5): every cycle at which something ends is a maximum of earlier ones plus delays.

The machine's clock is a vector: when each port is free, when the latest steps of each cluster ended, when output
tiles left. A step maps it to another one, linearly if maximum is read as sum and sum as product. So the steps of a
loop are a product of matrices, and iterations that are alike are a power: as many multiplications as the number of
iterations has binary digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: 64-bit integers, or Python's own where those might not do
Matrix = NDArray[Any]
Row = NDArray[Any]

#: Cycles up to which 64 bits do: twice as many may come up before it is noticed, and "never" has to stay below them.
_LONGEST = 1 << 60
#: A delay up to which the steps between two checks cannot come near.
_LONGEST_DELAY = 1 << 48


class TooLongError(ArithmeticError):
    """More cycles than 64 bits hold: only a wide timeline is exact then."""


class Timeline:
    """The clock of all clusters as a max-plus matrix: row i says how variable i follows from the variables before.

    All sums are exact. Without ``wide`` numbers, `TooLongError` is raised where they would not be.
    """

    def __init__(self, variables: int, *, wide: bool = False) -> None:
        self._wide = wide
        self._type: type = object if wide else np.int64
        #: "no constraint": below every sum of delays that can occur
        self._never = -(1 << 640) if wide else -2 * _LONGEST
        self._unchanged = self._identity(variables)
        self._rows = self._unchanged.copy()

    def latest(self, *terms: tuple[int, int]) -> Row:
        """Return the maximum of (variable, delay) terms, as a row."""
        if not self._wide and max([delay for _, delay in terms]) > _LONGEST_DELAY:
            raise TooLongError
        (variable, delay), *others = terms
        row: Row = self._rows[variable] + delay
        for variable, delay in others:
            np.maximum(row, self._rows[variable] + delay, out=row)
        return np.maximum(row, self._never, out=row)

    def set(self, variable: int, row: Matrix) -> None:
        """Let ``variable`` be what ``row`` says."""
        self._rows[variable] = row

    def copy(self, source: int, target: int) -> None:
        """Let ``target`` be what ``source`` is."""
        self._rows[target] = self._rows[source]

    def forget(self, variable: int) -> None:
        """Let ``variable`` constrain nothing."""
        self._rows[variable] = self._never

    def repeat(self, times: int, body: Callable[[], None]) -> None:
        """Apply what ``body`` does ``times`` times; it is called once."""
        before = self._rows
        self._rows = self._unchanged.copy()
        body()
        self._rows = self._product(self._power(self._rows, times), before)

    def value(self, variable: int) -> int:
        """Return the cycle of ``variable`` when all variables began at 0."""
        return int(self._rows[variable].max())

    def _identity(self, variables: int) -> Matrix:
        matrix: Matrix = np.full((variables, variables), self._never, dtype=self._type)
        np.fill_diagonal(matrix, 0)
        return matrix

    def _product(self, after: Matrix, before: Matrix) -> Matrix:
        """Return ``after`` applied to ``before``; only the variables that ``after`` changes and reads take time."""
        product = before.copy()
        changed = (after != self._unchanged).any(axis=1).nonzero()[0]
        rows = after[changed]
        used = (rows > self._never).any(axis=0).nonzero()[0]
        if used.size:
            sums = rows[:, used, None] + before[used]
            product[changed] = np.maximum(sums.max(axis=1), self._never)
            if not self._wide and product[changed].max() > _LONGEST:
                raise TooLongError
        else:
            product[changed] = self._never
        return product

    def _power(self, matrix: Matrix, times: int) -> Matrix:
        result = None
        while times:
            if times & 1:
                result = matrix if result is None else self._product(matrix, result)
            times >>= 1
            if times:
                matrix = self._product(matrix, matrix)
        assert result is not None, "times is at least 1"
        return result
