"""``metronome view``: the PE array of a layer over time, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.options import (
    DEFAULT_HARDWARE,
    ClusterOption,
    DataflowOption,
    FirstOption,
    HardwareOption,
    LastOption,
    LayerArgument,
    SetOption,
    StepOption,
    WorkloadOption,
)

if TYPE_CHECKING:
    from metronome.moments.mapped import MappedLayer
    from simulator.events import Window

#: computes and steps that a page shows in full: some megabytes
MOST_EVENTS = 40_000


def view_command(
    layer: LayerArgument,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE.html", help="The page; - to print it.")],
    workload: WorkloadOption = "resnet50",
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    set_: SetOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    step: StepOption = None,
    cluster: ClusterOption = None,
) -> int:
    """Write a page that shows the PE array of a layer over time.

    Of a large layer it shows a window in full, the first cycles if none is asked for, and samples of the rest.
    """
    from metronome.files import ensure_writable, write
    from metronome.moments.mapped import mapped_layer, window_of
    from metronome.moments.recording import record
    from metronome.view.content import content
    from metronome.view.page import page

    ensure_writable(output)
    found = mapped_layer(layer, workload, dataflow, hardware, set_)
    window = window_of(found.mapping, first, last, step, cluster)
    if last is None and step is None:
        window = _affordable(found, window)
    recording = record(found, window)
    if not recording.events:
        raise InputError(f"nothing happens there; the layer takes {recording.metrics.cycles:,} cycles", found.name)
    text = page(content(recording))
    write(text, output)
    if output != "-":
        shown = f"cycles {recording.first:,} to {recording.last:,} of {recording.metrics.cycles:,}"
        typer.echo(f"{found.name}, {shown}: {output} ({len(text) / 1e6:.1f} MB)")
    return 0


def _affordable(layer: MappedLayer, window: Window) -> Window:
    """Return a window that ends before there are more events than a page can take."""
    from simulator.simulate import simulate_mapping

    metrics = simulate_mapping(layer.mapping, layer.machine)
    events = sum(metrics.steps) + metrics.steps[-1] * layer.mapping.units[-1] // 4
    cycles = max(64, metrics.cycles * MOST_EVENTS // max(events, 1))
    return window._replace(last=min(window.first + cycles, metrics.cycles))
