"""``metronome trace``: what happens in a layer, as a file for a trace viewer or a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.options import DEFAULT_HARDWARE, DataflowOption, HardwareOption, LayerArgument, SetOption, WorkloadOption

if TYPE_CHECKING:
    from dataflow.hardware import Machine
    from dataflow.levels import Mapping
    from simulator.events import Path, Window

#: steps that are traced without a window: a file of some ten megabytes
MOST_STEPS = 50_000


def trace_command(
    layer: LayerArgument,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=".json (Perfetto), .vcd (GTKWave) or .csv; - for CSV printed.",
        ),
    ],
    workload: WorkloadOption = "resnet50",
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    set_: SetOption = None,
    first: Annotated[int | None, typer.Option("--from", metavar="CYCLE", min=0, help="The first cycle.")] = None,
    last: Annotated[int | None, typer.Option("--to", metavar="CYCLE", min=0, help="The last cycle.")] = None,
    step: Annotated[
        str | None, typer.Option("--step", metavar="N[-M]", help="Steps of the top level only, from 0 on.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="PATH", help="A cluster and what is below, e.g. 0.3.")
    ] = None,
) -> int:
    """Write what happens in a layer: steps, transfers, computes, drains and waits, with their cycles.

    Of a large layer a window: what repeats before and after it is skipped.
    """
    from dataflow import catalog
    from metronome.explain import chosen
    from metronome.files import ensure_writable, write
    from metronome.trace_files import chrome_trace, event_table
    from metronome.waveforms import waveforms
    from metronome.workload import load
    from simulator.events import Recorder
    from simulator.simulate import simulate_mapping

    if not output.endswith((".json", ".vcd", ".csv")) and output != "-":
        raise InputError("a trace is a .json, a .vcd or a .csv file, or - for CSV on standard output", output)
    if output != "-":
        ensure_writable(output)
    machine = catalog.machine(hardware, set_ or ())
    if dataflow is None and workload in catalog.names("networks"):
        dataflow = "kcp_ws"
    found = chosen(load(workload, dataflow=dataflow), machine, layer)
    if len(found) > 1:
        raise InputError(f"{len(found)} layers match, {', '.join(name for name, _ in found[:8])}; name one", layer)
    ((name, mapping),) = found
    window = window_of(mapping, first, last, step, cluster)
    if first is None and last is None and step is None:
        _refuse_large(name, mapping, machine)
    recorder = Recorder(mapping.layer, window)
    metrics = simulate_mapping(mapping, machine, probe=recorder, window=window)
    if not recorder.events:
        raise InputError(f"nothing happens there; the layer takes {metrics.cycles:,} cycles", name)
    about = {"layer": name, "machine": machine.name, "cycles": metrics.cycles, "units": list(mapping.units)}
    if output.endswith(".json"):
        write(chrome_trace(recorder.events, about), output)
    else:
        write(waveforms(recorder.events) if output.endswith(".vcd") else event_table(recorder.events), output)
    if output != "-":
        typer.echo(f"{len(recorder.events):,} events of {name}, which takes {metrics.cycles:,} cycles: {output}")
    return 0


def window_of(mapping: Mapping, first: int | None, last: int | None, step: str | None, cluster: str | None) -> Window:
    """Return the window that options ask for; raises `InputError` for one that cannot be."""
    from simulator.events import Window

    if first is not None and last is not None and last < first:
        raise InputError(f"{last} is before --from {first}", "--to")
    begin, end = _steps(step)
    return Window(first or 0, last, begin, end, _path(mapping, cluster))


def _steps(step: str | None) -> tuple[int, int | None]:
    if step is None:
        return 0, None
    match = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", step)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise InputError(f"{step} is no step, such as 12, and no range, such as 12-15", "--step")
    return int(match[1]), int(match[2] or match[1])


def _path(mapping: Mapping, cluster: str | None) -> Path:
    if cluster is None:
        return ()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})*", cluster) is None:
        raise InputError(f"{cluster} is no path, such as 3, or 0.3 for unit 3 of unit 0", "--cluster")
    path, units = tuple(map(int, cluster.split("."))), mapping.units[:-1]
    if len(path) > len(units) or any(unit >= width for unit, width in zip(path, units, strict=False)):
        shape = " of ".join(f"{width} clusters" for width in reversed(units)) or "no clusters below the top"
        raise InputError(f"there is no cluster {cluster}; this dataflow has {shape}", "--cluster")
    return path


def _refuse_large(name: str, mapping: Mapping, machine: Machine) -> None:
    """Refuse to trace every step of a layer that has too many of them."""
    from simulator.simulate import simulate_mapping

    metrics = simulate_mapping(mapping, machine)
    if sum(metrics.steps) > MOST_STEPS:
        middle = metrics.cycles // 2
        raise InputError(
            f"{sum(metrics.steps):,} steps in {metrics.cycles:,} cycles are too many for a file; trace a window, for "
            f"example --from {middle} --to {middle + 100}",
            name,
        )
