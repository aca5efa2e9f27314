"""A progress bar on standard error for long work; nothing where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metronome.runs import LayerRun


@contextmanager
def progress_bar(parts: int, name: str) -> Iterator[Callable[[str], None] | None]:
    """Yield a function to be called, with what is done, for each of ``parts``; None where nobody sees the bar."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(name, total=parts)
        yield lambda done: bar.update(task, advance=1, description=f"{name}: {done}")


@contextmanager
def layer_progress(layers: int, name: str) -> Iterator[Callable[[LayerRun], None] | None]:
    """Show the bar for the layers of a run; see `progress_bar`."""
    with progress_bar(layers, name) as advance:
        yield advance and (lambda layer: advance(layer.name))
