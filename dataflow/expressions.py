"""Sizes as a dataflow file writes them: integers, ``Sz(D)`` and the four operations on them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dataflow.errors import InputError, Position


@dataclass(frozen=True)
class Number:
    """An integer literal."""

    value: int

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """Return the value; ``sizes`` does not matter."""
        return self.value

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class SizeOf:
    """``Sz(D)``: the size of dimension D in the layer."""

    dimension: str
    position: Position | None = field(default=None, compare=False)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """Return the size; raises `InputError` for a dimension that ``sizes`` does not have."""
        if self.dimension not in sizes:
            raise InputError(
                f"Sz({self.dimension}): the layer has no dimension {self.dimension}; "
                f"its dimensions are {' '.join(sizes)}",
                self.position,
            )
        return sizes[self.dimension]

    def __str__(self) -> str:
        return f"Sz({self.dimension})"


_OPERATIONS: Mapping[str, Callable[[int, int], int]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv}
)


@dataclass(frozen=True)
class Arithmetic:
    """``left symbol right`` with symbol one of ``+ - * /``; ``/`` rounds down."""

    symbol: str
    left: Expression
    right: Expression
    position: Position | None = field(default=None, compare=False)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """Return the value; raises `InputError` on a division by zero or an unknown dimension."""
        left, right = self.left.evaluate(sizes), self.right.evaluate(sizes)
        if self.symbol == "/" and right == 0:
            raise InputError(f"{self}: division by zero", self.position)
        return _OPERATIONS[self.symbol](left, right)

    def __str__(self) -> str:
        return f"{_operand(self.left, self.symbol)}{self.symbol}{_operand(self.right, self.symbol, right=True)}"


Expression = Number | SizeOf | Arithmetic

_BINDS = MappingProxyType({"+": 1, "-": 1, "*": 2, "/": 2})


def _operand(expression: Expression, around: str, *, right: bool = False) -> str:
    """Write an operand, in parentheses where the tree would otherwise read back differently."""
    text = str(expression)
    if isinstance(expression, Arithmetic) and _BINDS[expression.symbol] < _BINDS[around] + right:
        return f"({text})"
    if isinstance(expression, Number) and expression.value < 0:
        return f"(0-{-expression.value})"
    return text
