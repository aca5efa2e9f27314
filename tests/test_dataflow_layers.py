"""Layers: derived sizes, windows, and the errors of sizes that do not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import InputError, Position
from dataflow.layers import OPERATIONS, TENSORS, Layer, Window

SMALL = st.integers(1, 5)


def test_convolution_derives_its_output_size() -> None:
    """Y = 11, R = 3, σ = 2: windows start at 0, 2, 4, 6, 8. X = 9, S = 3, δ = 2: they reach over 5, at 0 … 4."""
    layer = Layer.of("a", "CONV", {"Y": 11, "X": 9, "R": 3, "S": 3}, stride=(2, 1), dilation=(1, 2))
    assert (layer.sizes["Y'"], layer.sizes["X'"]) == (5, 5)
    assert (layer.sizes["Y"], layer.sizes["X"]) == (11, 9)


def test_convolution_derives_its_input_size() -> None:
    """Y' = 4, R = 3, σ = 2, δ = 2: the last window starts at 6 and reaches over 5 rows."""
    layer = Layer.of("a", "CONV", {"Y'": 4, "R": 3}, stride=(2, 1), dilation=(2, 1))
    assert layer.sizes["Y"] == 11
    assert layer.given == {"Y'": 4, "R": 3}


def test_both_input_and_output_size_may_be_stated_where_they_agree() -> None:
    """Y = 12 leaves a row over at σ = 2, R = 3: still five outputs, and Y stays 12."""
    layer = Layer.of("a", "CONV", {"Y": 12, "Y'": 5, "R": 3}, stride=(2, 2))
    assert (layer.sizes["Y"], layer.sizes["Y'"]) == (12, 5)


def test_transposed_convolution_slides_over_its_output() -> None:
    """Y = 4, R = 3, σ = 2: output rows 2·y + r reach to 2·3 + 2, nine of them; the inputs iterate directly."""
    layer = Layer.of("a", "TRCONV", {"K": 2, "C": 3, "R": 3, "S": 1, "Y": 4, "X": 5}, stride=(2, 2))
    assert (layer.sizes["Y'"], layer.sizes["X'"]) == (9, 9)
    assert layer.windows == (Window("Y'", "Y", "R", 2, 1), Window("X'", "X", "S", 2, 1))
    assert layer.macs == 2 * 3 * 4 * 5 * 3
    assert Layer.of("a", "TRCONV", {"R": 3, "Y'": 9}, stride=(2, 2)).sizes["Y"] == 4


def test_sizes_that_are_not_stated_are_one() -> None:
    fully_connected = Layer.of("fc", "CONV", {"K": 10, "C": 20})
    assert fully_connected.macs == 200
    assert dict(fully_connected.sizes) == dict.fromkeys("NGRSYX", 1) | {"Y'": 1, "X'": 1, "K": 10, "C": 20}


def test_macs_are_the_points_of_the_iteration_space() -> None:
    """K and C count per group: 2 images, 2 groups, 3 × 2 channels, 4 × 4 outputs, 3 × 2 taps."""
    layer = Layer.of("a", "NGCONV", {"N": 2, "G": 2, "K": 3, "C": 2, "R": 3, "S": 2, "Y": 6, "X": 5})
    assert layer.macs == 2 * 2 * 3 * 2 * 4 * 4 * 3 * 2
    assert Layer.of("g", "GEMM", {"M": 3, "N": 4, "K": 5}).macs == 60


def test_matrix_product_has_no_windows() -> None:
    layer = Layer.of("g", "GEMM", {"M": 3, "N": 4, "K": 5}, stride=(2, 2))
    assert layer.windows == ()
    assert [subspace.dimensions for subspace in layer.subspaces] == [("M",), ("N",), ("K",)]


def test_the_two_dimensions_of_a_window_share_a_subspace() -> None:
    layer = Layer.of("a", "CONV", {"Y": 7, "X": 7, "R": 3, "S": 3}, stride=(2, 1), dilation=(3, 1))
    assert [" ".join(subspace.names) for subspace in layer.subspaces] == ["N", "G", "K", "C", "Y' R Y", "X' S X"]
    vertical = layer.subspaces[4]
    assert [vertical.coefficients(axis) for axis in ("Y", "Y'", "R", "K")] == [(2, 3), (1, 0), (0, 1), (0, 0)]


@pytest.mark.parametrize("type_", OPERATIONS)
def test_every_tensor_has_at_most_one_axis_in_a_subspace(type_: str) -> None:
    layer = Layer.of("a", type_, {})
    for tensor in TENSORS:
        for subspace in layer.subspaces:
            assert sum(any(subspace.coefficients(axis)) for axis in layer.tensor_axes(tensor)) <= 1


@given(taps=SMALL, stride=SMALL, dilation=SMALL, extra=st.integers(0, 20))
def test_outputs_are_the_windows_that_fit(taps: int, stride: int, dilation: int, extra: int) -> None:
    rows = dilation * (taps - 1) + 1 + extra
    layer = Layer.of("a", "CONV", {"Y": rows, "R": taps}, stride=(stride, 1), dilation=(dilation, 1))
    fitting = [y for y in range(rows) if stride * y + dilation * (taps - 1) < rows]
    assert layer.sizes["Y'"] == len(fitting)


@given(slides=SMALL, taps=SMALL, stride=SMALL, dilation=SMALL)
def test_stated_outputs_need_exactly_the_rows_that_their_windows_touch(
    slides: int, taps: int, stride: int, dilation: int
) -> None:
    layer = Layer.of("a", "CONV", {"Y'": slides, "R": taps}, stride=(stride, 1), dilation=(dilation, 1))
    touched = {stride * y + dilation * r for y in range(slides) for r in range(taps)}
    assert layer.sizes["Y"] == max(touched) + 1
    again = Layer.of("a", "CONV", {"Y": layer.sizes["Y"], "R": taps}, stride=(stride, 1), dilation=(dilation, 1))
    assert again.sizes == layer.sizes


@pytest.mark.parametrize(
    ("type_", "sizes", "message"),
    [
        ("POOL", {}, "layer a: unknown type POOL; the types are CONV, NGCONV, DSCONV, TRCONV, GEMM"),
        ("GEMM", {"Y": 3}, "layer a: a GEMM has no dimension Y; its dimensions are M N K"),
        ("CONV", {"K": 0}, "layer a: K is 0; a size is at least 1"),
        ("DSCONV", {"K": 4}, "layer a: K is 4; in a DSCONV it is 1"),
        (
            "CONV",
            {"Y": 4, "R": 3},
            "layer a: Y is 4, less than the 5 that one window of R = 3 and dilation 2 reaches over",
        ),
        ("CONV", {"X": 9, "S": 3, "X'": 6}, "layer a: X = 9 gives X' = 7, not 6; state one of the two"),
    ],
)
def test_sizes_that_describe_no_layer(type_: str, sizes: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Layer.of("a", type_, sizes, dilation=(2, 1), position=Position("f.m", 3, 5))
    assert str(caught.value) == f"f.m:3:5: {message}"


@pytest.mark.parametrize("label", ["stride", "dilation"])
def test_strides_and_dilations_are_at_least_one(label: str) -> None:
    with pytest.raises(InputError) as caught:
        Layer.of("a", "CONV", {}, **{label: (1, 0)})  # type: ignore[arg-type]
    assert str(caught.value) == f"layer a: {label} 0 is less than 1"
