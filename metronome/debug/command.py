"""``metronome debug``: step through a layer, on the screen or with commands from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.options import DEFAULT_HARDWARE, DataflowOption, HardwareOption, SetOption

if TYPE_CHECKING:
    from metronome.debug.session import Session


def debug_command(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="MAESTRO file (.m), or a network.")],
    layer: Annotated[str, typer.Option("--layer", metavar="LAYER", help="The layer: a name, or a pattern.")] = "*",
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    set_: SetOption = None,
    commands: Annotated[
        str | None,
        typer.Option("--commands", metavar="FILE", help="Carry out commands and print; - from standard input."),
    ] = None,
) -> int:
    """Step through a layer cycle by cycle, forwards and backwards, and ask what waits for what."""
    from metronome.debug.session import Session
    from metronome.moments.mapped import mapped_layer

    lines = None if commands is None else _lines(commands)
    session = Session(mapped_layer(layer, workload, dataflow, hardware, set_))
    if lines is not None:
        _carry_out(session, lines, "standard input" if commands in (None, "-") else commands)
        return 0
    if not sys.stdout.isatty():
        raise InputError("the screen needs a terminal; give commands with --commands FILE instead", "metronome debug")
    from metronome.debug.screen import Screen

    Screen(session).run()
    return 0


def _lines(path: str) -> list[str]:
    if path == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {str(getattr(error, 'strerror', None) or error).lower()}", path) from None


def _carry_out(session: Session, lines: list[str], name: str | None) -> None:
    """Print each command and what comes of it; raises `InputError` at the first line that is none."""
    from metronome.debug.commands import execute

    for number, line in enumerate(lines, start=1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        try:
            found = execute(session, text)
        except InputError as error:
            raise InputError(str(error), f"{name}:{number}") from None
        typer.echo("\n".join([f": {text}", *found]))
