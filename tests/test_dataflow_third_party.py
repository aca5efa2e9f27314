"""Legality of the mapping files of others: which layers they do not compute, and that the others are fine."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from dataflow.layers import Layer
from dataflow.legality import check
from dataflow.levels import bind
from dataflow.reader import read_network
from validation.reference import computed_points

pytestmark = pytest.mark.reference

THIRD_PARTY = {
    "Transformer_Layers.m": ["SD_MatMul_QK_00"],
    "UNet_RS.m": ["TRCONV1", "TRCONV2", "TRCONV3", "TRCONV4"],
    "UNet_kcp_ws.m": ["CONV1_1", "TRCONV1", "TRCONV2", "TRCONV3", "TRCONV4"],
    "UNet_nlr.m": ["TRCONV1", "TRCONV2", "TRCONV3", "TRCONV4"],
    "vgg16_rs.m": [f"CONV{number}" for number in range(1, 14)],
}


def illegal_layers(file: Path, *, compat_maestro: bool = False) -> list[str]:
    pes = 168 if file.name == "alexnet_rs_validation.m" else 256
    return [
        entry.layer.name
        for entry in read_network(file, compat_maestro=compat_maestro).layers
        if entry.dataflow is not None and check(bind(entry.layer, entry.dataflow, pes)) is not None
    ]


def test_third_party_mappings_that_do_not_compute_their_layers(reference_material: Path) -> None:
    """The list that docs/third-party-mappings.md explains, and nothing else."""
    files = sorted((reference_material / "maestro" / "mappings").glob("*.m"))
    assert len(files) == 19
    assert {file.name: found for file in files if (found := illegal_layers(file))} == THIRD_PARTY


@pytest.mark.parametrize(
    ("file", "name", "sizes", "pes", "expected"),
    [
        ("vgg16_rs.m", "CONV2", {"K": 2, "R": 3, "S": 3, "Y": 5, "X": 6}, 9, {0}),
        ("UNet_kcp_ws.m", "CONV1_1", {"R": 3, "S": 3, "Y": 15, "X": 7}, 64, {1, 2, 3, 4, 5}),
        ("UNet_kcp_ws.m", "TRCONV1", {"C": 2, "R": 2, "S": 2, "Y": 4, "X": 5}, 64, {1, 2, 4}),
        ("UNet_nlr.m", "TRCONV1", {"C": 2, "R": 2, "S": 2, "Y": 4, "X": 5}, 2, {1, 2, 4}),
        ("UNet_RS.m", "TRCONV1", {"C": 2, "R": 2, "S": 2, "Y": 4, "X": 5}, 4, {0, 1, 2}),
        ("Transformer_Layers.m", "SD_MatMul_QK_00", {"K": 6, "R": 2, "Y": 2, "X": 2}, 4, {1, 2}),
    ],
)
def test_their_dataflows_are_as_wrong_on_layers_small_enough_to_count(
    reference_material: Path, file: str, name: str, sizes: dict[str, int], pes: int, expected: set[int]
) -> None:
    """The counts that occur, and the verdict's first wrong point among them."""
    network = read_network(reference_material / "maestro" / "mappings" / file)
    entry = next(entry for entry in network.layers if entry.layer.name == name)
    layer = Layer.of(name, entry.layer.type, sizes)
    assert entry.dataflow is not None
    mapping = bind(layer, entry.dataflow, pes)
    counted = computed_points(mapping)
    counts = {point: counted[point] for point in product(*(range(layer.sizes[d]) for d in layer.dimensions))}
    found = check(mapping)
    assert found is not None
    first = next(point for point, count in counts.items() if count != 1)
    assert (set(counts.values()), tuple(found.point.values()), found.times) == (expected, first, counts[first])


@pytest.mark.parametrize("name", ["UNet_RS.m", "UNet_kcp_ws.m", "UNet_nlr.m"])
def test_transposed_layers_read_as_convolutions_are_legal(reference_material: Path, name: str) -> None:
    found = illegal_layers(reference_material / "maestro" / "mappings" / name, compat_maestro=True)
    assert found == (["CONV1_1"] if name == "UNet_kcp_ws.m" else [])


def test_worked_example_is_legal(reference_material: Path) -> None:
    """On every machine for which cycles and counts are given."""
    folder = reference_material / "worked"
    mapped_layers = {entry.layer.name: entry for entry in read_network(folder / "worked.m").layers}
    records = json.loads((folder / "expected.json").read_text())
    for name, pes in {(record["layer"], record["hardware"]["pes"]) for record in records}:
        entry = mapped_layers[name]
        assert entry.dataflow is not None
        assert check(bind(entry.layer, entry.dataflow, pes)) is None, (name, pes)
