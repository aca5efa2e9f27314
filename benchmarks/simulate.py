"""Speed of the simulator: prints JSON with seconds, cycles, cycles per second, steps and peak memory.

Simulates every layer of a network on the reference machine, and a small case whose cycles are known from the rules.
``--no-acceleration`` simulates one layer step by step instead of all with what repeats skipped.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from time import perf_counter

from dataflow import catalog
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate

#: 3 · 40 products into one output: 6 operands in 1 + 4 cycles, 3 cycles to compute, two buffers, hence two steps per 8.
SMALL_CASE_CYCLES = 5 + 8 * 19 + 6 + 1


def measured(layers: list[Layer], dataflow: Dataflow, machine: Machine, *, accelerate: bool = True) -> dict[str, float]:
    """Simulate ``layers`` and return the seconds that took and what was simulated in them."""
    start = perf_counter()
    results = [simulate(layer, dataflow, machine, accelerate=accelerate) for layer in layers]
    seconds = perf_counter() - start
    cycles = sum(result.cycles for result in results)
    return {
        "layers": len(layers),
        "seconds": round(seconds, 3),
        "cycles": cycles,
        "cycles_per_second": round(cycles / seconds),
        "steps": sum(sum(result.steps) for result in results),
    }


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
    parser.add_argument("--network", default="resnet50", help="a shipped network or a file (default: %(default)s)")
    parser.add_argument("--dataflow", default="kcp_ws", help="a shipped dataflow or a file (default: %(default)s)")
    parser.add_argument("--machine", default="reference-256", help="a shipped machine or a file (default: %(default)s)")
    parser.add_argument("--layer", help="simulate this layer only")
    parser.add_argument(
        "--no-acceleration", action="store_true", help="simulate every step, of the first layer where none is named"
    )
    arguments = parser.parse_args()
    layers = [mapped.layer for mapped in catalog.network(arguments.network).layers]
    if arguments.layer is not None:
        layers = [layer for layer in layers if layer.name == arguments.layer]
        if not layers:
            parser.error(f"{arguments.network} has no layer {arguments.layer}")
    elif arguments.no_acceleration:
        layers = layers[:1]
    accelerate = not arguments.no_acceleration
    dataflow, machine = catalog.dataflow(arguments.dataflow), catalog.machine(arguments.machine)
    report = {
        "network": arguments.network,
        "dataflow": arguments.dataflow,
        "machine": arguments.machine,
        "accelerated": accelerate,
        **measured(layers, dataflow, machine, accelerate=accelerate),
        "small_case": small_case(),
        "peak_memory_megabytes": peak_megabytes(),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
