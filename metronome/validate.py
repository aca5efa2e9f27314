"""The command ``metronome validate``: generated cases through all models, held against all claims."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.interrupts import interrupts
from metronome.options import JsonOption, QuietOption
from metronome.workers import scheduler_of

if TYPE_CHECKING:
    from rich.console import Console

    from validation.campaign import Plan
    from validation.schedulers import Scheduler
    from validation.store import CaseRecord, Store

    Done = Callable[[CaseRecord], None]

DEFAULT_EXAMPLES, DEFAULT_SEED, DEFAULT_MAX_MACS = 100, 0, 2000

#: Characters, more than any line takes.
UNBOUNDED_WIDTH = 10_000


def validate_command(
    examples: Annotated[
        int | None, typer.Option("--examples", metavar="N", help=f"How many cases, {DEFAULT_EXAMPLES} if not given.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", help=f"The same seed, the same cases; {DEFAULT_SEED} if not given."),
    ] = None,
    max_macs: Annotated[
        int | None,
        typer.Option("--max-macs", metavar="N", help=f"The most MACs of a layer, {DEFAULT_MAX_MACS} if not given."),
    ] = None,
    store_file: Annotated[
        str | None, typer.Option("--store", metavar="FILE", help="Keep every case in this SQLite file as it is done.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the campaign in the store.")] = False,
    case: Annotated[
        int | None,
        typer.Option("--case", metavar="N", help="Show this case, of the seed or the store, and what is found now."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Processes to share the cases among; one per core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Share them on a Dask cluster, as tcp://host:8786."),
    ] = None,
    truth: Annotated[
        bool, typer.Option("--truth", help="Hold published figures of hardware against the simulator instead.")
    ] = False,
    json_file: JsonOption = None,
    quiet: QuietOption = False,
) -> int:
    """Draw layers, dataflows and machines, and hold what all models find against every claim about them.

    Without --store the cases are forgotten when the table is printed. Status 1 if a claim fails or a model raises.
    """
    from metronome.files import ensure_writable
    from metronome.truth import truth_command

    if json_file is not None:
        if json_file == store_file:
            raise InputError("--json and --store write to the same place; name two", json_file)
        ensure_writable(json_file)
    of_a_campaign = {"--examples": examples, "--resume": resume or None, "--workers": workers, "--scheduler": scheduler}
    if truth:
        _refuse(
            "--truth", {**of_a_campaign, "--seed": seed, "--max-macs": max_macs, "--store": store_file, "--case": case}
        )
        return truth_command(json_file=json_file, quiet=quiet)
    if case is not None:
        drawn = {} if store_file is None else {"--seed": seed, "--max-macs": max_macs}
        _refuse("--case", {**of_a_campaign, **drawn})
        return _show_case(case, seed, max_macs, store_file, json_file, quiet=quiet)
    if resume and store_file is None:
        raise InputError("there is nothing to go on with; name the campaign's file with --store", "--resume")
    work = scheduler_of(workers, scheduler)
    with _opened(store_file, resume=resume) as store:
        plan = _plan(store, examples, seed, max_macs, resume=resume)
        finished = _run(store, plan, work)
        return _report(store, store_file, json_file, quiet=quiet, finished=finished)


def _refuse(option: str, unused: Mapping[str, object]) -> None:
    given = [name for name, value in unused.items() if value is not None]
    if given:
        raise InputError(
            f"does not go with {' and '.join(given)}; leave {'it' if len(given) == 1 else 'them'} out", option
        )


def _opened(path: str | None, *, resume: bool) -> Store:
    """Open the store; a campaign that was stopped before its store was made can be resumed if the file is there."""
    from validation.store import Store
    from validation.store_files import TEMPORARY

    if path is None:
        return Store(TEMPORARY, create=True)
    return Store(path, create=not resume or Path(path).exists())


def _plan(store: Store, examples: int | None, seed: int | None, max_macs: int | None, *, resume: bool) -> Plan:
    from validation import campaign

    if resume and store.facts():
        return campaign.resume(store, seed=seed, examples=examples, max_macs=max_macs)
    plan = campaign.Plan(
        DEFAULT_SEED if seed is None else seed,
        DEFAULT_EXAMPLES if examples is None else examples,
        DEFAULT_MAX_MACS if max_macs is None else max_macs,
    )
    campaign.begin(store, plan)
    return plan


def _run(store: Store, plan: Plan, work: Scheduler) -> bool:
    """Do what is missing; return whether nobody interrupted it."""
    from validation import campaign

    with interrupts() as asked, _progress(plan.examples, plan.examples - len(campaign.missing(store, plan))) as show:

        def done(record: CaseRecord) -> None:
            if show is not None:
                show(record)
            if asked():
                raise KeyboardInterrupt

        try:
            campaign.run(store, plan, work, done)
        except KeyboardInterrupt:
            return False
    return True


def _report(store: Store, path: str | None, json_file: str | None, *, quiet: bool, finished: bool) -> int:
    """Print and write what has been found; return the exit status."""
    from metronome.files import write
    from metronome.validate_report import findings, tables
    from validation.summary import summarize

    summary = summarize(store)
    if json_file is not None:
        write(json.dumps(summary.to_dict(), indent=1) + "\n", json_file)
    if not quiet and json_file != "-":
        console = _console()
        for part in tables(summary):
            console.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)
    for finding in findings(store, summary, path):
        typer.echo(finding, err=True)
    if finished:
        return 0 if summary.holds else 1
    done = f"metronome: interrupted; {summary.cases} of {summary.examples} cases are done"
    go_on = "" if path is None else f"; go on with: metronome validate --store {_quoted(path)} --resume"
    typer.echo(done + go_on, err=True)
    return 130


def _show_case(
    number: int, seed: int | None, max_macs: int | None, path: str | None, json_file: str | None, *, quiet: bool
) -> int:
    """Examine one case and print it with what is found; return the exit status."""
    from metronome.files import write
    from metronome.validate_report import case_dict, case_text
    from validation import campaign
    from validation.examine import examine, stored_case
    from validation.store import Store

    if number < 0:
        raise InputError(f"there is no case {number}; cases are numbered from 0", "--case")
    if path is None:
        macs = DEFAULT_MAX_MACS if max_macs is None else max_macs
        plan = campaign.Plan(DEFAULT_SEED if seed is None else seed, 1, macs)
        record = campaign.examine_numbered(plan, number)
    else:
        with Store(path) as store:
            record = store.record(number)
        if record.dataflow is not None:
            record = examine(number, stored_case(record, path))
    if json_file is not None:
        write(json.dumps(case_dict(record), indent=1) + "\n", json_file)
    if not quiet and json_file != "-":
        typer.echo(case_text(record), nl=False)
    return 0 if record.holds else 1


def _quoted(path: str) -> str:
    from shlex import quote

    return quote(path)


def _console() -> Console:
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=UNBOUNDED_WIDTH)


def _progress(cases: int, done: int) -> AbstractContextManager[Done | None]:
    """Return a progress bar on a terminal, and nothing elsewhere."""
    return _bar(cases, done) if sys.stderr.isatty() else nullcontext()


@contextmanager
def _bar(cases: int, before: int) -> Iterator[Done]:
    """Show how many cases are done, how many of them with findings, the rate, and the remaining time."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f} cases/s")

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), Rate())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("validate", total=cases, completed=before)
        found = 0

        def done(record: CaseRecord) -> None:
            nonlocal found
            found += not record.holds
            bar.update(task, advance=1, description=f"validate: {found} with findings" if found else "validate")

        yield done
