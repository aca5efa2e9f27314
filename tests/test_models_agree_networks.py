"""The analytical model without assumptions against the simulator, on every layer of the shipped networks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytical import analyze_mapping
from dataflow import catalog
from dataflow.levels import bind
from metronome.study import cases
from simulator.simulate import simulate_mapping

HARDWARE = "reference-256"


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", catalog.names("dataflows"))
def test_refined_is_the_simulator_on_every_layer(dataflow: str) -> None:
    """Cycles, steps, every count and every buffer; layers of the same sizes once."""
    different = []
    for case in cases(catalog.names("networks"), [dataflow], {HARDWARE: catalog.machine(HARDWARE, ())}):
        mapping = bind(case.layer, case.dataflow, case.machine.pes)
        simulated = replace(simulate_mapping(mapping, case.machine), stalls={})
        if analyze_mapping(mapping, case.machine) != simulated:
            different.append(case.layers[0])
    assert different == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "name", "dataflow"),
    [
        ("resnet50", "conv5_3b", "nlr"),
        ("alexnet", "conv5", "xp_ws"),
        ("alexnet", "conv3", "kcp_ws"),
        ("alexnet", "conv3", "yr_rs"),
        ("alexnet", "conv5", "yxp_os"),
        ("mobilenet_v2", "block17_depthwise", "maeri"),
        ("bert_base_encoder", "query", "gemm_nmk"),
    ],
)
def test_skipping_changes_nothing_on_whole_layers(network: str, name: str, dataflow: str) -> None:
    """50,000 to 4.5 million steps, each followed by itself."""
    layer = next(mapped.layer for mapped in catalog.network(network).layers if mapped.layer.name == name)
    machine = catalog.machine(HARDWARE, ())
    mapping = bind(layer, catalog.dataflow(dataflow), machine.pes)
    accelerated = simulate_mapping(mapping, machine)
    assert accelerated.accelerated > 0.99
    assert accelerated == simulate_mapping(mapping, machine, accelerate=False)
