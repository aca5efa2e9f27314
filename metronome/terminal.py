"""Where results are printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from rich.console import Console

#: Characters, more than any line takes.
UNBOUNDED_WIDTH = 10_000


def results_console() -> Console:
    """Return a console as wide as the terminal, or wider than any table where the output goes elsewhere."""
    return Console() if sys.stdout.isatty() else Console(width=UNBOUNDED_WIDTH)


def warn_of_simplified(simplified: Sequence[str]) -> None:
    """Say on standard error what of a machine the analytical models take for something simpler, if anything."""
    if simplified:
        typer.echo(f"the analytical models take {', and '.join(simplified)} (warning)", err=True)
