"""Where results are printed."""

from __future__ import annotations

import sys

from rich.console import Console

#: Characters, more than any line takes.
UNBOUNDED_WIDTH = 10_000


def results_console() -> Console:
    """Return a console as wide as the terminal, or wider than any table where the output goes elsewhere."""
    return Console() if sys.stdout.isatty() else Console(width=UNBOUNDED_WIDTH)
