"""The commands ``metronome baseline record`` and ``compare``: a gate for results that must not move."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.options import (
    DEFAULT_HARDWARE,
    DataflowOption,
    HardwareOption,
    LayersOption,
    OverflowOption,
    SetOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from dataflow.hardware import Machine
    from metronome.baseline_runs import Comparison
    from metronome.workload import Workload
    from validation.baseline import Baseline, Recipe, Result


def commands(guarded: Callable[[Callable[..., int]], Callable[..., None]]) -> typer.Typer:
    """Return the sub-commands; ``guarded`` turns what one returns or raises into an exit status."""
    app = typer.Typer(help="Keep results, and tell when one moves.", no_args_is_help=True)
    app.command("record")(guarded(record_command))
    app.command("compare")(guarded(compare_command))
    return app


def record_command(
    workload: Annotated[
        list[str], typer.Argument(help="MAESTRO files (.m), or names or files of networks with --dataflow.")
    ],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="The baseline file; - for standard output.")],
    dataflow: DataflowOption = None,
    hardware: HardwareOption = DEFAULT_HARDWARE,
    layer: LayersOption = None,
    set_: SetOption = None,
    allow_overflow: OverflowOption = False,
    workers: WorkersOption = 1,
    add: Annotated[
        bool,
        typer.Option("--add", help="Keep what the file holds; the same workload with the same options is replaced."),
    ] = False,
) -> int:
    """Run every layer and keep its cycles and counts, with what is needed to repeat that."""
    from metronome.baseline_runs import entry_of, prepared, recipe_for
    from metronome.files import STANDARD_OUTPUT, ensure_writable
    from validation.baseline import Baseline, read_baseline

    if add and out == STANDARD_OUTPUT:
        raise InputError("--add needs a baseline file to add to", out)
    kept = list(read_baseline(out).workloads) if add else []
    ensure_writable(out)
    recipes = [
        recipe_for(
            name,
            out,
            dataflow=dataflow,
            hardware=hardware,
            overrides=set_ or (),
            patterns=layer or (),
            allow_overflow=allow_overflow,
        )
        for name in dict.fromkeys(workload)
    ]
    loaded = [prepared(recipe, out) for recipe in recipes]
    for recipe, (work, machine) in zip(recipes, loaded, strict=True):
        now = _run(recipe, work, machine, workers)
        if _refused(now):
            return 1
        entry = entry_of(recipe, now)
        same = next((index for index, old in enumerate(kept) if old.recipe == entry.recipe), len(kept))
        kept[same : same + 1] = [entry]
    _write(Baseline(workloads=tuple(kept)), out)
    return 0


def compare_command(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="A file that record has written.")],
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance", metavar="METRIC=PERCENT", help="A metric may move so far, e.g. cycles=1; repeatable."
        ),
    ] = None,
    junit_file: Annotated[
        str | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, a test case per layer.")
    ] = None,
    markdown_file: Annotated[
        str | None, typer.Option("--markdown", metavar="FILE", help="Write a summary for a CI job's page.")
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Annotate as GitHub Actions shows it; the default there.")
    ] = False,
    update: Annotated[bool, typer.Option("--update", help="Write the baseline anew, with what is true now.")] = False,
    workers: WorkersOption = 1,
) -> int:
    """Repeat what a baseline holds and print what moved: nothing, with status 0, if nothing did."""
    from metronome.baseline_reports import diff, junit, markdown
    from metronome.baseline_runs import compared, prepared
    from metronome.files import ensure_writable, write
    from validation.baseline import Tolerances, read_baseline

    written = [path for path in (junit_file, markdown_file) if path is not None]
    if len(set(written)) < len(written):
        raise InputError("--junit and --markdown write to the same place; name two", written[0])
    held = read_baseline(baseline)
    allowed = Tolerances.parse(tolerance or (), held.metrics())
    loaded = [prepared(entry, baseline, lenient=True) for entry in held.workloads]
    for path in [*written, *([baseline] if update else [])]:
        ensure_writable(path)
    comparisons = [
        compared(entry, _run(entry, work, machine, workers), allowed)
        for entry, (work, machine) in zip(held.workloads, loaded, strict=True)
    ]
    if junit_file is not None:
        write(junit(comparisons), junit_file)
    if markdown_file is not None:
        write(markdown(comparisons), markdown_file)
    if "-" not in written:
        sys.stdout.write(diff(comparisons))
    if github or os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(comparisons, baseline, aside="-" in written)
    if update:
        return _updated(comparisons, baseline)
    _tell_new_metrics(comparisons, baseline)
    return 1 if any(comparison.moved for comparison in comparisons) else 0


def _run(recipe: Recipe, work: Workload, machine: Machine, workers: int) -> tuple[Result, ...]:
    from metronome.baseline_runs import results
    from metronome.progress import layer_progress

    with layer_progress(len(work.tasks), work.name) as progress:
        return results(work, machine, recipe, workers=workers, progress=progress)


def _refused(now: Sequence[Result]) -> bool:
    """Say which layers have no results to keep, if there are any."""
    illegal = [result for result in now if result.record is None]
    for result in illegal:
        typer.echo(result.error, err=True)
    return bool(illegal)


def _updated(comparisons: Sequence[Comparison], baseline: str) -> int:
    """Write the baseline anew unless a layer has become illegal; return the exit status."""
    from metronome.baseline_runs import entry_of
    from validation.baseline import Baseline

    if _refused([result for comparison in comparisons for result in comparison.now]):
        return 1
    _write(Baseline(workloads=tuple(entry_of(each.entry.recipe, each.now) for each in comparisons)), baseline)
    return 0


def _write(baseline: Baseline, path: str) -> None:
    """Write a baseline; raises `InputError` for one that could not be read again, for its size."""
    from metronome.files import write
    from validation.baseline import parse_baseline

    text = baseline.text()
    parse_baseline(text, path)
    write(text, path)


def _tell_new_metrics(comparisons: Sequence[Comparison], baseline: str) -> None:
    """Say on standard error which metrics are not compared, because the baseline is older than they are."""
    names = sorted({name for comparison in comparisons for name in comparison.new_metrics})
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        typer.echo(
            f"{baseline}: does not hold {names[0]}{more}, which this version counts: not compared; --update adds "
            "what is missing",
            err=True,
        )


def _tell_github(comparisons: Sequence[Comparison], baseline: str, *, aside: bool) -> None:
    """Annotate what moved (on standard error if ``aside``), and add to the job's page.

    Where that page cannot be written, it is only said: the environment decides no result.
    """
    from metronome.baseline_reports import github_annotations, markdown

    for line in github_annotations(comparisons, baseline, os.environ.get("GITHUB_WORKSPACE")):
        typer.echo(line, err=aside)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    try:
        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(markdown(comparisons))
    except (OSError, ValueError) as error:
        typer.echo(f"metronome: the job's page {page!r} cannot be written: {error}", err=True)
