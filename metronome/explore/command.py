"""The command ``metronome explore``: which designs of a space are best, and whether simulation agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError
from metronome.interrupts import interrupts
from metronome.options import JsonOption, QuietOption
from metronome.workers import scheduler_of

if TYPE_CHECKING:
    from exploration.campaign import Plan
    from exploration.fronts import Point
    from exploration.store import ExplorationStore, Trial
    from exploration.subranges import Finding
    from exploration.verify import Verification
    from metronome.explore.content import Found, TargetFound
    from validation.schedulers import Scheduler

DEFAULT_SAMPLE = 50


def explore_command(
    space_file: Annotated[str, typer.Argument(metavar="SPACE.yaml", help="What is combined, and what is wanted.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Simulate the front, and a random sample of the valid designs.")
    ] = False,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=1, help="Designs of the random sample of --verify.")
    ] = DEFAULT_SAMPLE,
    budget: Annotated[
        int | None,
        typer.Option("--budget", metavar="N", min=1, help="Try N designs that an optimiser chooses instead of all."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Draw samples, and search, with this seed.")] = 0,
    store_file: Annotated[
        str | None, typer.Option("--store", metavar="FILE", help="Keep what is done in this SQLite file.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the exploration in the store.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Processes to share the space among; one per core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Share it on a Dask cluster, as tcp://host:8786."),
    ] = None,
    points: Annotated[
        str | None, typer.Option("--points", metavar="FOLDER", help="Write all valid designs there, as Parquet files.")
    ] = None,
    designs: Annotated[
        str | None, typer.Option("--designs", metavar="FOLDER", help="Write machine and mapping of each of the front.")
    ] = None,
    design: Annotated[
        int | None, typer.Option("--design", metavar="N", help="Show this design alone, and simulate it.")
    ] = None,
    figure_file: Annotated[
        str | None, typer.Option("--figure", metavar="FILE", help="Draw throughput, power and area: .png, .svg, .pdf.")
    ] = None,
    json_file: JsonOption = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write a row per design of the fronts.")
    ] = None,
    quiet: QuietOption = False,
) -> int:
    """Find the designs of a space that no other one beats.

    Every design is accounted for: analysed, or excluded by what holds for all designs around it. Status 1 if no
    design is valid.
    """
    from exploration import campaign
    from exploration.campaign import Plan
    from exploration.samples import LARGEST
    from exploration.space_files import read_space
    from metronome.explore.designs import design_text
    from metronome.explore.outputs import Outputs
    from metronome.explore.parts import ensure_parts

    outputs = Outputs(json_file, csv_file, figure_file, designs, quiet=quiet)
    outputs.ensure_possible(store_file)
    if resume and store_file is None:
        raise InputError("there is nothing to go on with; name the exploration's file with --store", "--resume")
    if sample > LARGEST:
        raise InputError(f"{sample} is more than the {LARGEST} designs that are drawn", "--sample")
    if budget is not None and points is not None:
        raise InputError("a search does not look at all valid designs; leave --points or --budget out", "--points")
    space = read_space(space_file)
    if design is not None:
        for line in design_text(space, design):
            typer.echo(line)
        return 0
    outputs.ensure_drawable(space)
    work = scheduler_of(workers, scheduler)
    plan = Plan(space, seed, points is not None, budget)
    with _opened(store_file, resume=resume) as store:
        campaign.begin(store, plan, resume=resume)
        if points is not None:
            ensure_parts(points, store.with_valid_designs())
        if not _explore(store, plan, work, points):
            return _interrupted(store, plan, space_file)
        found = _found(store, plan, sample if verify else None, work)
    outputs.show(found)
    return 0 if any(target.front for target in found.targets) else 1


def _opened(path: str | None, *, resume: bool) -> ExplorationStore:
    """Open the store; an exploration that was stopped before its store was made can be resumed if the file is there."""
    from exploration.store import ExplorationStore
    from validation.store_files import TEMPORARY

    if path is None:
        return ExplorationStore(TEMPORARY, create=True)
    return ExplorationStore(path, create=not resume or Path(path).exists())


def _explore(store: ExplorationStore, plan: Plan, work: Scheduler, points: str | None) -> bool:
    """Do what is missing; return whether nobody interrupted it."""
    do = _sweep if plan.budget is None else _search
    with interrupts() as asked:
        try:
            do(store, plan, work, points, asked)
        except KeyboardInterrupt:
            return False
    return True


def _sweep(store: ExplorationStore, plan: Plan, work: Scheduler, points: str | None, asked: Callable[[], bool]) -> None:
    from exploration import campaign
    from metronome.explore.parts import part
    from metronome.explore.progress import exploration_bar
    from metronome.files import write_bytes

    space, before, targets = plan.space, store.tally(), range(len(plan.space.targets))

    def keep(finding: Finding) -> None:
        if points is not None and finding.points:
            write_bytes(finding.points, str(part(points, finding.number)))

    with exploration_bar(space, space.designs, before.total) as show:
        if show is not None:
            show(0, before.valid, {target: store.front(target, space.objectives) for target in targets})

        def done(finding: Finding) -> None:
            if show is not None:
                show(finding.tally.total, finding.tally.valid, finding.fronts)
            if asked():
                raise KeyboardInterrupt

        campaign.run(store, plan, work, keep, done)


def _search(store: ExplorationStore, plan: Plan, work: Scheduler, _: str | None, asked: Callable[[], bool]) -> None:
    from exploration.search import search
    from metronome.explore.progress import exploration_bar

    targets, budget = len(plan.space.targets), plan.budget or 0
    before = sum(len(store.trials(target)) for target in range(targets))
    with exploration_bar(plan.space, targets * budget, before) as show:

        def done(target: int, batch: Sequence[Trial]) -> None:
            if show is not None:
                points = [trial.point for trial in batch if trial.point is not None]
                show(len(batch), len(points), {target: points})
            if asked():
                raise KeyboardInterrupt

        search(store, plan, work, done)


def _found(store: ExplorationStore, plan: Plan, sample: int | None, work: Scheduler) -> Found:
    """Return what the store holds, simulated where a ``sample`` is given."""
    from metronome.explore.content import Found

    space = plan.space
    targets = tuple(_target(store, plan, target, sample, work) for target in range(len(space.targets)))
    if plan.budget is None:
        tally = store.tally()
        return Found(space, tally, tally.total, targets)
    return Found(space, None, sum(len(store.trials(target)) for target in range(len(targets))), targets)


def _target(store: ExplorationStore, plan: Plan, target: int, sample: int | None, work: Scheduler) -> TargetFound:
    from exploration import campaign
    from exploration.search import tried
    from metronome.explore.content import TargetFound

    if plan.budget is None:
        front = store.front(target, plan.space.objectives)
        parts = store.samples(target)
        valid, cloud = sum(part.size for part in parts), [member for part in parts for member in part.members]
        drawn = [number for number, *_ in campaign.sample(store, plan, target).members]
    else:
        front, points = tried(store, plan, target)
        valid, cloud = len(points), [(each.number, each.cycles, each.energy, each.area) for each in points]
        drawn = [number for number, *_ in cloud]
    verification = None if sample is None else _verify(plan, front, drawn[:sample], work)
    return TargetFound(target, valid, tuple(front), tuple(cloud), verification)


def _verify(plan: Plan, front: list[Point], drawn: list[int], work: Scheduler) -> Verification:
    from exploration.verify import verify
    from metronome.progress import progress_bar

    selected = [point.number for point in front]
    with progress_bar(len(dict.fromkeys([*selected, *drawn])), "simulate") as advance:
        progress = None if advance is None else lambda checked: advance(f"design {checked.number}")
        return verify(plan.space, selected, drawn, work, progress)


def _interrupted(store: ExplorationStore, plan: Plan, space_file: str) -> int:
    """Say how much is done and how to go on; return the exit status."""
    from shlex import quote

    space = plan.space
    if plan.budget is None:
        done = f"{store.tally().total:,} of {space.designs:,} designs are done"
    else:
        tried = sum(len(store.trials(target)) for target in range(len(space.targets)))
        done = f"{tried} of {plan.budget * len(space.targets)} designs are tried"
    again = f"metronome explore {quote(space_file)} --store {quote(store.path)} --resume"
    typer.echo(f"metronome: interrupted; {done}" + (f"; go on with: {again}" if store.path else ""), err=True)
    return 130
