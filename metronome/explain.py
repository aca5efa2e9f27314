"""Where the time of a layer goes, as a bar per level, and what more of each resource would gain."""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatchcase
from math import prod
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from dataflow.hardware import Machine
    from dataflow.levels import Mapping
    from metronome.workload import Workload
    from validation.whatif import Gain

#: Characters of a whole bar.
WIDTH = 40

#: What each cause is called, and the colour of its part of a bar.
LABELS = {
    "computing": ("computing", "green"),
    "idle": ("idle unit", "bright_black"),
    "dram": ("waiting for DRAM", "magenta"),
    "l2_port": ("waiting for the L2 port", "bright_magenta"),
    "distribution": ("waiting for distribution", "blue"),
    "barrier": ("waiting at the barrier", "yellow"),
    "slot": ("waiting for an output slot", "red"),
    "fill": ("fill", "cyan"),
    "drain": ("drain", "bright_cyan"),
}


def explain(workload: Workload, machine: Machine, pattern: str) -> list[Table]:
    """Return a table per layer that matches ``pattern``: the share of every cause at every level.

    Every step is simulated. Raises `InputError` where no layer matches.
    """
    return [explained(name, mapping, machine) for name, mapping in chosen(workload, machine, pattern)]


def explained(name: str, mapping: Mapping, machine: Machine) -> Table:
    """Simulate a layer step by step and return where its cycles go."""
    from rich.table import Table
    from rich.text import Text

    from metronome.tables import printable
    from simulator.attribution import Attribution
    from simulator.simulate import simulate_mapping

    attribution = Attribution()
    found = simulate_mapping(mapping, machine, probe=attribution)
    table = Table(title=Text(printable(f"{name}: {found.cycles:,} cycles on every cluster")), title_justify="left")
    for heading, justify in (("Level", "right"), ("Clusters", "right"), ("", "left"), ("Cause", "left"),
                             ("Cycles", "right"), ("Share", "right")):  # fmt: skip
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for level, causes in enumerate(attribution.by_level(mapping, found.cycles)):
        clusters = prod(mapping.units[:level])
        total = found.cycles * clusters
        for number, (cause, cycles) in enumerate((c, n) for c, n in causes.items() if n):
            label, colour = LABELS[cause]
            bar = Text("█" * round(WIDTH * cycles / total) or "▏", style=colour)
            head = (str(level), str(clusters)) if number == 0 else ("", "")
            table.add_row(*head, bar, label, f"{cycles:,}", f"{cycles / total:.1%}")
        table.add_section()
    return table


def whatif_command(
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="The layer: a name or a pattern.")],
    workload: Annotated[
        str, typer.Option("--workload", metavar="WORKLOAD", help="MAESTRO file (.m), or a network.")
    ] = "resnet50",
    dataflow: Annotated[
        str | None, typer.Option("--dataflow", metavar="NAME|FILE", help="Dataflow for all layers: a name or a file.")
    ] = None,
    hardware: Annotated[
        str, typer.Option("--hardware", metavar="NAME|FILE", help="Machine: a shipped name or a YAML file.")
    ] = "reference-256",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a hardware value, e.g. pes=64; repeatable."),
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the gains as JSON; - for standard output.")
    ] = None,
) -> int:
    """Tell what a layer would gain from more of each resource, and from which value on more is of no use.

    Without --workload: a layer of ResNet-50 under kcp_ws.
    """
    from dataflow import catalog
    from metronome.files import ensure_writable, write
    from metronome.progress import progress_bar
    from metronome.terminal import results_console
    from metronome.workload import load
    from validation.whatif import gains

    machine = catalog.machine(hardware, set_ or ())
    if dataflow is None and workload in catalog.names("networks"):
        dataflow = "kcp_ws"
    if json_file is not None:
        ensure_writable(json_file)
    report = {}
    for name, mapping in chosen(load(workload, dataflow=dataflow), machine, layer):
        with progress_bar(4 * len(mapping.levels) + 2, name) as done:
            found, gained = gains(mapping, machine, done)
        report[name] = {"cycles": found.cycles, "gains": [vars(gain) for gain in gained]}
        if json_file != "-":
            results_console().print(whatif_table(name, found.cycles, gained))
    if json_file is not None:
        write(json.dumps({"schema": 1, "layers": report}, indent=1) + "\n", json_file)
    sys.stdout.flush()
    return 0


def whatif_table(name: str, cycles: int, gained: list[Gain]) -> Table:
    """Return what each resource would gain, the greatest gain first."""
    from rich.table import Table
    from rich.text import Text

    from metronome.tables import printable

    title = f"{name}: {cycles:,} cycles; with one resource unlimited"
    table = Table(title=Text(printable(title)), title_justify="left")
    for heading in ("Resource", "Now", "Cycles", "Gain", "Enough from"):
        table.add_column(heading, justify="left" if heading == "Resource" else "right")
    for gain in gained:
        saved = (cycles - gain.cycles) / cycles
        enough = f"{gain.enough:,}" if gain.enough is not None else str(gain.unlimited)
        table.add_row(
            gain.key, str(gain.now), f"{gain.cycles:,}", f"{saved:.1%}", enough if gain.cycles != cycles else "now"
        )
    return table


def chosen(workload: Workload, machine: Machine, pattern: str) -> list[tuple[str, Mapping]]:
    """Return the layers that match, bound; raises `InputError` for none, and for a dataflow that computes none."""
    from dataflow import legality
    from dataflow.levels import bind

    found = []
    for task in workload.tasks:
        if fnmatchcase(task.layer.name, pattern):
            mapping = bind(task.layer, task.dataflow, machine.pes)
            violation = legality.check(mapping)
            if violation is not None:
                raise InputError(str(violation), task.layer.name)
            found.append((task.layer.name, mapping))
    if not found:
        names = ", ".join(task.layer.name for task in workload.tasks[:8])
        raise InputError(f"no layer of {workload.name} matches {pattern}; its first layers are {names}", pattern)
    return found
