"""Figures of results: the roofline of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf, log10
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dataflow.hardware import Machine
    from metronome.runs import Run

FORMATS = ("png", "svg", "pdf")

#: Model, name in the legend, marker, colour, size, filled. Later ones are drawn on top.
_STYLES = (
    ("published", "published model", "^", "#d95f02", 130, False),
    ("simulator", "simulated", "o", "#1f5fa8", 42, True),
    ("refined", "refined model", "o", "#222222", 90, False),
)
#: Layers named in the figure, and the least distance in decades between two names.
_NAMES, _APART = 5, 0.12


@dataclass(frozen=True)
class _Point:
    layer: str
    intensity: float
    throughput: float


def format_of(path: str) -> str:
    """Return the format that a file name asks for; raises `InputError` if it is none of `FORMATS`."""
    suffix = Path(path).suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise InputError("a figure's file name ends in .png, .svg or .pdf", path)
    return suffix


def roofline(run: Run, picture_format: str) -> bytes:
    """Return a picture of every layer's throughput against its MACs per element through the ports of the L2.

    The roofs are what the PEs compute and what the two ports carry: no simulated layer is above them. A layer that
    several models place alike has marks around each other. The same run gives the same picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    with rc_context({"svg.hashsalt": "metronome", "font.size": 10}):
        figure = Figure(figsize=(9, 6.6), layout="constrained")
        axes = figure.add_subplot()
        points = _points(run)
        _draw_roofs(axes, run.machine, [point for series in points.values() for point in series])
        _draw_points(axes, points)
        _name_outliers(axes, run.machine, points)
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="MACs per element through the L2's ports",
            ylabel="MACs per cycle",
            title=f"{run.workload} on {run.machine.name}".replace("$", r"\$"),
        )
        axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        buffer = BytesIO()
        when = {} if picture_format == "png" else {"Date" if picture_format == "svg" else "CreationDate": None}
        figure.savefig(buffer, format=picture_format, dpi=150, metadata=when)
    return buffer.getvalue()


def _points(run: Run) -> dict[str, list[_Point]]:
    """Return a point per layer for each model that is drawn."""
    points: dict[str, list[_Point]] = {model: [] for model, *_ in _STYLES}
    for layer in run.layers:
        for model, series in points.items():
            if model in layer.costs:
                cost = layer.costs[model]
                series.append(_Point(layer.name, cost.macs_per_port_element, cost.macs_per_cycle))
    return points


def roof(machine: Machine, intensity: float) -> float:
    """Return the MACs/cycle that no layer of this intensity exceeds, MACs per element through the L2's ports."""
    down, up = _ports(machine)
    return min(float(machine.pes * machine.lanes), (down + up) * intensity)


def _ports(machine: Machine) -> tuple[float, float]:
    """Return the elements/cycle that the L2's ports carry at most, down and up; wires any number."""
    network = machine.network(0)
    down, up = network.distribution.width, network.collection.width
    return inf if down is None else down, inf if up is None else up


def _draw_roofs(axes: Axes, machine: Machine, points: Sequence[_Point]) -> None:
    peak, (down, up) = machine.pes * machine.lanes, _ports(machine)
    ridges = [peak / width for width in (down + up, down) if width < inf]
    found = [point.intensity for point in points] + ridges or [1.0]
    left, right = min(found) / 2, max(found) * 2
    corners = [left, *ridges[: down + up < inf], right]
    carried = "" if down + up == inf else f", {down} + {up} elements/cycle in and out"
    axes.plot(corners, [roof(machine, corner) for corner in corners], color="#444444", linewidth=1.6,
              label=f"roof: {peak} MACs/cycle{carried}")  # fmt: skip
    if down < inf:
        axes.plot([left, peak / down], [down * left, peak], color="#888888", linewidth=1.1, linestyle="--",
                  label=f"distribution only: {down} elements/cycle")  # fmt: skip
    axes.set_xlim(left, right)
    throughputs = [point.throughput for point in points]
    axes.set_ylim(min([roof(machine, left), *throughputs]) / 1.5, peak * 2)


def _draw_points(axes: Axes, points: dict[str, list[_Point]]) -> None:
    """Draw every model's points, a line between what the simulator and the published model say of a layer."""
    for simulated, published in zip(points["simulator"], points["published"], strict=True):
        axes.plot([simulated.intensity, published.intensity], [simulated.throughput, published.throughput],
                  color="#d95f02", linewidth=0.6, alpha=0.35)  # fmt: skip
    for order, (model, label, marker, colour, size, filled) in enumerate(_STYLES):
        series = points[model]
        axes.scatter([point.intensity for point in series], [point.throughput for point in series], s=size,
                     marker=marker, facecolors=colour if filled else "none", edgecolors="white" if filled else colour,
                     linewidths=0.6 if filled else 1.0, label=label, zorder=3 + order)  # fmt: skip


def _name_outliers(axes: Axes, machine: Machine, points: dict[str, list[_Point]]) -> None:
    """Name the simulated layers farthest below the roof, as long as names do not crowd; lines pass behind names."""
    named: list[_Point] = []
    for point in sorted(points["simulator"], key=lambda each: each.throughput / roof(machine, each.intensity)):
        if len(named) < _NAMES and all(_decades(point, other) > _APART for other in named):
            named.append(point)
    for point in named:
        axes.annotate(point.layer.replace("$", r"\$"), (point.intensity, point.throughput), xytext=(9, -11),
                      textcoords="offset points", fontsize=8.5, color="#1f3f68", zorder=9,
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5})  # fmt: skip


def _decades(one: _Point, other: _Point) -> float:
    """Return how far apart two points are, the farther of both axes."""
    across = abs(log10(one.intensity / other.intensity)) / 2
    return max(across, abs(log10(one.throughput / other.throughput)))
