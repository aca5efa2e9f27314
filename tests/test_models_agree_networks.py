"""The analytical model without assumptions against the simulator, on every layer of the shipped networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from analytical import analyze_mapping
from dataflow import catalog
from dataflow.levels import bind
from metronome.study import cases
from simulator.simulate import simulate_mapping

HARDWARE = "reference-256"

#: Layers, as (network, layer), that keep the simulator busy for more than a few seconds under a dataflow.
LEFT_OUT: Mapping[str, frozenset[tuple[str, str]]] = {
    "maeri": frozenset(
        {
            ("mobilenet_v2", "block12_expand"),
            ("mobilenet_v2", "block15_expand"),
            ("mobilenet_v2", "conv_last"),
            ("resnet50", "conv4_1c"),
            ("resnet50", "conv4_1_shortcut"),
            ("resnet50", "conv4_2a"),
            ("resnet50", "conv5_1a"),
            ("resnet50", "conv5_1c"),
            ("resnet50", "conv5_1_shortcut"),
            ("resnet50", "conv5_2a"),
            ("unet", "down5_conv1"),
            ("unet", "up4_upconv"),
            ("unet", "up4_conv1"),
            ("unet", "up4_conv2"),
            ("unet", "up3_upconv"),
            ("unet", "up3_conv1"),
            ("unet", "up3_conv2"),
            ("unet", "up2_upconv"),
            ("unet", "up2_conv1"),
            ("vgg16", "conv2_2"),
            ("vgg16", "conv3_1"),
            ("vgg16", "conv3_2"),
            ("vgg16", "conv4_1"),
            ("vgg16", "conv4_2"),
            ("vgg16", "conv5_1"),
        }
    ),
    "yr_rs": frozenset(
        {
            ("vgg16", "conv1_1"),
        }
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", catalog.names("dataflows"))
def test_refined_is_the_simulator_on_every_layer(dataflow: str) -> None:
    """Cycles, steps, every count and every buffer; layers of the same sizes once."""
    left_out = LEFT_OUT.get(dataflow, frozenset())
    asked = cases(catalog.names("networks"), [dataflow], {HARDWARE: catalog.machine(HARDWARE, ())})
    assert left_out <= {case.layers[0] for case in asked}
    different = []
    for case in asked:
        if case.layers[0] not in left_out:
            mapping = bind(case.layer, case.dataflow, case.machine.pes)
            simulated = replace(simulate_mapping(mapping, case.machine), stalls={})
            if analyze_mapping(mapping, case.machine) != simulated:
                different.append(case.layers[0])
    assert different == []
