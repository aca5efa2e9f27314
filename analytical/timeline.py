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

_LARGEST = 1 << 58


class Timeline:
    """The clock of all clusters as a max-plus matrix: row i says how variable i follows from the variables before.

    ``longest`` is a number of cycles that nothing can exceed; whatever it is, all sums are exact.
    """

    def __init__(self, variables: int, longest: int = 0) -> None:
        self._type: type = np.int64 if longest < _LARGEST else object
        #: "no constraint": below every sum of delays that can occur
        self._never = -4 * max(longest, _LARGEST)
        self._unchanged = self._identity(variables)
        self._rows = self._unchanged.copy()

    def latest(self, *terms: tuple[int, int]) -> Row:
        """Return the maximum of (variable, delay) terms, as a row."""
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
