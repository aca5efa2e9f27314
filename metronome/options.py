"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

DEFAULT_HARDWARE = "reference-256"

DataflowOption = Annotated[
    str | None, typer.Option("--dataflow", metavar="NAME|FILE", help="Dataflow for all layers: a name or a file.")
]
HardwareOption = Annotated[
    str, typer.Option("--hardware", metavar="NAME|FILE", help="Machine: a shipped name or a YAML file.")
]
LayersOption = Annotated[
    list[str] | None, typer.Option("--layer", metavar="GLOB", help="Only layers that match; repeatable.")
]
LayerArgument = Annotated[str, typer.Argument(metavar="LAYER", help="The layer: a name, or a pattern that one has.")]
WorkloadOption = Annotated[str, typer.Option("--workload", metavar="WORKLOAD", help="MAESTRO file (.m), or a network.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a hardware value, e.g. pes=64; repeatable."),
]
JsonOption = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON; - for standard output.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print no table.")]
CompatOption = Annotated[
    Literal["maestro"] | None, typer.Option("--compat", help="maestro: read TRCONV as CONV, as MAESTRO does.")
]
OverflowOption = Annotated[bool, typer.Option("--allow-overflow", help="Tiles may exceed the scratchpads: warn.")]
WorkersOption = Annotated[int, typer.Option("--workers", metavar="N", help="Processes to share the layers among.")]
FirstOption = Annotated[int | None, typer.Option("--from", metavar="CYCLE", min=0, help="The first cycle.")]
LastOption = Annotated[int | None, typer.Option("--to", metavar="CYCLE", min=0, help="The last cycle.")]
StepOption = Annotated[
    str | None, typer.Option("--step", metavar="N[-M]", help="Steps of the top level only, from 0 on.")
]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", metavar="PATH", help="A cluster and what is below, e.g. 0.3.")
]
