"""The command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec

import typer

from dataflow.errors import InputError
from metronome import baseline, explain, report, study, trace, truth, validate
from metronome.debug.command import debug_command
from metronome.explore.command import explore_command
from metronome.options import (
    DEFAULT_HARDWARE,
    CompatOption,
    DataflowOption,
    HardwareOption,
    JsonOption,
    LayersOption,
    OverflowOption,
    QuietOption,
    SetOption,
    WorkersOption,
)
from metronome.progress import layer_progress
from metronome.terminal import results_console, warn_of_simplified
from metronome.view.command import view_command

if TYPE_CHECKING:
    from rich.table import Table

    from metronome.runs import LayerRun, Run

app = typer.Typer(
    name="metronome",
    help="Simulate spatial DNN accelerators cycle by cycle under MAESTRO's data-centric directives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

P = ParamSpec("P")

DEFAULT_WORKLOAD, DEFAULT_DATAFLOW = "resnet50", "kcp_ws"


def guarded(command: Callable[P, int]) -> Callable[P, None]:
    """Turn what a command returns or raises into an exit status, and bad input into one message."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except InputError as error:
            typer.echo(f"metronome: {error}", err=True)
            status = 2
        except KeyboardInterrupt:
            typer.echo("metronome: interrupted", err=True)
            status = 130
        except BrokenPipeError:
            raise
        except OSError as error:
            typer.echo(f"metronome: {error.strerror}", err=True)
            status = 2
        raise typer.Exit(status)

    return wrapper


@app.command("run")
@guarded
def run_command(
    workload: Annotated[
        str | None, typer.Argument(help="A MAESTRO file (.m), or the name or file of a network with --dataflow.")
    ] = None,
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    layer: LayersOption = None,
    set_: SetOption = None,
    json_file: JsonOption = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write a row per layer and model.")
    ] = None,
    figure_file: Annotated[
        str | None, typer.Option("--figure", metavar="FILE", help="Draw the roofline: .png, .svg or .pdf.")
    ] = None,
    technology: Annotated[
        str | None,
        typer.Option("--technology", metavar="NAME|FILE", help="Energies and areas, instead of the machine's own."),
    ] = None,
    cost: Annotated[
        bool, typer.Option("--cost", help="Print a table of energy, bandwidth, reuse and bounds, too.")
    ] = False,
    explain_layer: Annotated[
        str | None,
        typer.Option("--explain", metavar="LAYER", help="Tell where this layer's cycles go."),
    ] = None,
    quiet: QuietOption = False,
    workers: WorkersOption = 1,
    compat: CompatOption = None,
    allow_overflow: OverflowOption = False,
    no_acceleration: Annotated[
        bool, typer.Option("--no-acceleration", help="Simulate every step, also what is proven to repeat.")
    ] = False,
    assume: Annotated[
        list[str] | None,
        typer.Option("--assume", metavar="NAME", help="Analyse under this assumption, too; repeatable."),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Simulate with numbers and compare the outputs with NumPy's.")
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Draw the numbers with this seed.")] = None,
    inputs: Annotated[str | None, typer.Option("--inputs", metavar="FILE.npy", help="The layer's input.")] = None,
    filters: Annotated[str | None, typer.Option("--filters", metavar="FILE.npy", help="The layer's filters.")] = None,
    outputs: Annotated[str | None, typer.Option("--outputs", metavar="FILE.npy", help="Write the output.")] = None,
) -> int:
    """Simulate and analyse every layer, and print both side by side.

    Without arguments: ResNet-50 under kcp_ws on reference-256.
    """
    from dataflow import catalog
    from metronome.figures import format_of, roofline
    from metronome.files import ensure_writable, write, write_bytes
    from metronome.runs import Options, run
    from metronome.values import Request, ask, report_values, save_output
    from metronome.workload import load

    if workload is None:
        workload, dataflow = DEFAULT_WORKLOAD, dataflow or DEFAULT_DATAFLOW
    if json_file is not None and json_file == csv_file:
        raise InputError("--json and --csv write to the same place; name two", json_file)
    if figure_file is not None and figure_file in (json_file, csv_file):
        raise InputError("--figure writes to the same place as the results; name two", figure_file)
    figure_format = None if figure_file is None else format_of(figure_file)
    machine = catalog.machine(hardware, set_ or ())
    if technology is not None:
        machine = machine.model_copy(update={"technology": technology})
    loaded = load(workload, dataflow=dataflow, layers=layer or (), compat_maestro=compat is not None)
    for path in (json_file, csv_file, figure_file):
        if path is not None:
            ensure_writable(path)
    options = Options(
        allow_overflow=allow_overflow,
        accelerate=not no_acceleration,
        assume=tuple(assume or ()),
        values=ask(Request(values, seed, inputs, filters, outputs), loaded),
    )
    with layer_progress(len(loaded.tasks), loaded.name) as progress:
        result = run(loaded, machine, options=options, workers=workers, progress=progress)
    explanations = [] if explain_layer is None else explain.explain(loaded, machine, explain_layer)
    if json_file is not None:
        write(json.dumps(result.to_dict(), indent=1) + "\n", json_file)
    if csv_file is not None:
        write(result.frame().to_csv(index=False), csv_file)
    if figure_file is not None and figure_format is not None:
        write_bytes(roofline(result, figure_format), figure_file)
    if outputs is not None:
        save_output(result.layers, outputs)
    quiet = quiet or "-" in (json_file, csv_file)
    if not quiet:
        _show(result, explanations, cost=cost)
    warn_of_simplified(result.simplified)
    return max(_report(result.layers), report_values(result.layers, quiet=quiet))


