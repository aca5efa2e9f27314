"""Time as max-plus algebra (§5): every cycle at which something ends is a maximum of earlier ones plus delays.

The machine's clock is a vector: when each port is free, when the latest steps of each cluster ended, when output
tiles left. A step maps it to another one, linearly if maximum is read as sum and sum as product. So the steps of a
loop are a product of matrices, and iterations that are alike are a power: as many multiplications as the number of
iterations has binary digits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]

#: "no constraint": below every sum of delays that can occur
NEVER = np.int64(-(1 << 60))


class Timeline:
    """The clock of all clusters as a max-plus matrix: row i says how variable i follows from the variables before."""

    def __init__(self, variables: int) -> None:
        self._rows = _identity(variables)

    def latest(self, *terms: tuple[int, int]) -> Matrix:
        """Return the maximum of (variable, delay) terms, as a row."""
        chosen = self._rows[[variable for variable, _ in terms]]
        delays = np.array([delay for _, delay in terms], dtype=np.int64)
        row: Matrix = (chosen + delays[:, None]).max(axis=0)
        return np.maximum(row, NEVER)

    def set(self, variable: int, row: Matrix) -> None:
        """Let ``variable`` be what ``row`` says."""
        self._rows[variable] = row

    def copy(self, source: int, target: int) -> None:
        """Let ``target`` be what ``source`` is."""
        self._rows[target] = self._rows[source]

    def forget(self, variable: int) -> None:
        """Let ``variable`` constrain nothing."""
        self._rows[variable] = NEVER

    def repeat(self, times: int, body: Callable[[], None]) -> None:
        """Apply what ``body`` does ``times`` times; it is called once."""
        before = self._rows
        self._rows = _identity(len(before))
        body()
        self._rows = _product(_power(self._rows, times), before)

    def value(self, variable: int) -> int:
        """Return the cycle of ``variable`` when all variables began at 0."""
        return int(self._rows[variable].max())


def _identity(variables: int) -> Matrix:
    matrix = np.full((variables, variables), NEVER)
    np.fill_diagonal(matrix, 0)
    return matrix


def _product(after: Matrix, before: Matrix) -> Matrix:
    product = np.full_like(before, NEVER)
    for column in range(len(before)):
        np.maximum(product, after[:, column, None] + before[column], out=product)
    return product


def _power(matrix: Matrix, times: int) -> Matrix:
    result = None
    while times:
        if times & 1:
            result = matrix if result is None else _product(matrix, result)
        times >>= 1
        if times:
            matrix = _product(matrix, matrix)
    assert result is not None, "times is at least 1"
    return result
