"""Time of the simulator against the size of a layer: prints JSON with seconds of CPU time, and draws them.

A convolution under ``kcp_ws`` on ``reference-256`` with its extents multiplied by each scale (window taps stay), as it
is, and with every cluster and step followed by itself while the layer is small enough for that.
"""

from __future__ import annotations

import argparse
import json
from io import BytesIO
from time import process_time
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from dataflow import catalog
from dataflow.hardware import Machine
from dataflow.layers import Layer
from metronome.files import write_bytes
from simulator.simulate import simulate

#: every step is followed by itself only where a layer has at most so many
SCALES, MOST_STEPS = (1, 2, 4, 8, 16, 32, 64), 2_000_000


def growth(machine: Machine) -> list[dict[str, Any]]:
    """Simulate a layer whose channels, filters and rows and columns of outputs are multiplied by each scale."""
    dataflow, found = catalog.dataflow("kcp_ws"), []
    for scale in SCALES:
        extents = {"K": 64 * scale, "C": 64 * scale, "Y'": 7 * scale, "X'": 7 * scale, "R": 3, "S": 3}
        layer = Layer.of("layer", "CONV", extents)
        start = process_time()
        steps = sum(simulate(layer, dataflow, machine).steps)
        row: dict[str, Any] = {"scale": scale, "steps": steps, "accelerated": round(process_time() - start, 3)}
        if steps <= MOST_STEPS:
            start = process_time()
            simulate(layer, dataflow, machine, accelerate=False)
            row["unaccelerated"] = round(process_time() - start, 3)
        found.append(row)
    return found


def growth_figure(rows: list[dict[str, Any]]) -> bytes:
    """Return a picture (SVG) of the seconds that `growth` took against the steps that the layers have."""
    with rc_context({"svg.hashsalt": "metronome", "font.size": 10}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        for key, colour, marker in (("unaccelerated", "#d55e00", "s"), ("accelerated", "#0072b2", "o")):
            points = [(row["steps"], row[key]) for row in rows if key in row]
            axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=key)
        axes.set(xscale="log", yscale="log", xlabel="steps of all clusters", ylabel="seconds")
        axes.set_title("Time against the size of a convolution under kcp_ws, extents × 1 to × 64")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
        picture = BytesIO()
        figure.savefig(picture, format="svg", metadata={"Date": None})
        return picture.getvalue()


def main() -> None:
    """Measure, and draw if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", help="draw the seconds as SVG into this file")
    arguments = parser.parse_args()
    rows = growth(catalog.machine("reference-256"))
    if arguments.figure is not None:
        write_bytes(growth_figure(rows), arguments.figure)
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
