"""The figure of a study: the error of every dataflow, stacked from what its assumptions add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

from metronome.study_report import Report
from validation.study import MODEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Measures that are drawn, each in a panel of its own, with the panel's title.
_PANELS: Mapping[str, str] = MappingProxyType(
    {"cycles": "Cycles", "network": "Elements that cross the networks", "l1_accesses": "L1 accesses"}
)
_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        MODEL: "#000000",
        "restart_reuse": "#0072b2",
        "restart_pipeline": "#e69f00",
        "lockstep": "#009e73",
        "worst_unit": "#cc79a7",
        "no_reduction_delay": "#d55e00",
        "steady_drain": "#999999",
    }
)


def study_figure(report: Report, picture_format: str) -> bytes:
    """Return a picture (``png``, ``svg`` or ``pdf``) with a bar per dataflow for time, network and L1.

    A bar's parts are the mean contributions of the assumptions in order, those that lower the count below 0; a
    diamond marks their sum, the mean error of the published model. The legend says which assumptions add nothing
    anywhere. The same report gives the same picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "metronome", "font.size": 10}):
        rows = len(report.families)
        figure = Figure(figsize=(12, 2.3 + 0.5 * rows), layout="constrained")
        panels = figure.subplots(1, len(_PANELS), sharey=True)
        for axes, (measure, title) in zip(panels, _PANELS.items(), strict=True):
            _draw(axes, report, measure)
            axes.set_title(title)
            axes.set_xlabel("error in %")
        labels = [f"{report.label(family)} ({family.layers})" for family in report.families]
        panels[0].set_yticks(range(rows), [_literal(label) for label in labels])
        panels[0].set_ylim(rows - 0.5, -0.5)
        handles, names = panels[0].get_legend_handles_labels()
        idle = _idle(report)
        names = [f"{name}: nothing" if name in idle else name for name in names]
        title = "What each assumption adds to those before it"
        figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False, title=title)
        where = _literal(", ".join(report.machines))
        figure.suptitle(f"What causes the error of the published model on {where} (mean over layers)")
        buffer = BytesIO()
        when = {} if picture_format == "png" else {"Date" if picture_format == "svg" else "CreationDate": None}
        figure.savefig(buffer, format=picture_format, dpi=150, metadata=when)
    return buffer.getvalue()


def _draw(axes: Axes, report: Report, measure: str) -> None:
    """Stack the contributions of every family: the positive ones to the right of 0, the negative ones to the left."""
    shares = [family.contributions(measure) for family in report.families]
    rows = range(len(shares))
    ends = {True: [0.0] * len(shares), False: [0.0] * len(shares)}
    for name in report.families[0].findings[0].in_order:
        widths = [float(share[name]) for share in shares]
        starts = [ends[width >= 0][row] for row, width in zip(rows, widths, strict=True)]
        axes.barh(rows, widths, left=starts, height=0.62, color=_COLOURS[name], label=name)
        for row, width in zip(rows, widths, strict=True):
            ends[width >= 0][row] += width
    errors = [float(family.mean_error(measure)) for family in report.families]
    axes.plot(errors, rows, "D", color="black", markeredgecolor="white", markersize=7, label="all: published")
    _write_errors(axes, errors, [max(end, error) for end, error in zip(ends[True], errors, strict=True)])
    axes.axvline(0, color="#444444", linewidth=0.8)
    axes.grid(visible=True, axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.use_sticky_edges = False  # bars of no width would hold the axis at their place
    axes.margins(x=0.28)


def _idle(report: Report) -> frozenset[str]:
    """Return the assumptions that add nothing to any bar."""
    shares = [family.contributions(measure) for family in report.families for measure in _PANELS]
    return frozenset(name for name in shares[0] if not any(share[name] for share in shares))


def _write_errors(axes: Axes, errors: Sequence[float], right_ends: Sequence[float]) -> None:
    """Write each error beside its bar."""
    for row, (error, end) in enumerate(zip(errors, right_ends, strict=True)):
        axes.annotate(f"{error + 0.0:.1f} %", (end, row), xytext=(8, 0), textcoords="offset points", va="center",
                      fontsize=8.5, color="#333333")  # fmt: skip


def _literal(text: str) -> str:
    """Return a text in which nothing is read as a formula."""
    return text.replace("$", r"\$")
