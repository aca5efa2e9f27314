"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table

from dataflow.metrics import Metrics
from metronome.frames import difference
from metronome.runs import LayerRun, Run

_TRAFFIC: tuple[tuple[str, Callable[[Metrics], int]], ...] = (
    ("L2 input reads", lambda m: m.boundaries[0].upstream.input_read),
    ("L2 filter reads", lambda m: m.boundaries[0].upstream.filter_read),
    ("L2 output writes", lambda m: m.boundaries[0].upstream.output_write),
    ("L2 output reads", lambda m: m.boundaries[0].upstream.output_read),
)


def results(run: Run) -> Table:
    """Return one row per layer: in every cell the simulated value above the analytical ones."""
    table = Table(title=f"{run.workload} on {run.machine.name} ({run.machine.pes} PEs)", title_justify="left")
    table.add_column("Layer")
    table.add_column("MACs", justify="right")
    table.add_column("Model")
    for name in ("Cycles", "Difference", *(label for label, _ in _TRAFFIC), "Utilization"):
        table.add_column(name, justify="right")
    for layer in run.layers:
        table.add_row(layer.name, f"{layer.macs:,}", *_cells([layer]))
    measured = [layer for layer in run.layers if layer.simulator is not None]
    if len(measured) > 1:
        table.add_section()
        table.add_row(f"{len(measured)} layers", f"{sum(layer.macs for layer in measured):,}", *_cells(measured, run))
    return table


def _cells(layers: list[LayerRun], run: Run | None = None) -> list[str]:
    """Return the cells for one layer, or for the sum of several, a line per model."""
    models: dict[str, list[Metrics]] = {}
    for layer in layers:
        if layer.simulator is not None:
            for model, metrics in {"simulated": layer.simulator, **layer.analytical}.items():
                models.setdefault(model, []).append(metrics)
    if not models:
        return ["[red]illegal[/red]"]
    cycles = {model: sum(m.cycles for m in metrics) for model, metrics in models.items()}
    simulated = cycles["simulated"]
    columns = [
        list(models),
        [f"{value:,}" for value in cycles.values()],
        ["" if model == "simulated" else f"{difference(value, simulated):+.1f} %" for model, value in cycles.items()],
        *([f"{sum(map(count, metrics)):,}" for metrics in models.values()] for _, count in _TRAFFIC),
        _utilizations(layers, models, cycles, run),
    ]
    return ["\n".join(column) for column in columns]


def _utilizations(
    layers: list[LayerRun], models: dict[str, list[Metrics]], cycles: dict[str, int], run: Run | None
) -> list[str]:
    if run is None:
        return [f"{metrics[0].utilization:.1%}" for metrics in models.values()]
    macs = sum(layer.macs for layer in layers)
    return [f"{macs / (value * run.machine.pes * run.machine.lanes):.1%}" for value in cycles.values()]
