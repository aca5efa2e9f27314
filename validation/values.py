"""Hold the numbers that the simulated machine computes against NumPy's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping
from dataflow.metrics import Metrics
from simulator.dataplane import Path, Work
from simulator.values import execute_mapping
from validation import reference_values

Integers = NDArray[np.int64]

#: Wrong elements that are looked into.
LISTED = 5
#: Missing operands that are named in a line about one of these.
NAMED = 3

_LETTERS = {"input": "I", "filter": "F", "output": "O"}


@dataclass(frozen=True)
class Wrong:
    """An element of the output, by name, that is not what it should be, and the PEs' work for it.

    ``terms`` is the number of products that it should be the sum of; ``work`` has the products and the names of
    missing operands by PE, the PE by its unit at each level.
    """

    element: str
    value: int
    expected: int
    terms: int
    work: tuple[tuple[Path, int, tuple[str, ...]], ...]

    def __str__(self) -> str:
        made = [
            f"PE {path_name(path)} made {products}" + (f" without {_few(missing)}" if missing else "")
            for path, products, missing in self.work
        ]
        text = f"{self.element}: {self.value}, should be {self.expected}"
        if not self.terms:
            text += ", to which nothing adds"
        elif self.terms > 1:
            text += f", the sum of {self.terms} products"
        return "; ".join([text, *(made or ["no PE made any product of it"])])


@dataclass(frozen=True)
class Verdict:
    """A layer with numbers in it: what it took, its output, and the first of its ``wrong_elements`` wrong ones.

    ``missing`` are the first of the ``missing_operands`` that a PE should have had and had not, by PE and name.
    """

    metrics: Metrics
    output: Integers
    wrong_elements: int
    wrong: tuple[Wrong, ...]
    missing_operands: int
    missing: tuple[tuple[Path, str], ...]

    @property
    def equal(self) -> bool:
        """Whether every element is NumPy's, and no operand was missing."""
        return not self.wrong_elements and not self.missing_operands


def verify(mapping: Mapping, machine: Machine, inputs: Integers, filters: Integers) -> Verdict:
    """Execute a layer with these operands (`simulator.values.operands`) and compare every element of the output.

    Where some are wrong, the layer is executed again to see which PEs worked on the first of them.
    """
    layer = mapping.layer
    expected = reference_values.output(layer, inputs, filters)
    done = execute_mapping(mapping, machine, inputs, filters)
    differing = np.flatnonzero(done.output != expected)
    wrong: list[Wrong] = []
    if len(differing):
        first = differing[:LISTED].tolist()
        work = execute_mapping(mapping, machine, inputs, filters, watched=first).work
        terms = reference_values.output(layer, np.ones_like(inputs), np.ones_like(filters))
        for index in first:
            value, right, number = (int(array.flat[index]) for array in (done.output, expected, terms))
            wrong.append(Wrong(element(layer, "output", index), value, right, number, _named(layer, work[index])))
    missing = tuple((path, element(layer, tensor, index)) for path, tensor, index in done.missing)
    return Verdict(done.metrics, done.output, len(differing), tuple(wrong), done.missing_operands, missing)


def element(layer: Layer, tensor: str, index: int) -> str:
    """Return the name of an element by its flat index, ``O[n 0, k 3, y' 2, x' 1]``; an only group is not named."""
    axes = layer.tensor_axes(tensor)
    at = np.unravel_index(index, tuple(layer.sizes[axis] for axis in axes))
    named = zip(axes, at, strict=True)
    shown = [f"{axis.lower()} {int(i)}" for axis, i in named if axis != "G" or layer.sizes["G"] > 1]
    return f"{_LETTERS[tensor]}[{', '.join(shown)}]"


def path_name(path: Path) -> str:
    """Return the name of a PE: its unit at each level, outermost first, as in ``2.0.3``."""
    return ".".join(map(str, path))


def _few(names: tuple[str, ...]) -> str:
    left = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {left} more" if left > 0 else "")


def _named(layer: Layer, work: dict[Path, Work]) -> tuple[tuple[Path, int, tuple[str, ...]], ...]:
    return tuple(
        (path, done.products, tuple(element(layer, tensor, index) for tensor, index in sorted(done.missing)))
        for path, done in sorted(work.items())
    )
