"""AlexNet on Eyeriss: passes counted by hand, and the chip's measurements."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dataflow.legality import check
from simulator.simulate import simulate_mapping
from validation.truth.eyeriss import (
    active_pes,
    buffer_megabytes,
    chip_layer,
    chip_mapping,
    eyeriss_rows,
    row_stationary,
    simulated,
)
from validation.truth.published import EyerissLayer, Sets, machine, published

CHIP = published().eyeriss
LAYERS = {layer.name: layer for layer in CHIP.layers}


@pytest.mark.parametrize("name", LAYERS)
def test_the_mappings_are_legal_and_fit_the_scratchpads(name: str) -> None:
    """Windows of S·q inputs in 12 words, p·q·S filter elements in 224, p partial sums in 24."""
    layer, shape = LAYERS[name], chip_layer(name, CHIP.batch)
    mapping = chip_mapping(layer, CHIP.batch)
    assert (check(mapping), mapping.warnings) == (None, ())
    window = shape.sizes["S"] * layer.q
    assert (window <= 12, layer.p * window <= 224 < 2 * layer.p * window, layer.p <= 24 < 2 * layer.p) == (True,) * 3


@pytest.mark.parametrize("name", LAYERS)
def test_as_many_pes_work_as_on_the_chip(name: str) -> None:
    """R · t sets of R × e: 2·11·7, 5·27, 4·3·13, 2·2·3·13 twice."""
    layer = LAYERS[name]
    expected = layer.r * layer.t * chip_layer(name, CHIP.batch).sizes["R"] * layer.e
    assert active_pes(chip_mapping(layer, CHIP.batch)) == expected == layer.active_pes


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("conv1", 2 * 11 * 176 // 4),  # filters: t·R·p·q·S, 4 a cycle; the first window, 35·11, is there earlier
        ("conv2", 31 * 5 * 2),  # the first window: 31 rows, S·q wide, 1 a cycle; filters take 200
        ("conv3", 4 * 3 * 192 // 4),
        ("conv4", 2 * 2 * 3 * 144 // 4),
        ("conv5", 2 * 2 * 3 * 144 // 4),
    ],
)
def test_a_layer_takes_its_passes(name: str, fill: int) -> None:
    """A column of outputs takes p·q·S products and p cycles to hand the sums on; a pass is n·X' columns, and filling.

    Filling takes a cycle more to arrive, and hides the p cycles of the column before. At the end the last column's sums
    leave the PE (p), are added up the filter's rows (R − 1), cross two levels at 14 a cycle, are added over the sets
    with channels of their own (r − 1), and leave for the buffer at 4 a cycle, in a cycle more.
    """
    layer, sizes = LAYERS[name], chip_layer(name, CHIP.batch).sizes
    column = layer.p * layer.q * sizes["S"] + layer.p
    strips = -(-sizes["Y'"] // layer.e) * (sizes["N"] // layer.n)
    channels = sizes["C"] // (layer.q * layer.r)
    passes = strips * sizes.get("G", 1) * channels * sizes["K"] // (layer.p * layer.t)
    sums = layer.p * (sizes["Y'"] % layer.e or layer.e)  # of a set, in the last strip
    tail = layer.p + sizes["R"] - 1 + 2 * -(-sums // 14) + layer.r - 1 + layer.t * sums // 4 + 1
    expected = passes * (fill + 1 - layer.p + layer.n * sizes["X'"] * column) + tail
    assert simulated(layer, CHIP.batch).cycles == expected


def test_traffic_by_hand() -> None:
    """conv4: sums of 384·13²·4 outputs go out and come back in all 32 passes of C; 15² inputs of 192 channels.

    Inputs are read by 12 passes of K (6 in each of two groups, each with half of the 384 channels) for 4 images.
    """
    sums, inputs = 384 * 13**2 * 4 * 32 * 2, 15**2 * 192 * 2 * 6 * 4
    assert buffer_megabytes(simulated(LAYERS["conv4"], CHIP.batch)) == (sums + inputs) * 2 / 10**6


def test_the_images_of_a_pass_are_one_or_all() -> None:
    layer = LAYERS["conv4"].model_copy(update={"n": 2})
    with pytest.raises(ValueError, match=r"^a pass with 2 of 4 images: one, or all of them$"):
        row_stationary(chip_layer("conv4", 4), layer)


def test_all_limits_hold_and_the_mean_depends_on_two_choices() -> None:
    rows = list(eyeriss_rows())
    assert [row.name for row in rows if not row.holds] == []
    assert {row.name: round(row.percent or 0, 1) for row in rows if row.quantity == "latency"} == {
        "conv1": 0.5,
        "conv2": -1.1,
        "conv3": 0.2,
        "conv4": 4.8,
        "conv5": 11.8,
    }
    assert [(row.limit, round(row.measured, 2)) for row in rows[-3:]] == [(3.9, 3.7), (None, 5.11), (None, 4.33)]


def test_more_tiles_of_inputs_change_nothing() -> None:
    """With three tiles no first window of a row is waited for, so that a fourth has no effect; with two it is."""
    mapping = chip_mapping(LAYERS["conv4"], CHIP.batch)
    two, three, four = (
        simulate_mapping(mapping, machine("eyeriss", [f"buffering={tiles}"])).cycles for tiles in (2, 3, 4)
    )
    assert two > three == four


def test_conv3_with_its_stated_mapping_moves_more_than_was_measured() -> None:
    """64 passes of C with q = 4, 43 with q·r = 6: the chip's 50.2 MB are the latter."""
    outputs, inputs = 384 * 13**2 * 4, 15**2 * 256 * 4
    stated = (outputs * 64 * 2 + inputs * 6) * 2 / 10**6
    other = (outputs * 43 * 2 + inputs * 12) * 2 / 10**6
    assert buffer_megabytes(simulated(LAYERS["conv3"], CHIP.batch)) == stated
    assert LAYERS["conv3"].traffic_as == Sets(q=3, r=2, t=2)
    assert (round(stated, 1), round(other, 1), LAYERS["conv3"].megabytes) == (69.2, 50.2, 50.2)


@pytest.mark.reference
def test_the_published_figures_are_those_of_the_material(reference_material: Path) -> None:
    lines = csv.DictReader((reference_material / "chips" / "eyeriss-alexnet.csv").read_text().splitlines())
    stated = [
        (line["layer"].lower(), float(line["processing_latency_ms"]), float(line["glb_mb"]), int(line["active_pes"]))
        for line in lines
    ]

    def figures(layer: EyerissLayer) -> tuple[str, float, float, int]:
        return layer.name, layer.milliseconds, layer.megabytes, layer.active_pes

    assert [figures(layer) for layer in CHIP.layers] == stated
