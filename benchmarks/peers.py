"""Time SCALE-Sim and Metronome on the same matrix products, by turns in one run: prints JSON with seconds and ratios.

SCALE-Sim (``pip install scalesim==3.0.0 "numpy<2"``) needs an older NumPy, so an environment of its own, whose Python
``--python`` names. It simulates an output-stationary systolic array; Metronome the same array, hop by hop
(``systolic``), and as many PEs on a bus with a barrier under ``gemm_nmk`` (``bus``). Each is a process of its own, and
times are the CPU's, without imports.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

SIZES = ("64x64x64", "128x128x128", "256x256x256", "3136x64x576")

CONFIGURATION = """
[general]
run_name = peers
[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {columns}
IfmapSramSzkB = 1024
FilterSramSzkB = 1024
OfmapSramSzkB = 1024
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = os
Bandwidth = {columns}
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterCustomLayout = False
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = false
SparseRep = ellpack_block
OptimizedMapping = false
BlockSize = 8
RandomNumberGeneratorSeed = 40
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
"""

#: run by the other Python, in a folder with the configuration and the product
SCALE_SIM = """
import contextlib, json, os, sys, time
from scalesim.scale_sim import scalesim
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
    simulator = scalesim(save_disk_space=True, verbose=False, config="scale.cfg", topology="product.csv",
                         layout="layout.csv", input_type_gemm=True)
    start = time.process_time()
    simulator.run_scale(top_path="out")
    seconds = time.process_time() - start
layer = simulator.runner.single_layer_sim_object_list[0]
print(json.dumps({"cycles": int(layer.get_compute_report_items()[1]), "seconds": seconds}))
"""

METRONOME = """
import json, sys, time
from dataflow import catalog
from dataflow.layers import Layer
from dataflow.levels import bind
from simulator.simulate import simulate_mapping
from validation.truth.published import Gemm
from validation.truth.systolic import systolic_dataflow, systolic_machine, whole_folds
m, n, k, rows, columns, bus = map(int, sys.argv[1:])
layer, machine = whole_folds(Gemm(M=m, N=n, K=k), "output", rows, columns), systolic_machine("output", rows, columns)
dataflow = systolic_dataflow("output", columns)
if bus:
    layer, dataflow = Layer.of("product", "GEMM", {"M": m, "N": n, "K": k}), catalog.dataflow("gemm_nmk")
    machine = catalog.machine("reference-256", [f"pes={rows * columns}"])
mapping = bind(layer, dataflow, machine.pes)
start = time.process_time()
found = simulate_mapping(mapping, machine)
print(json.dumps({"cycles": found.cycles, "seconds": time.process_time() - start}))
"""


def run(python: str, script: str, *arguments: int, folder: str | None = None) -> dict[str, Any]:
    """Run a script that prints JSON; raises `RuntimeError` with what it said where it fails."""
    command = [python, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{python} fails: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def scale_sim(python: str, size: tuple[int, int, int], array: tuple[int, int]) -> dict[str, Any]:
    """Let SCALE-Sim simulate a product."""
    with tempfile.TemporaryDirectory() as folder:
        here, (m, n, k) = Path(folder), size
        (here / "scale.cfg").write_text(CONFIGURATION.format(rows=array[0], columns=array[1]))
        (here / "product.csv").write_text(f"Layer, M, N, K,\nproduct, {m}, {n}, {k},\n")
        (here / "layout.csv").write_text("Layer,\n")
        return run(python, SCALE_SIM, folder=folder)


def compared(python: str, size: tuple[int, int, int], array: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Time both by turns; return the medians, their ratio, and the cycles that each found."""
    times: dict[str, list[float]] = {"scale_sim": [], "systolic": [], "bus": []}
    cycles = {}
    for _ in range(rounds):
        found = {
            "scale_sim": scale_sim(python, size, array),
            "systolic": run(sys.executable, METRONOME, *size, *array, 0),
            "bus": run(sys.executable, METRONOME, *size, *array, 1),
        }
        for name, one in found.items():
            times[name].append(one["seconds"])
            cycles[name] = one["cycles"]
    ratios = {
        name: round(median([theirs / ours for theirs, ours in zip(times["scale_sim"], times[name], strict=True)]), 1)
        for name in ("systolic", "bus")
    }
    return {
        "product": "x".join(map(str, size)),
        "array": f"{array[0]}x{array[1]}",
        "cycles": cycles,
        "seconds": {name: round(median(each), 3) for name, each in times.items()},
        "times_as_fast": ratios,
    }


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="the Python of an environment with SCALE-Sim")
    parser.add_argument("--product", nargs="*", default=list(SIZES), help="MxNxK (default: %(default)s)")
    parser.add_argument("--array", default="16x16", help="rows x columns (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    arguments = parser.parse_args()
    rows, columns = map(int, arguments.array.split("x"))
    reports = []
    for product in arguments.product:
        m, n, k = map(int, product.split("x"))
        reports.append(compared(arguments.python, (m, n, k), (rows, columns), arguments.rounds))
    print(json.dumps(reports, indent=2))


if __name__ == "__main__":
    main()
