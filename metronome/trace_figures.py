"""A picture of a layer, or of a moment of it: which PE does which part when, and what crosses the ports meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from dataflow.errors import InputError
from metronome.moments.places import cluster_name, pe_name
from simulator.events import Compute, Drain, Event, Path, Ranges, Step, Transfer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from metronome.moments.mapped import MappedLayer

#: lanes and parts of the iteration space up to which a picture can be read
MOST_LANES, MOST_PARTS = 40, 2_000

PORTS = {"distribution": "#9db4cf", "collection": "#b9c9a5"}


class _Part(NamedTuple):
    """What a PE works on in one of its steps, by dimension; its steps are counted from 1."""

    pe: Path
    number: int
    ranges: Ranges


def picture(events: Sequence[Event], layer: MappedLayer, picture_format: str) -> bytes:
    """Return a picture of events: the iteration space, each part in its PE's colour, beside a timeline.

    Raises `InputError` where there are too many PEs or steps to be seen. The same events give the same picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    parts = list(_parts(events, len(layer.mapping.levels)))
    lanes = _lanes(events)
    if len(lanes) > MOST_LANES or len(parts) > MOST_PARTS:
        raise InputError(
            f"{len(lanes)} PEs and ports and {len(parts)} parts are too many for a picture, which takes {MOST_LANES} "
            f"and {MOST_PARTS}; choose a window, --cluster, or metronome view",
            layer.name,
        )
    pes = sorted({part.pe for part in parts})
    colours = dict(zip(pes, _colours(len(pes)), strict=True))
    with rc_context({"svg.hashsalt": "metronome", "font.size": 9}):
        figure = Figure(figsize=(11, max(2.4, 0.9 + 0.3 * len(lanes))), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 2.2))
        _draw_space(left, parts, colours)
        _draw_lanes(right, lanes, colours)
        figure.suptitle(f"{layer.name} on {layer.machine.name}", x=0.01, ha="left", weight="bold")
        content = BytesIO()
        figure.savefig(
            content, format=picture_format, dpi=120, metadata={"Date": None} if picture_format == "svg" else {}
        )
    return content.getvalue()


def _parts(events: Sequence[Event], levels: int) -> Iterator[_Part]:
    counted: dict[Path, int] = {}
    steps = [event for event in events if isinstance(event, Step) and len(event.cluster) + 1 == levels]
    for step in sorted(steps, key=lambda step: (step.started, step.cluster)):
        for unit, ranges in step.ranges.items():
            pe = (*step.cluster, unit)
            counted[pe] = counted.get(pe, 0) + 1
            yield _Part(pe, counted[pe], ranges)


def _colours(number: int) -> list[str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if number <= 10:
        return [to_hex(colour) for colour in colormaps["Set2"].colors + colormaps["Dark2"].colors][:number]  # type: ignore[attr-defined]
    return [to_hex(colormaps["turbo"](0.1 + 0.8 * index / (number - 1))) for index in range(number)]


def _shown(parts: Sequence[_Part]) -> tuple[str, str]:
    """Return the two dimensions to draw: first those along which the PEs' first parts differ, then the longest."""
    first = [part.ranges for part in parts if part.number == 1]
    sizes = {name: max(part.ranges[name][1] for part in parts) for name in parts[0].ranges}
    differ = {name: len({ranges[name] for ranges in first}) for name in sizes}
    chosen = sorted(sizes, key=lambda name: (-differ[name], -sizes[name]))[:2]
    return (chosen[0], chosen[1]) if sizes[chosen[0]] >= sizes[chosen[1]] else (chosen[1], chosen[0])


def _draw_space(axes: Axes, parts: Sequence[_Part], colours: dict[Path, str]) -> None:
    """Draw parts in two dimensions: the number is when in its PE's life each is done."""
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    across, down = _shown(parts)
    drawn: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    for part in parts:
        (x0, x1), (y0, y1) = part.ranges[across], part.ranges[down]
        if ((x0, x1), (y0, y1)) in drawn:
            continue
        drawn.add(((x0, x1), (y0, y1)))
        axes.add_patch(
            Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=colours[part.pe], edgecolor="white", linewidth=1)
        )
        axes.text((x0 + x1) / 2, (y0 + y1) / 2, str(part.number), ha="center", va="center", size=8)
    axes.set_xlim(min(part.ranges[across][0] for part in parts), max(part.ranges[across][1] for part in parts))
    axes.set_ylim(max(part.ranges[down][1] for part in parts), min(part.ranges[down][0] for part in parts))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=across, ylabel=down, title="who computes what (the PE's step)")
    axes.title.set_fontsize(9)


def _lanes(events: Sequence[Event]) -> list[tuple[str, list[Event]]]:
    """Return the lanes of a timeline: ports of clusters with their PEs below them."""
    found: list[tuple[str, list[Event]]] = []
    for cluster in sorted({event.cluster for event in events}):
        here = [event for event in events if event.cluster == cluster]
        name = cluster_name(cluster)
        found.append((f"{name}: distribution", [event for event in here if isinstance(event, Transfer)]))
        computes = [event for event in here if isinstance(event, Compute)]
        for unit in sorted({event.unit for event in computes}):
            found.append((pe_name((*cluster, unit)), [event for event in computes if event.unit == unit]))
        found.append((f"{name}: collection", [event for event in here if isinstance(event, Drain)]))
    return found


def _draw_lanes(axes: Axes, lanes: list[tuple[str, list[Event]]], colours: dict[Path, str]) -> None:
    for place, (name, events) in enumerate(lanes):
        kind = name.rpartition(": ")[2]
        spans = [(event.begin, max(event.end - event.begin, 0.15)) for event in events]
        fill = PORTS.get(kind) or [
            colours[*event.cluster, event.unit] for event in events if isinstance(event, Compute)
        ]
        axes.broken_barh(spans, (place - 0.4, 0.8), facecolors=fill, edgecolor="white", linewidth=0.6)
        if sum(width for _, width in spans) > 4 * len(spans) or len(spans) <= 30:
            for number, event in enumerate(events, start=1):
                axes.text((event.begin + event.end) / 2, place, _label(event, number), ha="center", va="center", size=7)
    axes.set_yticks(range(len(lanes)), [name for name, _ in lanes])
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set(xlabel="cycle", title="when: elements on ports, steps of PEs")
    axes.title.set_fontsize(9)
    axes.margins(x=0.01)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _label(event: Event, number: int) -> str:
    match event:
        case Transfer():
            return str(sum(event.elements.values()))
        case Drain():
            return str(event.elements)
        case _:
            return str(number)
