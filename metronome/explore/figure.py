"""The figure of an exploration: throughput against power and against area, the fronts marked."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from metronome.explore.content import Found, TargetFound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AGAINST = (("power_mw", "power (mW)"), ("area_mm2", "area (mm²)"))
_SIMULATED = "#d95f02"


def exploration_figure(found: Found, picture_format: str) -> bytes:
    """Return a picture with a row per target: designs drawn at random, the front, and what simulation says of it.

    There is a design, and its power or its area is known.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    known = [
        (key, label)
        for key, label in _AGAINST
        if any(found.numbers(each.index, point)[key] is not None for each in found.targets for point in each.front[:1])
    ]
    with rc_context({"svg.hashsalt": "metronome", "font.size": 10}):
        figure = Figure(figsize=(5.2 * len(known), 4.1 * len(found.targets) + 0.5), layout="constrained")
        grid: Any = figure.subplots(len(found.targets), len(known), squeeze=False)
        for row, target in enumerate(found.targets):
            for column, (key, label) in enumerate(known):
                _draw(grid[row][column], found, target, key)
                grid[row][column].set(xlabel=label, ylabel="MACs per cycle", title=found.space.targets[target.index][0])
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        buffer = BytesIO()
        when = {} if picture_format == "png" else {"Date" if picture_format == "svg" else "CreationDate": None}
        figure.savefig(buffer, format=picture_format, dpi=150, metadata=when)
    return buffer.getvalue()


def _draw(axes: Axes, found: Found, target: TargetFound, key: str) -> None:
    """Draw a target's designs, as pixels: there can be thousands."""
    machine, technology = found.space.machine, found.space.technology
    cloud = [found.outcome(target.index, *member[1:]).numbers(machine, technology) for member in target.sample]
    best = [found.numbers(target.index, point) for point in target.front]
    checked = [
        each.simulated.numbers(machine, technology)
        for number, each in target.simulated.items()
        if target.verification is not None and number in target.verification.optimal
    ]
    axes.scatter(*_places(cloud, key), s=6, color="#b5b5b5", linewidths=0, label="valid designs, at random",
                 rasterized=True)  # fmt: skip
    axes.scatter(*_places(best, key), s=22, color="#1f5fa8", edgecolors="white", linewidths=0.4, label="front",
                 rasterized=True, zorder=3)  # fmt: skip
    if checked:
        axes.scatter(*_places(checked, key), s=46, facecolors="none", edgecolors=_SIMULATED, linewidths=0.9,
                     label="optimal by simulation", rasterized=True, zorder=4)  # fmt: skip
    axes.grid(visible=True, color="#e2e2e2", linewidth=0.6)
    axes.set_axisbelow(True)


def _places(designs: Sequence[dict[str, float | int | None]], key: str) -> tuple[list[float], list[float]]:
    """Return what is drawn across and up."""
    across, up = ([float(each[name] or 0) for each in designs] for name in (key, "macs_per_cycle"))
    return across, up
