"""``metronome trace``: what happens in a layer, as a file for a trace viewer or a table."""

from __future__ import annotations

from pathlib import PurePath
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

#: steps of a layer up to which its accesses are followed
MOST_STEPS_OF_ACCESSES = 2_000_000

#: what is written, by the ending of the file's name
OF_EVENTS = (".json", ".vcd", ".csv", ".parquet", ".svg", ".png", ".pdf")
OF_ACCESSES = (".csv", ".parquet")


def trace_command(
    layer: LayerArgument,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=".json (Perfetto), .vcd (GTKWave), .csv, .parquet, or a picture: .svg, .png, .pdf; - for CSV printed.",
        ),
    ],
    workload: WorkloadOption = "resnet50",
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    set_: SetOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    step: StepOption = None,
    cluster: ClusterOption = None,
    accesses: Annotated[
        bool, typer.Option("--accesses", help="Every element that a buffer reads or writes, instead of events.")
    ] = False,
    sram: Annotated[
        bool, typer.Option("--sram", help="The L2's addresses by cycle, as SCALE-Sim writes them; FILE is a folder.")
    ] = False,
) -> int:
    """Write what happens in a layer: steps, transfers, computes, drains and waits, with their cycles.

    Of a large layer a window: what repeats before and after it is skipped.
    """
    from metronome.files import ensure_writable
    from metronome.moments.mapped import mapped_layer, refuse_large, window_of

    _ensure_known(output, accesses=accesses, sram=sram)
    if output != "-" and not sram:
        ensure_writable(output)
    found = mapped_layer(layer, workload, dataflow, hardware, set_)
    window = window_of(found.mapping, first, last, step, cluster)
    if first is None and last is None and step is None:
        refuse_large(found)
    elif accesses or sram:
        refuse_large(found, MOST_STEPS_OF_ACCESSES)
    number, kind, cycles = (_accesses if accesses or sram else _events)(found, window, output, sram)
    if not number:
        raise InputError(f"nothing happens there; the layer takes {cycles:,} cycles", found.name)
    if output != "-":
        typer.echo(f"{number:,} {kind} of {found.name}, which takes {cycles:,} cycles: {output}")
    return 0


def _ensure_known(output: str, *, accesses: bool, sram: bool) -> None:
    """Raise `InputError` where it is not clear what to write."""
    if accesses and sram:
        raise InputError("either the one or the other can be written", "--accesses, --sram")
    suffix = PurePath(output).suffix
    if sram:
        if output == "-" or suffix:
            raise InputError("SRAM traces are three files; name a folder", output)
    elif output != "-" and suffix not in (OF_ACCESSES if accesses else OF_EVENTS):
        kinds = "accesses are a" if accesses else "a trace is a .json, a .vcd, a picture (.svg, .png, .pdf), a"
        raise InputError(f"{kinds} .csv or a .parquet file, or - for CSV on standard output", output)


def _events(layer: MappedLayer, window: Window, output: str, _: bool) -> tuple[int, str, int]:
    from metronome.files import write, write_bytes
    from metronome.trace_figures import picture
    from metronome.trace_files import chrome_trace
    from metronome.trace_tables import event_table, write_table
    from metronome.waveforms import waveforms
    from simulator.recorder import Recorder
    from simulator.simulate import simulate_mapping

    mapping, machine = layer.mapping, layer.machine
    recorder = Recorder(mapping.layer, window)
    metrics = simulate_mapping(mapping, machine, probe=recorder, window=window)
    events = recorder.events
    about = {"layer": layer.name, "machine": machine.name, "cycles": metrics.cycles, "units": list(mapping.units)}
    if not events:
        pass
    elif output.endswith(".json"):
        write(chrome_trace(events, about), output)
    elif output.endswith(".vcd"):
        write(waveforms(events), output)
    elif output.endswith((".svg", ".png", ".pdf")):
        write_bytes(picture(events, layer, PurePath(output).suffix[1:]), output)
    else:
        write_table(event_table(events), output)
    return len(events), "events", metrics.cycles


def _accesses(layer: MappedLayer, window: Window, output: str, sram: bool) -> tuple[int, str, int]:
    from metronome.trace_tables import access_table, write_sram, write_table
    from simulator.accesses import Accesses
    from simulator.simulate import simulate_mapping

    probe = Accesses(layer.mapping.layer, window)
    metrics = simulate_mapping(layer.mapping, layer.machine, probe=probe)
    found = list(probe.found())
    if not found:
        pass
    elif sram:
        write_sram(found, probe.elements.sizes, output)
    else:
        write_table(access_table(found, layer.mapping, probe.elements.shapes), output)
    return sum(len(access.elements) for access in found), "accesses", metrics.cycles
