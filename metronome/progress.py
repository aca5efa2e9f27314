"""A progress bar for work that goes layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from metronome.runs import LayerRun


@contextmanager
def layer_progress(layers: int, name: str) -> Iterator[Callable[[LayerRun], None]]:
    """Show a bar on standard error; the function it yields is to be called with each layer that is done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(name, total=layers)

        def done(layer: LayerRun) -> None:
            bar.update(task, advance=1, description=f"{name}: {layer.name}")

        yield done
