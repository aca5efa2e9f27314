"""Speed of the simulator: prints JSON with seconds of CPU time and peak memory.

``networks``: every shipped network under every shipped dataflow. ``layer``: ResNet-50's conv2_1b (64 channels, 64
filters of 3 × 3, 58 × 58 inputs) under ``kcp_ws``. ``unaccelerated``: layers with every cluster and step followed by
itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from time import process_time
from typing import Any

from dataflow import catalog
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate

SECTIONS = ("networks", "layer", "unaccelerated")

#: network, layer and dataflow: of one, two and three levels, with few steps under a parent step, and with many
STEP_BY_STEP = (
    ("resnet50", "conv5_3b", "nlr"),
    ("alexnet", "conv5", "xp_ws"),
    ("alexnet", "conv3", "kcp_ws"),
    ("alexnet", "conv5", "yxp_os"),
    ("mobilenet_v2", "block17_depthwise", "maeri"),
)
#: 3 · 40 products into one output: 6 operands in 1 + 4 cycles, 3 cycles to compute, two buffers, hence two steps per 8.
SMALL_CASE_CYCLES = 5 + 8 * 19 + 6 + 1


def measured(layers: list[Layer], dataflow: Dataflow, machine: Machine, *, accelerate: bool = True) -> dict[str, float]:
    """Simulate ``layers`` and return the seconds that took and what was simulated in them."""
    start = process_time()
    results = [simulate(layer, dataflow, machine, accelerate=accelerate) for layer in layers]
    seconds = process_time() - start
    cycles, steps = sum(result.cycles for result in results), sum(sum(result.steps) for result in results)
    followed = sum((1 - result.accelerated) * sum(result.steps) for result in results)
    return {
        "seconds": round(seconds, 3),
        "cycles": cycles,
        "cycles_per_second": round(cycles / seconds),
        "steps": steps,
        "steps_per_second": round(steps / seconds),
        "accelerated": round(1 - followed / steps, 6),
    }


def networks(machine: Machine) -> list[dict[str, Any]]:
    """Simulate every layer of every shipped network under every shipped dataflow for its type."""
    found = []
    for network in catalog.names("networks"):
        for dataflow in catalog.names("dataflows"):
            types = catalog.layer_types(dataflow)
            layers = [mapped.layer for mapped in catalog.network(network).layers if mapped.layer.type in types]
            if layers:
                head = {"network": network, "dataflow": dataflow, "layers": len(layers)}
                found.append(head | measured(layers, catalog.dataflow(dataflow), machine))
    return found


def shipped_layer(network: str, name: str) -> Layer:
    """Return a layer of a shipped network."""
    return next(mapped.layer for mapped in catalog.network(network).layers if mapped.layer.name == name)


def unaccelerated(machine: Machine) -> list[dict[str, Any]]:
    """Simulate some layers step by step."""
    found = []
    for network, name, dataflow in STEP_BY_STEP:
        layer = shipped_layer(network, name)
        times = measured([layer], catalog.dataflow(dataflow), machine, accelerate=False)
        found.append({"network": network, "layer": name, "dataflow": dataflow, **times})
    return found


def small_case() -> dict[str, float]:
    """Simulate a layer that is counted by hand; raises `AssertionError` where the cycles are not the known ones."""
    network = {"distribution": {"bandwidth": 6, "latency": 4}, "collection": {"bandwidth": 1}}
    machine = Machine.model_validate({"pes": 1, "levels": [network]})
    dataflow = parse_dataflow("Dataflow products { TemporalMap(3,3) K; }")
    found = measured([Layer.of("small", "GEMM", {"K": 120})], dataflow, machine, accelerate=False)
    assert found["cycles"] == SMALL_CASE_CYCLES, f"{found['cycles']} cycles instead of {SMALL_CASE_CYCLES}"
    return found


def peak_megabytes() -> float:
    """Return the most memory that this process has had at any time."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--machine", default="reference-256", help="a shipped machine or a file (default: %(default)s)")
    arguments = parser.parse_args()
    sections = arguments.sections or list(SECTIONS)
    if unknown := set(sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    machine = catalog.machine(arguments.machine)
    report: dict[str, Any] = {"machine": arguments.machine, "small_case": small_case()}
    if "layer" in sections:
        report["layer"] = measured([shipped_layer("resnet50", "conv2_1b")], catalog.dataflow("kcp_ws"), machine)
    if "networks" in sections:
        report["networks"] = networks(machine)
    if "unaccelerated" in sections:
        report["unaccelerated"] = unaccelerated(machine)
    print(json.dumps(report | {"peak_memory_megabytes": peak_megabytes()}, indent=2))


if __name__ == "__main__":
    main()
