"""Costs as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType

from rich.table import Table
from rich.text import Text

from analytical.bandwidth import Port
from analytical.cost import Cost
from dataflow.hardware import Scratchpad
from metronome.runs import LayerRun, Run
from metronome.tables import printable

#: The lines of a layer by name, each with what it shows of a cost. `docs/cost.md` defines every one of them.
LINES: MappingProxyType[str, Callable[[Cost], str]] = MappingProxyType(
    {
        "cycles": lambda cost: f"{cost.metrics.cycles:,}",
        "lower bound (cycles)": lambda cost: f"{cost.bounds.cycles:,}",
        "lower bound reached": lambda cost: f"{cost.bound_reached:.1%}",
        "  compute bound (cycles)": lambda cost: f"{cost.bounds.compute:,}",
        "  distribution bounds (cycles)": lambda cost: _by_level(f"{each:,}" for each in cost.bounds.distribution),
        "  collection bounds (cycles)": lambda cost: _by_level(f"{each:,}" for each in cost.bounds.collection),
        "energy (nJ)": lambda cost: _energy(cost, "nanojoules", "total"),
        "energy (MACs)": lambda cost: f"{float(cost.energy.total):,.0f}",
        "  MACs": lambda cost: _share(cost, "mac"),
        "  L1": lambda cost: _share(cost, "l1"),
        "  networks": lambda cost: _share(cost, "network"),
        "  cluster buffers": lambda cost: _share(cost, "cluster_buffers"),
        "  L2": lambda cost: _share(cost, "l2"),
        "power (mW)": lambda cost: _energy(cost, "power_mw", "total"),
        "MACs / L2 access": lambda cost: f"{cost.macs_per_l2_access:,.2f}",
        "  of inputs": lambda cost: f"{cost.macs_per_l2_access_of('input'):,.2f}",
        "  of filters": lambda cost: f"{cost.macs_per_l2_access_of('filter'):,.2f}",
        "  of outputs": lambda cost: f"{cost.macs_per_l2_access_of('output'):,.2f}",
        "distribution average (elements/cycle)": lambda cost: _ports(cost, "distribution", "average"),
        "distribution peak (elements/cycle)": lambda cost: _ports(cost, "distribution", "peak"),
        "collection average (elements/cycle)": lambda cost: _ports(cost, "collection", "average"),
        "collection peak (elements/cycle)": lambda cost: _ports(cost, "collection", "peak"),
        "L1 need (B)": lambda cost: _fit(cost.metrics.buffers.l1_bytes, cost.machine.l1),
        "L2 need (B)": lambda cost: _fit(cost.metrics.buffers.l2_bytes, cost.machine.l2),
    }
)
_TITLE = "Cost: by level from the L2 down where there are several numbers"
_NAMES = MappingProxyType({"simulator": "simulated"})


def costs(run: Run, width: int | None = None) -> Table:
    """Return a column per model and a line per number, layer under layer, illegal ones left out.

    A table wider than ``width`` characters shows the simulation alone, and says so.
    """
    layers = [layer for layer in run.layers if layer.costs]
    models = list(dict.fromkeys(model for layer in layers for model in layer.costs))
    table = _table(layers, models)
    if width is not None and table.columns and _width(table) > width and len(models) > 1:
        table = _table(layers, models[:1])
        table.caption = f"Too wide for this terminal: {', '.join(models[1:])}; --csv has everything"
        table.caption_justify = "left"
    return table


def _table(layers: list[LayerRun], models: list[str]) -> Table:
    table = Table(title=Text(_TITLE), title_justify="left")
    table.add_column("Layer")
    table.add_column("Number")
    for model in models:
        table.add_column(_NAMES.get(model, model), justify="right")
    for layer in layers:
        names = [printable(layer.name), *[""] * (len(LINES) - 1)]
        for name, (label, shown) in zip(names, LINES.items(), strict=True):
            table.add_row(Text(name), Text(label), *(Text(shown(layer.costs[model])) for model in models))
        table.add_section()
    return table


def _width(table: Table) -> int:
    """Return how many characters wide a table is if nothing is cut."""
    cells = ([column.header, *column.cells] for column in table.columns)
    return 1 + sum(3 + max(len(str(cell)) for cell in column) for column in cells)


def _by_level(texts: Iterator[str]) -> str:
    return " / ".join(texts)


def _energy(cost: Cost, unit: str, part: str) -> str:
    found = cost.energy.to_dict()[unit]
    return "unknown" if found is None else f"{found[part]:,.1f}"


def _share(cost: Cost, component: str) -> str:
    """Return a component's share of the energy."""
    total = cost.energy.total
    return f"{float(cost.energy.components[component] / total):.1%}" if total else "0.0%"


def _ports(cost: Cost, side: str, number: str) -> str:
    ports: list[Port] = [getattr(level, side) for level in cost.levels]
    return _by_level(f"{getattr(port, number):,.3f}" for port in ports)


def _fit(need: int, pad: Scratchpad) -> str:
    if pad.bytes is None:
        return f"{need:,} (unbounded)"
    return f"{need:,} of {pad.bytes:,}" + ("" if need <= pad.bytes else ": does not fit")
