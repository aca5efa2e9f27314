"""How places are written and read: clusters, PEs, and elements of tensors."""

from __future__ import annotations

import re
from math import prod
from typing import NamedTuple

from dataflow.errors import InputError
from dataflow.layers import TENSORS, Layer
from dataflow.levels import Mapping
from simulator.events import Path, Ranges

#: what users call the tensors, beside their names
LETTERS = {"I": "input", "W": "filter", "F": "filter", "O": "output"}


class Element(NamedTuple):
    """An element of a tensor, by its coordinates in the order of the tensor's axes."""

    tensor: str
    coordinates: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.tensor}[{','.join(map(str, self.coordinates))}]"


def cluster_name(path: Path) -> str:
    """Return what a cluster is called: the top, or by the units that lead to it."""
    return "cluster " + ".".join(map(str, path)) if path else "the top"


def pe_name(path: Path) -> str:
    """Return what a PE is called: by the units that lead to it."""
    return "PE " + ".".join(map(str, path))


def pe_path(mapping: Mapping, text: str) -> Path:
    """Return the units that lead to a PE, which is written 0.3, or as one number counted through all clusters."""
    units, total = mapping.units, prod(mapping.units)
    path: list[int] = []
    if re.fullmatch(r"[0-9]{1,9}", text) and int(text) < total:
        number = int(text)
        for width in reversed(units):
            number, unit = divmod(number, width)
            path.insert(0, unit)
    elif re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})+", text):
        path = [int(unit) for unit in text.split(".")]
    if len(path) != len(units) or any(unit >= width for unit, width in zip(path, units, strict=True)):
        last = ".".join(str(width - 1) for width in units)
        raise InputError(f"there is no PE {text}; the last one is {last}, or {total - 1}", "PE")
    return tuple(path)


def element(layer: Layer, text: str) -> Element:
    """Return the element that is written I[0,3,5,7], W[…] or O[…], or with a tensor's whole name."""
    match = re.fullmatch(r"\s*([A-Za-z]+)\s*\[([0-9,\s]*)\]\s*", text)
    tensor = None if match is None else LETTERS.get(match[1].upper(), match[1].lower())
    if match is None or tensor not in TENSORS:
        raise InputError(f"{text} is no element; write one as I[0,3,5,7], W[0,3,1,1] or O[0,3,5,7]")
    axes = layer.tensor_axes(tensor)
    numbers = match[2].split(",")
    sizes = [layer.sizes[axis] for axis in axes]
    if len(numbers) != len(axes) and len(axes) > len(numbers):  # axes of one element may be left out
        missing = len(axes) - len(numbers)
        ones = [i for i, size in enumerate(sizes) if size == 1][:missing]
        if len(ones) == missing:
            given = iter(numbers)
            numbers = ["0" if i in ones else next(given) for i in range(len(axes))]
    shape = ", ".join(f"{axis} {size}" for axis, size in zip(axes, sizes, strict=True))
    if len(numbers) != len(axes) or not all(number.strip().isdigit() for number in numbers):
        raise InputError(f"{text}: {tensor} has the axes {shape}")
    coordinates = tuple(int(number) for number in numbers)
    if any(coordinate >= size for coordinate, size in zip(coordinates, sizes, strict=True)):
        raise InputError(f"{text} is outside of {tensor}, which has the axes {shape}")
    return Element(tensor, coordinates)


def holds(layer: Layer, ranges: Ranges, wanted: Element) -> bool:
    """Tell whether a unit that works on these ranges works with an element."""
    for axis, coordinate in zip(layer.tensor_axes(wanted.tensor), wanted.coordinates, strict=True):
        subspace = next(subspace for subspace in layer.subspaces if axis in subspace.names)
        terms = [
            (coefficient, ranges[dimension])
            for coefficient, dimension in zip(subspace.coefficients(axis), subspace.dimensions, strict=True)
            if coefficient
        ]
        if not _reaches(coordinate, terms):
            return False
    return True


def _reaches(coordinate: int, terms: list[tuple[int, tuple[int, int]]]) -> bool:
    """Tell whether Σ coefficient · index is the coordinate for some indices in their ranges."""
    if not terms:
        return coordinate == 0
    (coefficient, (low, high)), *others = terms
    if not others:
        index, rest = divmod(coordinate, coefficient)
        return rest == 0 and low <= index < high
    return any(_reaches(coordinate - coefficient * index, others) for index in range(low, high))


def written_ranges(layer: Layer, ranges: Ranges, tensor: str) -> str:
    """Return a unit's tile of a tensor, axis by axis: first and last coordinates."""
    words = []
    for axis in layer.tensor_axes(tensor):
        low, high = axis_range(layer, ranges, axis)
        if layer.sizes[axis] > 1:
            words.append(f"{axis} {low}" if high == low else f"{axis} {low}..{high}")
    return ", ".join(words) or "its one element"


def axis_range(layer: Layer, ranges: Ranges, axis: str) -> tuple[int, int]:
    """Return the first and the last coordinate of an axis in a unit's tile."""
    subspace = next(subspace for subspace in layer.subspaces if axis in subspace.names)
    low = high = 0
    for coefficient, dimension in zip(subspace.coefficients(axis), subspace.dimensions, strict=True):
        begin, end = ranges[dimension]
        low, high = low + coefficient * begin, high + coefficient * (end - 1)
    return low, high