def _show(result: Run, explanations: Iterable[Table], *, cost: bool) -> None:
    from metronome.cost_tables import costs
    from metronome.tables import results

    console = results_console()
    console.print(results(result, console.width))
    if cost:
        console.print(costs(result, console.width))
    for table in explanations:
        console.print(table)


@app.command("check")
@guarded
def check_command(
    workload: Annotated[
        str, typer.Argument(help="A MAESTRO file (.m), or the name or file of a network with --dataflow.")
    ],
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    layer: LayersOption = None,
    set_: SetOption = None,
    json_file: JsonOption = None,
    quiet: QuietOption = False,
    compat: CompatOption = None,
    allow_overflow: OverflowOption = False,
) -> int:
    """Tell for every layer whether its dataflow computes it: every point once, with tiles that fit."""
    from dataflow import catalog
    from metronome.files import write
    from metronome.runs import Options, Run, check
    from metronome.workload import load

    machine = catalog.machine(hardware, set_ or ())
    loaded = load(workload, dataflow=dataflow, layers=layer or (), compat_maestro=compat is not None)
    verdicts = tuple(check(loaded, machine, options=Options(allow_overflow=allow_overflow)))
    if json_file is not None:
        write(json.dumps(Run(loaded.name, machine, verdicts).to_dict(), indent=1) + "\n", json_file)
    status = _report(verdicts)
    if not quiet and json_file != "-":
        illegal = sum(not verdict.legal for verdict in verdicts)
        layers = "1 layer" if len(verdicts) == 1 else f"{len(verdicts)} layers"
        typer.echo(f"{loaded.name}: {layers}, {illegal or 'none'} illegal")
    return status


@app.command("audit")
@guarded
def audit_command(
    results: Annotated[str, typer.Argument(metavar="RESULTS.csv", help="The table of results that MAESTRO wrote.")],
    workload: Annotated[
        str, typer.Option("--workload", metavar="FILE.m", help="The mapping file that the results are for.")
    ],
    hardware: HardwareOption = DEFAULT_HARDWARE,
    layer: LayersOption = None,
    set_: SetOption = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="NAME", help="Only this column; repeatable.")
    ] = None,
    limit: Annotated[
        float | None, typer.Option("--limit", metavar="PERCENT", help="Status 1 if a number is further off.")
    ] = None,
    json_file: JsonOption = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write a row per layer and column.")
    ] = None,
    quiet: QuietOption = False,
    workers: WorkersOption = 1,
    compat: CompatOption = None,
) -> int:
    """Hold the results of MAESTRO against the simulation, column by column, and say what explains the outliers."""
    from dataflow import catalog
    from metronome.audit import Outputs, ask, run_audit

    machine = catalog.machine(hardware, set_ or ())
    question = ask(results, workload, machine, layers=layer or (), compat_maestro=compat is not None)
    outputs = Outputs(json_file, csv_file, quiet, limit)
    return run_audit(question, outputs, results_console(), columns=column or (), workers=workers)


@app.command("list")
@guarded
def list_command(
    kind: Annotated[
        Literal["networks", "dataflows", "hardware", "technology"] | None,
        typer.Argument(help="networks, dataflows, hardware or technology; all without it."),
    ] = None,
) -> int:
    """Show the networks, dataflows, machines and technologies that are shipped."""
    from rich.markup import escape

    from dataflow import catalog

    console = results_console()
    for each in catalog.kinds() if kind is None else (kind,):
        console.print(f"[bold]{each}[/bold]")
        width = max(map(len, catalog.names(each)))
        for name in catalog.names(each):
            console.print(f"  {name:{width}}  {escape(catalog.describe(each, name))}", highlight=False)
    return 0


app.add_typer(baseline.commands(guarded), name="baseline")
app.command("study")(guarded(study.study_command))
app.command("whatif")(guarded(explain.whatif_command))
app.command("report")(guarded(report.report_command))
app.command("validate")(guarded(validate.validate_command))
app.command("explore")(guarded(explore_command))
app.command("trace")(guarded(trace.trace_command))
app.command("view")(guarded(view_command))
app.command("debug")(guarded(debug_command))
app.command("truth")(guarded(truth.truth_command))


def _report(layers: Iterable[LayerRun]) -> int:
    """Print what is wrong, and what to know, to standard error; return the exit status."""
    for layer in layers:
        for warning in layer.warnings:
            typer.echo(f"{warning} (warning)", err=True)
        if layer.error is not None:
            typer.echo(layer.error["text"], err=True)
    return 0 if all(layer.legal for layer in layers) else 1
