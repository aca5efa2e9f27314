"""Cost of numbers in the simulation: prints JSON with the times of small generated layers, with and without.

Without them, every step is simulated as well (``stepped``), or what repeats is skipped (``accelerated``). With
``--layer`` a layer of a network is executed once, and its output compared with NumPy's.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from dataflow import catalog
from dataflow.levels import bind
from simulator.simulate import simulate_mapping
from simulator.values import execute_mapping, operands
from validation.reference_values import output
from validation.strategies import Case, cases

LARGEST_MACS = 5000


def generated(number: int) -> list[Case]:
    """Return small legal cases, the same ones every time."""
    found: list[Case] = []

    @seed(0)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(max_macs=LARGEST_MACS))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def seconds(work: Callable[[], object], repetitions: int = 3) -> float:
    """Return the least time that ``work`` took."""
    times = []
    for _ in range(repetitions):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


def small(number: int) -> dict[str, Any]:
    """Time generated cases; ratios are of all time together, of the median case and of the worst one."""
    taken: dict[str, list[float]] = {"values": [], "stepped": [], "accelerated": []}
    macs = 0
    for layer, dataflow, machine in generated(number):
        mapping = bind(layer, dataflow, machine.pes)
        numbers = operands(layer)
        macs += layer.macs
        taken["values"].append(seconds(lambda m=mapping, a=machine, n=numbers: execute_mapping(m, a, *n)))
        for name, accelerate in (("stepped", False), ("accelerated", True)):
            work = lambda m=mapping, a=machine, on=accelerate: simulate_mapping(m, a, accelerate=on)  # noqa: E731
            taken[name].append(seconds(work))
    report: dict[str, Any] = {"cases": len(taken["values"]), "largest_macs": LARGEST_MACS, "macs": macs}
    report["seconds"] = {name: round(sum(times), 3) for name, times in taken.items()}
    for name in ("stepped", "accelerated"):
        ratios = [value / without for value, without in zip(taken["values"], taken[name], strict=True)]
        report[f"ratio_to_{name}"] = {
            "together": round(sum(taken["values"]) / sum(taken[name]), 2),
            "median": round(median(ratios), 2),
            "worst": round(max(ratios), 2),
        }
    return report


def large(network: str, name: str, dataflow: str, hardware: str) -> dict[str, Any]:
    """Execute a layer of a network."""
    layer = next(mapped.layer for mapped in catalog.network(network).layers if mapped.layer.name == name)
    machine = catalog.machine(hardware)
    mapping, numbers = bind(layer, catalog.dataflow(dataflow), machine.pes), operands(layer)
    start = process_time()
    found = execute_mapping(mapping, machine, *numbers)
    taken = process_time() - start
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "layer": f"{network} {name}, {dataflow}, {hardware}",
        "macs": layer.macs,
        "steps": sum(found.metrics.steps),
        "seconds": round(taken, 1),
        "stepped_seconds": round(seconds(lambda: simulate_mapping(mapping, machine, accelerate=False), 1), 1),
        "equal": bool(np.array_equal(found.output, output(layer, *numbers))),
        "peak_memory_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1),
    }


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="small layers (default: %(default)s)")
    parser.add_argument("--layer", help="execute this layer of the network instead")
    parser.add_argument("--network", default="resnet50", help="a shipped network or a file (default: %(default)s)")
    parser.add_argument("--dataflow", default="kcp_ws", help="a shipped dataflow or a file (default: %(default)s)")
    parser.add_argument("--machine", default="reference-256", help="a shipped machine or a file (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.layer is None:
        report = small(arguments.cases)
    else:
        report = large(arguments.network, arguments.layer, arguments.dataflow, arguments.machine)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
