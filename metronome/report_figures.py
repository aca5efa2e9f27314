"""The figures of a report, as data for Plotly.

Colours are names of variables of the page's style sheet, so that they follow its light and dark theme. Plotly reads
a little markup in texts: whatever comes from the store is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from metronome.report_content import MODELS, Content, Errors, Point

Figure = dict[str, Any]
Trace = dict[str, Any]

_HOVER = (
    "<b>case %{customdata[0]}</b>, %{customdata[1]}<br>%{customdata[2]}, %{customdata[3]} MACs, "
    "%{customdata[4]} PEs<br>simulated %{x:,d} cycles<br>MODEL %{y:,d} cycles<br>error %{customdata[5]} %"
    "<extra></extra>"
)
_CROWDED = 300


def figures(content: Content) -> dict[str, Figure]:
    """Return a figure by the name of its place in the page; nothing where no case is measured."""
    if not content.points:
        return {}
    return {
        "distribution": _distribution(content),
        "families": _families(content),
        "assumptions": _assumptions(content),
        "scatter": _scatter(content),
    }


def literal(text: str) -> str:
    """Return a text in which Plotly finds no markup."""
    return escape(text, quote=False)


def percent(value: float | None) -> str:
    """Return a number of percent with its sign, and as many decimals as tell it from 0."""
    if value is None:
        return ""
    if value == 0:
        return "0.0"
    return f"{value:+.1f}" if abs(value) >= 0.05 else f"{value:+.2g}"


def _distribution(content: Content) -> Figure:
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": model,
            "x": [curve[0][0], *(error for error, _ in curve)],
            "y": [0.0, *(share for _, share in curve)],
            "line": {"shape": "hv", "width": 2.5, "color": _colour(model)},
            "hovertemplate": f"{model}: %{{y:.1f}} % of the cases<br>are off by %{{x:+.1f}} % or less<extra></extra>",
        }
        for model in MODELS
        if (curve := content.curves[model])
    ]
    return {
        "data": traces,
        "layout": {
            "height": 360,
            "xaxis": _axis("error in % of the simulated cycles"),
            "yaxis": _axis("share of the cases in %", range=[-2, 102]),
            "legend": _legend(),
        },
    }


def _families(content: Content) -> Figure:
    """Return a panel per model; errors of the refined model, if there are any, are too small for a common axis."""
    panels = {"published": "x", "refined": "x2"}
    traces = [trace for model, axis in panels.items() for trace in _boxes(content.errors[model][1:], model, axis)]
    families = [literal(each.group) for each in max((content.errors[model][1:] for model in MODELS), key=len)]
    return {
        "data": traces,
        "layout": {
            "height": 110 + 34 * len(families),
            "xaxis": _axis("published: error in %", domain=[0, 0.64]),
            "xaxis2": _axis("refined: error in %", domain=[0.7, 1], anchor="y", **_around(content.errors["refined"])),
            "yaxis": _categories(families),
            "showlegend": False,
        },
    }


def _assumptions(content: Content) -> Figure:
    names = [literal(each.group) for each in content.assumptions]
    return {
        "data": list(_boxes(content.assumptions, "assumption", "x")),
        "layout": {
            "height": 110 + 40 * len(names),
            "xaxis": _axis("error in % of the simulated cycles"),
            "yaxis": _categories(names),
            "showlegend": False,
        },
    }


def _boxes(errors: Sequence[Errors], model: str, axis: str) -> Iterator[Trace]:
    """Yield boxes between the quartiles, whiskers for 90 % of the cases, and diamonds at both extremes."""
    groups = [literal(each.group) for each in errors]
    common = {"xaxis": axis, "yaxis": "y", "name": model}
    yield common | {
        "type": "box",
        "orientation": "h",
        "y": groups,
        "lowerfence": [each.percentile_5 for each in errors],
        "q1": [each.quartile_1 for each in errors],
        "median": [each.median for each in errors],
        "q3": [each.quartile_3 for each in errors],
        "upperfence": [each.percentile_95 for each in errors],
        "line": {"width": 1.5, "color": _colour(model)},
        "hoverinfo": "x",
    }
    ends = [(each, end) for each in errors for end in ("lowest", "highest")]
    yield common | {
        "type": "scatter",
        "mode": "markers",
        "x": [getattr(each, end) for each, end in ends],
        "y": [literal(each.group) for each, _ in ends],
        "customdata": [end for _, end in ends],
        "marker": {"symbol": "diamond", "size": 5, "color": _colour(model)},
        "hovertemplate": "%{y}: %{customdata} %{x:+.1f} %<extra></extra>",
    }


def _scatter(content: Content) -> Figure:
    crowded = len(content.points) > _CROWDED
    cycles = [point.simulated for point in content.points]
    ends = [min(cycles), max(cycles)]
    exact = {
        "type": "scatter",
        "mode": "lines",
        "name": "exact",
        "x": ends,
        "y": ends,
        "line": {"width": 1, "dash": "dot", "color": "var(--muted)"},
        "hoverinfo": "skip",
    }
    looks = {
        "published": {"symbol": "circle", "size": 6, "opacity": 0.55 if crowded else 0.85},
        "refined": {"symbol": "cross-thin-open", "size": 6, "opacity": 0.6 if crowded else 0.9},
    }
    traces = (_cloud(content.points, model, look) for model, look in looks.items())
    return {
        "data": [exact, *(trace for trace in traces if trace["x"])],
        "layout": {
            "height": 560,
            "hovermode": "closest",
            "xaxis": _axis("simulated cycles", type="log", dtick=1, minor={"dtick": "D1"}),
            "yaxis": _axis("analytical cycles", type="log", dtick=1, minor={"dtick": "D1"}),
            "legend": _legend(),
        },
    }


def _cloud(points: Iterable[Point], model: str, look: dict[str, Any]) -> Trace:
    found = [(point, cycles) for point in points if (cycles := getattr(point, model)) is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": model,
        "x": [point.simulated for point, _ in found],
        "y": [cycles for _, cycles in found],
        "customdata": [
            [
                point.number,
                literal(point.family),
                literal(point.layer_type),
                f"{point.macs:,}" if point.macs is not None else "",
                point.pes,
                percent(100 * (cycles - point.simulated) / point.simulated),
            ]
            for point, cycles in found
        ],
        "marker": {**look, "color": _colour(model)},
        "hovertemplate": _HOVER.replace("MODEL", model),
    }


def _around(errors: Sequence[Errors]) -> dict[str, Any]:
    """Return a range around 0 where there is nothing else."""
    return {} if any(each.lowest or each.highest for each in errors) else {"range": [-1, 1], "dtick": 1}


def _axis(title: str, **other: object) -> dict[str, Any]:
    return {"title": {"text": title}, "gridcolor": "var(--grid)", "zerolinecolor": "var(--muted)", **other}


def _categories(names: Sequence[str]) -> dict[str, Any]:
    """Return an axis that lists names from top to bottom, and takes none of them for a number or a date."""
    return {"type": "category", "categoryorder": "array", "categoryarray": names[::-1], "automargin": True}


def _legend() -> dict[str, Any]:
    return {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"}


def _colour(model: str) -> str:
    return f"var(--{model})"
