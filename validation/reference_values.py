"""What a layer computes, by NumPy: from the definitions, without directives, machines or models."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dataflow.layers import Layer, Window

Integers = NDArray[np.int64]


def output(layer: Layer, inputs: Integers, filters: Integers) -> Integers:
    """Return the output of ``layer``, an axis for each of its axes in their order; exact in 64 bits."""
    if layer.type == "GEMM":
        return np.asarray(np.matmul(inputs, filters), np.int64)
    if layer.type == "TRCONV":
        return _transposed(layer, inputs, filters)
    terms = "ncyxrs,crs->ncyx" if layer.type == "DSCONV" else "ngcyxrs,gkcrs->ngkyx"
    return np.asarray(np.einsum(terms, _windows(layer, inputs), filters), np.int64)


def _windows(layer: Layer, inputs: Integers) -> NDArray[Any]:
    """Return views of the inputs: in the place of rows and columns those of the outputs, then the filter taps."""
    vertical, horizontal = layer.windows
    reach = vertical.extent(1, layer.sizes["R"]), horizontal.extent(1, layer.sizes["S"])
    found = sliding_window_view(inputs, reach, axis=(-2, -1))
    found = found[..., :: vertical.stride, :: horizontal.stride, :: vertical.dilation, :: horizontal.dilation]
    return found[..., : layer.sizes["Y'"], : layer.sizes["X'"], :, :]


def _transposed(layer: Layer, inputs: Integers, filters: Integers) -> Integers:
    """Add, for every tap, all inputs times its weights at the outputs, a stride apart, that it reaches."""
    found = np.zeros([layer.sizes[axis] for axis in layer.tensor_axes("output")], np.int64)
    for taps in product(range(layer.sizes["R"]), range(layer.sizes["S"])):
        rows, columns = (_reached(window, layer, tap) for window, tap in zip(layer.windows, taps, strict=True))
        found[:, :, rows, columns] += np.einsum("ncyx,kc->nkyx", inputs, filters[:, :, taps[0], taps[1]])
    return found


def _reached(window: Window, layer: Layer, tap: int) -> slice:
    first = window.dilation * tap
    return slice(first, first + window.extent(layer.sizes[window.slide], 1), window.stride)
