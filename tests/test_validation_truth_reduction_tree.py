"""Virtual neurons fill an array as far as K and the filter's size allow."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dataflow import catalog
from dataflow.layers import Layer
from dataflow.reader import read_network
from simulator.simulate import simulate
from validation.truth.published import machine, published
from validation.truth.reduction_tree import convolution, neuron_cycles, reduction_tree_rows, simulated

LAYERS = {layer.name: layer for layer in published().reduction_tree.layers}


def test_neurons_by_hand() -> None:
    """20 multipliers make 2 neurons of 3 × 3; 5 filters take 3 folds of 2 channels and 4 × 4 outputs."""
    layer = Layer.of("small", "CONV", {"K": 5, "C": 2, "R": 3, "S": 3, "Y": 6, "X": 6})
    assert neuron_cycles(layer, 20) == 3 * 2 * 4 * 4
    assert simulate(layer, catalog.dataflow("maeri"), machine("maeri", ["pes=20"])).compute_end == 96


@pytest.mark.parametrize("name", LAYERS)
def test_the_released_cycles_are_those_of_the_neurons(name: str) -> None:
    """256 multipliers make 28 neurons of 3 × 3."""
    assert neuron_cycles(convolution(LAYERS[name]), 256) == LAYERS[name].cycles


def test_a_layer_is_simulated_in_these_cycles() -> None:
    """And the tree adds three sums of rows in 2 cycles, three rows in 2, and drains the last ones."""
    metrics = simulated(LAYERS["CONV1"])
    assert metrics.compute_end == 443556
    assert metrics.cycles > metrics.compute_end


@pytest.mark.slow
def test_all_layers_are_simulated_in_the_released_cycles() -> None:
    rows = list(reduction_tree_rows())
    assert len(rows) == 9
    assert [row.difference for row in rows] == [0] * 9


@pytest.mark.reference
def test_the_published_cycles_are_those_of_the_material(reference_material: Path) -> None:
    """Throughput and utilised PEs are what follows from the cycles; CONV7, 10, 12 and 13 repeat the layer before."""
    text = (reference_material / "maestro" / "results" / "vgg16_maeri__pe256_unbounded.csv").read_text()
    lines = [{key.strip(): value.strip() for key, value in line.items()} for line in csv.DictReader(text.splitlines())]
    stated = {line["Layer Number"]: int(line["Runtime (Cycles)"]) for line in lines}
    repeats = {"CONV7": "CONV6", "CONV10": "CONV9", "CONV12": "CONV11", "CONV13": "CONV11"}
    assert stated == {name: LAYERS[repeats.get(name, name)].cycles for name in stated}
    for line in lines:
        cycles = int(line["Runtime (Cycles)"])
        assert float(line["Throughput (MACs/Cycle)"]) == pytest.approx(int(line["Num MACs"]) / cycles, rel=1e-5)
        assert float(line["Avg number of utilized PEs"]) == float(line["Throughput (MACs/Cycle)"])


@pytest.mark.reference
@pytest.mark.slow
def test_the_released_mapping_and_the_shipped_dataflow_agree(reference_material: Path) -> None:
    """Same cycles and counts on the smallest layers, on the machine of the comparison and on the shipped one."""
    network = read_network(reference_material / "maestro" / "mappings" / "vgg16_maeri.m")
    for mapped in network.layers:
        if mapped.layer.name in ("CONV1", "CONV13"):
            for array in (machine("maeri"), catalog.machine("maeri-64")):
                given = simulate(mapped.layer, mapped.dataflow, array)
                assert given == simulate(mapped.layer, catalog.dataflow("maeri"), array)
                assert given.compute_end >= neuron_cycles(mapped.layer, array.pes)
