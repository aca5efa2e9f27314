"""Speed of sweeps: prints JSON with millions of designs a second of CPU time, and on how many different machines.

A design is a machine with a distribution and a collection port of 1 to 64 elements a cycle and latencies of 0 to 8, and
PEs of 1 to 8 lanes, drawn at random; the layer is VGG-16's conv3_2 under every shipped dataflow for it.
"""

from __future__ import annotations

import argparse
import json
from time import process_time

import numpy as np

from analytical import PUBLISHED, REFINED, sweep
from dataflow import catalog
from dataflow.levels import bind

DATAFLOWS = ("kcp_ws", "xp_ws", "yr_rs", "yxp_os", "nlr")


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--designs", type=int, default=1 << 20, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    arguments = parser.parse_args()
    generator, number = np.random.default_rng(arguments.seed), arguments.designs
    values = {"lanes": generator.integers(1, 9, number)}
    for port in ("distribution", "collection"):
        values[f"levels.0.{port}.bandwidth"] = generator.integers(1, 65, number)
        values[f"levels.0.{port}.latency"] = generator.integers(0, 9, number)
    machine = catalog.machine("reference-256")
    layer = next(mapped.layer for mapped in catalog.network("vgg16").layers if mapped.layer.name == "conv3_2")
    report = []
    for dataflow in DATAFLOWS:
        mapping, row = bind(layer, catalog.dataflow(dataflow), machine.pes), {"dataflow": dataflow}
        for name, assumptions in (("refined", REFINED), ("published", PUBLISHED)):
            start = process_time()
            sweep(mapping, machine, values, assumptions)
            row[name] = round(number / (process_time() - start) / 1e6, 3)
        report.append(row)
    print(json.dumps({"designs": number, "layer": "vgg16 conv3_2", "millions_a_second": report}, indent=2))


if __name__ == "__main__":
    main()
