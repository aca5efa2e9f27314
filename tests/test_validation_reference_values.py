"""What a layer computes, by NumPy and point by point."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.layers import OPERATIONS, Layer
from simulator.values import operands
from validation.reference_values import Integers, output
from validation.strategies import layers


def by_definition(layer: Layer, inputs: Integers, filters: Integers) -> Integers:
    """Add up the products of all points of the iteration space, one by one."""
    found = np.zeros([layer.sizes[axis] for axis in layer.tensor_axes("output")], np.int64)
    for point in product(*(range(layer.sizes[dimension]) for dimension in layer.dimensions)):
        at = dict(zip(layer.dimensions, point, strict=True))
        at |= {w.name: w.stride * at[w.slide] + w.dilation * at[w.tap] for w in layer.windows}
        i, f, o = (tuple(at[axis] for axis in layer.tensor_axes(t)) for t in ("input", "filter", "output"))
        found[o] += inputs[i] * filters[f]
    return found


@pytest.mark.parametrize("type_", OPERATIONS)
@given(data=st.data())
@settings(max_examples=25)
def test_numpy_computes_what_the_table_of_operations_says(type_: str, data: st.DataObject) -> None:
    layer = data.draw(layers(max_macs=300, types=(type_,)))
    inputs, filters = operands(layer)
    assert np.array_equal(output(layer, inputs, filters), by_definition(layer, inputs, filters))


def test_a_strided_convolution() -> None:
    """Rows 1 to 6, taps 1 and 10 two rows apart, two rows on each time: 1 + 30 and 3 + 50; row 6 is never touched."""
    layer = Layer.of("rows", "CONV", {"Y": 6, "R": 2}, stride=(2, 1), dilation=(2, 1))
    found = output(layer, np.arange(1, 7).reshape(1, 1, 1, 6, 1), np.array([1, 10]).reshape(1, 1, 1, 2, 1))
    assert found.ravel().tolist() == [31, 53]


def test_a_transposed_convolution_leaves_gaps() -> None:
    """Rows 1 and 2 three rows apart, taps 1 and 10: nothing reaches row 2."""
    layer = Layer.of("up", "TRCONV", {"Y": 2, "R": 2}, stride=(3, 1))
    found = output(layer, np.array([1, 2]).reshape(1, 1, 2, 1), np.array([1, 10]).reshape(1, 1, 2, 1))
    assert found.ravel().tolist() == [1, 10, 0, 2, 20]


def test_sums_are_exact_beyond_what_floats_hold() -> None:
    layer = Layer.of("gemm", "GEMM", {"K": 3})
    inputs, filters = np.array([[2**30, 1, 1]]), np.array([[2**30], [1], [1]])
    assert prod(inputs.shape) == 3
    assert output(layer, inputs, filters).tolist() == [[2**60 + 2]]
