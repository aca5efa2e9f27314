"""Time of the analytical model against the size of the layer: prints JSON with milliseconds per analysis.

Every shipped dataflow analyses a layer whose extents are multiplied by each scale (window taps stay), on several
machines, with the assumptions of the paper (published) and without any (refined). The time is the least of some
repetitions, in the processor's time of this process. ``steps`` are those that the schedule has.
"""

from __future__ import annotations

import argparse
import json
from time import process_time
from typing import Any

from analytical import PUBLISHED, REFINED, Assumptions, analyze
from dataflow import catalog
from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer

MODELS = {"refined": REFINED, "published": PUBLISHED}


def layer_for(dataflow: str, scale: int) -> Layer:
    """Return a layer of a type that a shipped dataflow is meant for, its loops ``scale`` times as long."""
    if "GEMM" in catalog.layer_types(dataflow):
        return Layer.of("layer", "GEMM", {"M": 64 * scale, "N": 70 * scale, "K": 60 * scale})
    extents = {"K": 60 * scale, "C": 70 * scale, "Y'": 28 * scale, "X'": 28 * scale}
    return Layer.of("layer", "CONV", extents | {"R": 3, "S": 3})


def measured(layer: Layer, dataflow: Dataflow, machine: Machine, assumptions: Assumptions, repetitions: int) -> float:
    """Return the least milliseconds that an analysis takes."""
    times = []
    for _ in range(repetitions):
        start = process_time()
        analyze(layer, dataflow, machine, assumptions)
        times.append(1000 * (process_time() - start))
    return round(min(times), 2)


def report(dataflow: str, machine: Machine, scales: list[int], repetitions: int) -> dict[str, Any]:
    """Return the times of a dataflow on a machine, by scale and model, and how many steps there are."""
    directives, found = catalog.dataflow(dataflow), {}
    for scale in scales:
        layer = layer_for(dataflow, scale)
        found[f"x{scale}"] = {
            "steps": sum(analyze(layer, directives, machine).steps),
            **{name: measured(layer, directives, machine, made, repetitions) for name, made in MODELS.items()},
        }
    return {"dataflow": dataflow, "machine": machine.name, "milliseconds": found}


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dataflow", nargs="*", default=catalog.names("dataflows"), help="default: all that are shipped"
    )
    parser.add_argument("--machine", nargs="*", default=["reference-256"], help="default: reference-256")
    parser.add_argument("--scale", nargs="*", type=int, default=[1, 10, 100, 1000], help="default: 1 10 100 1000")
    parser.add_argument("--repetitions", type=int, default=3, help="default: %(default)s")
    arguments = parser.parse_args()
    machines = [catalog.machine(name) for name in arguments.machine]
    reports = [
        report(dataflow, machine, arguments.scale, arguments.repetitions)
        for machine in machines
        for dataflow in arguments.dataflow
    ]
    print(json.dumps(reports, indent=2))


if __name__ == "__main__":
    main()
