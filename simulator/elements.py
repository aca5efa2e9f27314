"""Where the elements of tensors are: tiles and multiply-accumulates as flat indices.

An element's flat index is affine in the coordinates of the iteration space. So tiles of equal lengths are alike but for
where they begin, and everything here is worked out once per lengths, relative to the origin of a region.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache, partial
from math import prod
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dataflow.layers import TENSORS, Layer
from simulator.nest import Lengths
from simulator.tiles import Origin

Integers = NDArray[np.int64]

#: origins up to which flat indices are remembered
REMEMBERED = 1 << 14

#: points that are multiplied at once
PIECE = 1 << 18


class Products(NamedTuple):
    """The points of a region in the order of their outputs: positions in the tiles of input and filter.

    ``starts`` says at which point each element of the output tile begins.
    """

    input: Integers
    filter: Integers
    starts: Integers


class Elements:
    """The flat indices of a layer's tensors, each of which is in row-major order."""

    def __init__(self, layer: Layer) -> None:
        self.shapes = {tensor: tensor_shape(layer, tensor) for tensor in TENSORS}
        self.sizes = {tensor: prod(shape) for tensor, shape in self.shapes.items()}
        self._axes = {tensor: list(self._strided_axes(layer, tensor)) for tensor in TENSORS}
        self._weights = {tensor: self._weights_of(layer, tensor) for tensor in TENSORS}
        #: flat indices of origins, which steps of all clusters ask for several times each
        self._bases = {t: lru_cache(REMEMBERED)(partial(_weighted, weights)) for t, weights in self._weights.items()}
        self.tile = cache(self._tile)
        self.products = cache(self._products)

    def base(self, tensor: str, origin: Origin) -> int:
        """Return the flat index, or the difference of flat indices, that belongs to an origin."""
        return self._bases[tensor](origin)

    def multiply(self, lengths: Lengths, inputs: Integers, filters: Integers) -> Integers:
        """Return the output tile of a region of these lengths from the tiles of its operands."""
        outputs = np.zeros(len(self.tile("output", lengths)), np.int64)
        for origin, part in pieces(lengths):
            own, theirs, to = (self._places(tensor, lengths, origin, part) for tensor in TENSORS)
            found = self.products(part)
            outputs[to] += np.add.reduceat(inputs[own][found.input] * filters[theirs][found.filter], found.starts)
        return outputs

    def _places(self, tensor: str, lengths: Lengths, origin: Origin, part: Lengths) -> Integers:
        """Return where in the tile of a region the elements of a part of it are."""
        return np.searchsorted(self.tile(tensor, lengths), self.tile(tensor, part) + self.base(tensor, origin))

    def _strided_axes(self, layer: Layer, tensor: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Yield by axis its stride in the flat index, its subspace and its coefficients there."""
        stride = self.sizes[tensor]
        for axis, size in zip(layer.tensor_axes(tensor), self.shapes[tensor], strict=True):
            stride //= size
            place = next(i for i, subspace in enumerate(layer.subspaces) if axis in subspace.names)
            yield stride, place, layer.subspaces[place].coefficients(axis)

    def _weights_of(self, layer: Layer, tensor: str) -> tuple[int, ...]:
        """Return by coordinate of an origin what it adds to the flat index."""
        found = [[0] * len(subspace.dimensions) for subspace in layer.subspaces]
        for stride, place, coefficients in self._axes[tensor]:
            found[place] = [stride * coefficient for coefficient in coefficients]
        return tuple(weight for weights in found for weight in weights)

    def _tile(self, tensor: str, lengths: Lengths) -> Integers:
        """Return the elements that a region of these lengths touches, in ascending order."""
        found = np.zeros(1, np.int64)
        for stride, place, coefficients in self._axes[tensor]:
            along = _sums(coefficients, lengths[place])
            along = np.unique(along) if len(coefficients) > 1 else along
            found = np.add.outer(found, along * stride).ravel()
        return found

    def _products(self, lengths: Lengths) -> Products:
        flat = tuple(length for of_subspace in lengths for length in of_subspace)
        place = {t: np.searchsorted(self.tile(t, lengths), _sums(self._weights[t], flat)) for t in TENSORS}
        order = np.argsort(place["output"], kind="stable")
        starts = np.searchsorted(place["output"][order], np.arange(len(self.tile("output", lengths))))
        return Products(place["input"][order], place["filter"][order], starts)


def _weighted(weights: Origin, origin: Origin) -> int:
    return sum(map(mul, weights, origin))


def tensor_shape(layer: Layer, tensor: str) -> tuple[int, ...]:
    """Return the sizes of the tensor's axes."""
    return tuple(layer.sizes[axis] for axis in layer.tensor_axes(tensor))


def pieces(lengths: Lengths) -> Iterator[tuple[Origin, Lengths]]:
    """Yield parts of a region of at most `PIECE` points, by origin and lengths: the longest dimension is halved."""
    flat = [length for of_subspace in lengths for length in of_subspace]
    if prod(flat) <= PIECE:
        yield (0,) * len(flat), lengths
        return
    longest = max(flat)
    index = flat.index(longest)
    for begin, length in ((0, longest // 2), (longest // 2, longest - longest // 2)):
        numbers = iter([*flat[:index], length, *flat[index + 1 :]])
        for origin, part in pieces(tuple(tuple(next(numbers) for _ in of_subspace) for of_subspace in lengths)):
            yield (*origin[:index], origin[index] + begin, *origin[index + 1 :]), part


def _sums(coefficients: tuple[int, ...], lengths: tuple[int, ...]) -> Integers:
    """Return Σ coefficient · index for every index in a box of these lengths, the last one fastest."""
    found = np.zeros(1, np.int64)
    for coefficient, length in zip(coefficients, lengths, strict=True):
        found = np.add.outer(found, coefficient * np.arange(length)).ravel()
    return found
