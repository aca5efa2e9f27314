"""How far the refined analytical model is from the simulator on machines that it simplifies: prints JSON.

Every layer of a network under a dataflow, on ``reference-256`` with one switch after the other on: the error of the
cycles in % of what is simulated, median and worst over the layers, and the seconds that the simulator took.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from statistics import median
from time import process_time

from analytical import analyze
from dataflow import catalog
from simulator.simulate import simulate

SWITCHES: dict[str, Sequence[str]] = {
    "none": (),
    "topology crossbar, ports of 1": (
        "levels.0.distribution.topology=crossbar",
        "levels.0.distribution.port_width=1",
    ),
    "topology tree": ("levels.0.distribution.topology=tree",),
    "topology systolic": ("levels.0.distribution.topology=systolic",),
    "topology mesh": ("levels.0.distribution.topology=mesh",),
    "sync: dataflow": ("sync=dataflow",),
    "dram of 16": ("dram.bandwidth=16", "dram.latency=100"),
    "dram of 4": ("dram.bandwidth=4", "dram.latency=100"),
    "l2.port_bandwidth 32": ("l2.port_bandwidth=32",),
}


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="alexnet", help="(default: %(default)s)")
    parser.add_argument("--dataflow", default="kcp_ws", help="(default: %(default)s)")
    arguments = parser.parse_args()
    layers = [mapped.layer for mapped in catalog.network(arguments.network).layers]
    dataflow, found = catalog.dataflow(arguments.dataflow), []
    for switch, overrides in SWITCHES.items():
        machine, start, errors = catalog.machine("reference-256", overrides), process_time(), []
        for layer in layers:
            simulated = simulate(layer, dataflow, machine).cycles
            errors.append(100 * (analyze(layer, dataflow, machine).cycles - simulated) / simulated)
        worst = max(errors, key=abs)
        times = {"median": round(median(errors), 1), "worst": round(worst, 1)}
        found.append({"switch": switch, **times, "seconds": round(process_time() - start, 1)})
    print(json.dumps({"network": arguments.network, "dataflow": arguments.dataflow, "errors": found}, indent=2))


if __name__ == "__main__":
    main()
