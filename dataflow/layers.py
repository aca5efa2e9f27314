"""Layers as affine loop nests: iteration dimensions, and tensors whose axes are affine in them.

Everything that distinguishes one layer type from another is a row of `OPERATIONS`; the rest of the project
only sees dimensions, axes and subspaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Any

from dataflow.errors import InputError, Position

TENSORS = ("input", "filter", "output")


@dataclass(frozen=True)
class Operation:
    """The loop nest of a layer type: its iteration dimensions, and each tensor's axes by name.

    An axis named after an iteration dimension is that dimension. The axes ``Y``, ``X`` (and ``Y'``, ``X'``)
    that are not iteration dimensions are windowed: stride · (the other of the pair) + dilation · (filter tap).
    """

    dimensions: tuple[str, ...]
    axes: Mapping[str, tuple[str, ...]]
    fixed_to_one: frozenset[str] = frozenset()


def _operation(dimensions: str, *, fixed_to_one: str = "", **axes: str) -> Operation:
    return Operation(
        tuple(dimensions.split()),
        MappingProxyType({tensor: tuple(axes[tensor].split()) for tensor in TENSORS}),
        frozenset(fixed_to_one.split()),
    )


_CONVOLUTION = _operation("N G K C Y' X' R S", input="N G C Y X", filter="G K C R S", output="N G K Y' X'")

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CONV": _CONVOLUTION,
        "NGCONV": _CONVOLUTION,
        "DSCONV": _operation("N K C Y' X' R S", input="N C Y X", filter="C R S", output="N C Y' X'", fixed_to_one="K"),
        "TRCONV": _operation("N K C Y X R S", input="N C Y X", filter="K C R S", output="N K Y' X'"),
        "GEMM": _operation("M N K", input="M K", filter="K N", output="M N"),
    }
)

#: (input coordinate, output coordinate, filter tap) of the two directions in which a window slides.
_DIRECTIONS = (("Y", "Y'", "R"), ("X", "X'", "S"))


@dataclass(frozen=True)
class Window:
    """A windowed dimension: ``name`` = stride · ``slide`` + dilation · ``tap``.

    A convolution slides its window over the input (``Y`` = σ·``Y'`` + δ·``R``), a transposed one over the
    output (``Y'`` = σ·``Y`` + δ·``R``).
    """

    name: str
    slide: str
    tap: str
    stride: int
    dilation: int

    def extent(self, slides: int, taps: int) -> int:
        """Return the length of the span that ``slides`` successive windows of ``taps`` taps reach over."""
        return self.stride * (slides - 1) + self.dilation * (taps - 1) + 1


@dataclass(frozen=True)
class Subspace:
    """An independent factor of the iteration space: one dimension, or the two that share a window.

    Maps of different subspaces never interact, and every tensor has at most one axis in each: the iteration
    space, every region of it and every tile are products over the subspaces.
    """

    dimensions: tuple[str, ...]
    window: Window | None = None

    def coefficients(self, axis: str) -> tuple[int, ...]:
        """Return the coefficients of the axis in this subspace's dimensions, e.g. (σ, δ) for a windowed one."""
        if self.window is not None and axis == self.window.name:
            return (self.window.stride, self.window.dilation)
        return tuple(int(axis == dimension) for dimension in self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a map of this subspace may carry."""
        return self.dimensions if self.window is None else (*self.dimensions, self.window.name)


@dataclass(frozen=True)
class Layer:
    """One layer: a type and the sizes of its dimensions.

    ``sizes`` holds every iteration dimension and every windowed dimension, in elements; build layers with
    `Layer.of`, which derives and checks them. ``given`` are the sizes as they were stated.
    """

    name: str
    type: str
    sizes: Mapping[str, int] = field(hash=False)
    given: Mapping[str, int] = field(hash=False)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    position: Position | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        name: str,
        type: str,
        sizes: Mapping[str, int],
        *,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        position: Position | None = None,
    ) -> Layer:
        """Build a layer from stated sizes: (Y or Y'), (X or X'), and whichever other dimensions are not 1.

        ``stride`` and ``dilation`` are (vertical, horizontal). Raises `InputError` where the sizes do not
        describe a layer of this type.
        """
        operation = _known_operation(name, type, position)
        windows = _windows(operation, stride, dilation)
        for label, pair in (("stride", stride), ("dilation", dilation)):
            if min(pair) < 1:
                raise InputError(f"layer {name}: {label} {min(pair)} is less than 1", position)
        known = (*operation.dimensions, *(window.name for window in windows))
        for dimension, size in sizes.items():
            if dimension not in known:
                raise InputError(
                    f"layer {name}: a {type} has no dimension {dimension}; its dimensions are {' '.join(known)}",
                    position,
                )
            if size < 1:
                raise InputError(f"layer {name}: {dimension} is {size}; a size is at least 1", position)
            if dimension in operation.fixed_to_one and size != 1:
                raise InputError(f"layer {name}: {dimension} is {size}; in a {type} it is 1", position)
        resolved = {dimension: sizes.get(dimension, 1) for dimension in operation.dimensions}
        for window in windows:
            resolved |= _window_sizes(name, type, window, sizes, position)
        return cls(name, type, MappingProxyType(resolved), MappingProxyType(dict(sizes)), stride, dilation, position)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what was stated: read-only views cannot be."""
        stated = (self.name, self.type, dict(self.given), self.stride, self.dilation, self.position)
        return _rebuilt, stated

    @property
    def operation(self) -> Operation:
        """The row of the table of layer types."""
        return OPERATIONS[self.type]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The iteration dimensions, in the table's order."""
        return self.operation.dimensions

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The windowed dimensions: none for a GEMM, else (vertical, horizontal)."""
        return _windows(self.operation, self.stride, self.dilation)

    @cached_property
    def subspaces(self) -> tuple[Subspace, ...]:
        """The independent factors of the iteration space, in the order of their first dimensions."""
        sliding = {window.slide: window for window in self.windows}
        taps = {window.tap for window in self.windows}
        return tuple(
            Subspace((dimension, sliding[dimension].tap), sliding[dimension])
            if dimension in sliding
            else Subspace((dimension,))
            for dimension in self.dimensions
            if dimension not in taps
        )

    def tensor_axes(self, tensor: str) -> tuple[str, ...]:
        """Return the names of the axes of ``tensor`` ("input", "filter" or "output")."""
        return self.operation.axes[tensor]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations: the number of points of the iteration space."""
        return prod(self.sizes[dimension] for dimension in self.dimensions)


def _rebuilt(
    name: str,
    type_: str,
    given: dict[str, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    position: Position | None,
) -> Layer:
    return Layer.of(name, type_, given, stride=stride, dilation=dilation, position=position)


def _known_operation(name: str, type_: str, position: Position | None) -> Operation:
    if type_ not in OPERATIONS:
        raise InputError(f"layer {name}: unknown type {type_}; the types are {', '.join(OPERATIONS)}", position)
    return OPERATIONS[type_]


def _windows(operation: Operation, stride: tuple[int, int], dilation: tuple[int, int]) -> tuple[Window, ...]:
    found = []
    for (outer, inner, tap), sigma, delta in zip(_DIRECTIONS, stride, dilation, strict=True):
        if tap not in operation.dimensions:
            continue
        windowed, slide = (outer, inner) if inner in operation.dimensions else (inner, outer)
        found.append(Window(windowed, slide, tap, sigma, delta))
    return tuple(found)


def _window_sizes(
    name: str, type_: str, window: Window, sizes: Mapping[str, int], position: Position | None
) -> dict[str, int]:
    """Derive the windowed size from the sliding one or the other way round, or check that both fit."""
    taps = sizes.get(window.tap, 1)
    reach = window.dilation * (taps - 1) + 1
    slides = sizes.get(window.slide)
    if window.name not in sizes:
        slides = slides or 1
        return {window.slide: slides, window.name: window.extent(slides, taps)}
    extent = sizes[window.name]
    fitting = (extent - reach) // window.stride + 1
    if fitting < 1:
        raise InputError(
            f"layer {name}: {window.name} is {extent}, less than the {reach} that one window of "
            f"{window.tap} = {taps} and dilation {window.dilation} reaches over",
            position,
        )
    if slides is not None and slides != fitting:
        raise InputError(
            f"layer {name}: {window.name} = {extent} gives {window.slide} = {fitting}, not {slides}; "
            f"state one of the two",
            position,
        )
    return {window.slide: fitting, window.name: extent}
