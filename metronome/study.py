"""The command ``metronome study``: what causes the error of the published model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.options import DEFAULT_HARDWARE, JsonOption, OverflowOption, QuietOption, SetOption

if TYPE_CHECKING:
    from dataflow.hardware import Machine
    from dataflow.layers import Layer
    from metronome.study_report import Report
    from validation.study import Case, Finding, LeftOut


def study_command(
    network: Annotated[
        list[str] | None, typer.Option("--network", metavar="NAME|FILE", help="Only these networks; repeatable.")
    ] = None,
    dataflow: Annotated[
        list[str] | None, typer.Option("--dataflow", metavar="NAME|FILE", help="Only these dataflows; repeatable.")
    ] = None,
    hardware: Annotated[
        list[str] | None,
        typer.Option("--hardware", metavar="NAME|FILE", help=f"Machines, {DEFAULT_HARDWARE} if none; repeatable."),
    ] = None,
    set_: SetOption = None,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate",
            help="Measure against the simulator, not the refined model: slower; always where that is not exact.",
        ),
    ] = False,
    allow_overflow: OverflowOption = False,
    json_file: JsonOption = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write a row per distinct layer, dataflow and machine.")
    ] = None,
    figure_file: Annotated[
        str | None, typer.Option("--figure", metavar="FILE", help="Draw the contributions: .png, .svg or .pdf.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Processes to share the layers among; one per core.")
    ] = None,
    quiet: QuietOption = False,
) -> int:
    """Tell how much of the published model's error each of its assumptions causes, by dataflow.

    Without arguments: every shipped dataflow on the layers of the shipped networks that it is meant for.
    """
    from analytical.memory import simplified
    from dataflow import catalog
    from metronome.figures import format_of
    from metronome.files import ensure_writable
    from metronome.terminal import warn_of_simplified

    written = [path for path in (json_file, csv_file, figure_file) if path is not None]
    for path in written:
        if written.count(path) > 1:
            raise InputError("--json, --csv and --figure need a place each; name different ones", path)
    if figure_file is not None:
        format_of(figure_file)
    machines = {name: catalog.machine(name, set_ or ()) for name in hardware or [DEFAULT_HARDWARE]}
    asked = cases(network or catalog.names("networks"), dataflow or catalog.names("dataflows"), machines)
    for path in written:
        ensure_writable(path)
    simpler = dict.fromkeys(each for machine in machines.values() for each in simplified(machine, len(machine.levels)))
    report = run_study(
        asked,
        machines,
        overrides=tuple(set_ or ()),
        simulate=simulate or bool(simpler),
        allow_overflow=allow_overflow,
        workers=(os.cpu_count() or 1) if workers is None else workers,
    )
    _write(report, json_file, csv_file, figure_file)
    if not quiet and "-" not in written:
        _print(report)
    warn_of_simplified(list(simpler))
    for note in report.notes():
        typer.echo(note, err=True)
    return 0


def cases(networks: Sequence[str], dataflows: Sequence[str], machines: dict[str, Machine]) -> list[Case]:
    """Combine the layers of networks with dataflows and machines; layers of the same sizes make one case.

    A shipped dataflow is combined with the layer types that it is meant for, any other with all. Raises `InputError`
    for what is neither shipped nor a good file, and where no layer is of a type that a dataflow is meant for.
    """
    from dataflow import catalog
    from validation.study import Case

    alike: dict[object, list[tuple[Layer, tuple[str, str]]]] = {}
    for name in dict.fromkeys(networks):
        for mapped in catalog.network(name).layers:
            layer = mapped.layer
            sizes = (layer.type, tuple(layer.sizes.items()), layer.stride, layer.dilation)
            alike.setdefault(sizes, []).append((layer, (name, layer.name)))
    found = []
    for machine_name, machine in machines.items():
        for dataflow_name in dict.fromkeys(dataflows):
            shipped = dataflow_name in catalog.names("dataflows")
            types = catalog.layer_types(dataflow_name) if shipped else ()
            chosen = catalog.dataflow(dataflow_name)
            for same in alike.values():
                if not types or same[0][0].type in types:
                    places = tuple(place for _, place in same)
                    found.append(Case(same[0][0], chosen, machine, places, dataflow_name, machine_name))
    if not found:
        present = ", ".join(dict.fromkeys(same[0][0].type for same in alike.values()))
        meant = ", ".join(dict.fromkeys(each for name in dataflows for each in catalog.layer_types(name)))
        raise InputError(
            f"there is nothing to study: the layers are of the types {present}, and what is chosen is meant for "
            f"{meant}; choose another dataflow or network",
            "--dataflow",
        )
    return found


def run_study(
    asked: Sequence[Case],
    machines: dict[str, Machine],
    *,
    overrides: tuple[str, ...] = (),
    simulate: bool = False,
    allow_overflow: bool = False,
    workers: int = 1,
) -> Report:
    """Study cases in ``workers`` processes, with a progress bar on a terminal.

    ``machines`` are those of the cases by name, and ``overrides`` what was set in them. Raises `InputError` where no
    case can be studied.
    """
    from metronome.progress import progress_bar
    from metronome.study_report import Report
    from metronome.workers import mapper
    from validation.study import Finding, families, study

    one = partial(study, simulate=simulate, allow_overflow=allow_overflow)
    findings: list[Finding] = []
    left_out: list[LeftOut] = []
    with mapper(workers, len(asked)) as mapped, progress_bar(len(asked), "study") as advance:
        for result in mapped(one, asked):
            if isinstance(result, Finding):
                findings.append(result)
            else:
                left_out.append(result)
            if advance is not None:
                advance(f"{result.case.dataflow_name}: {result.case.layer.name}")
    if not findings:
        first = left_out[0]
        network, layer = first.case.layers[0]
        raise InputError(
            f"no layer can be studied; the first one is {layer} of {network}: {first.reason}",
            f"{first.case.dataflow_name} on {first.case.machine_name}",
        )
    return Report(machines, tuple(families(findings)), tuple(left_out), overrides, simulate, allow_overflow)


def _write(report: Report, json_file: str | None, csv_file: str | None, figure_file: str | None) -> None:
    from metronome.figures import format_of
    from metronome.files import write, write_bytes
    from metronome.study_figures import study_figure

    if json_file is not None:
        write(report.to_json(), json_file)
    if csv_file is not None:
        write(report.to_csv(), csv_file)
    if figure_file is not None:
        write_bytes(study_figure(report, format_of(figure_file)), figure_file)


def _print(report: Report) -> None:
    from metronome.study_tables import tables
    from metronome.terminal import results_console

    console = results_console()
    for part in tables(report):
        console.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)
