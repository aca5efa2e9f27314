"""Explorations of whole spaces: sub-ranges shared among workers, and stored as they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from random import Random
from threading import local

from dataflow.errors import InputError
from exploration.blocks import Explorer
from exploration.points import PointsFile
from exploration.samples import Sample, merged
from exploration.space import Space
from exploration.store import ExplorationStore
from exploration.subranges import Finding, explore_subrange, subranges
from validation.campaign import PACKAGES, fingerprint
from validation.schedulers import Scheduler


def sources() -> str:
    """Return a digest of the sources that results come from."""
    return fingerprint((*PACKAGES, "exploration"))


@dataclass(frozen=True)
class Plan:
    """What determines the content of a store: a space, a seed for samples, and what is done.

    With ``points``, all valid designs are given, too. With a ``budget``, so many designs are tried instead of all.
    """

    space: Space
    seed: int = 0
    points: bool = False
    budget: int | None = None
    made_from: str = field(default_factory=sources)

    def facts(self) -> dict[str, str]:
        """Return the plan as it is stored; the budget is no part of it, for more can be tried later."""
        return {
            "space": json.dumps(self.space.signature()),
            "seed": str(self.seed),
            "points": json.dumps(self.points),
            "mode": "sweep" if self.budget is None else "search",
            "version": json.dumps({"metronome": version("metronome"), "sources": self.made_from}),
        }


def begin(store: ExplorationStore, plan: Plan, *, resume: bool) -> None:
    """Make an empty store that of an exploration, or with ``resume`` see to it that it is the same one.

    Raises `InputError` for another space, seed or kind, and where the sources have changed.
    """
    then, now = store.facts(), plan.facts()
    if not then:
        store.set_facts(now)
        return
    if not resume:
        raise InputError("is an exploration already; go on with --resume, or name a new store", store.path)
    differences = (
        ("space", "for another space"),
        ("seed", f"with --seed {then['seed']}"),
        ("mode", "without --budget" if then["mode"] == "sweep" else "with --budget"),
        ("points", "with --points" if then["points"] == "true" else "without --points"),
        ("version", "by other sources of Metronome"),
    )
    for key, label in differences:
        if now[key] != then[key]:
            raise InputError(f"was begun {label}; resume it so, or begin a new store", store.path)


def missing(store: ExplorationStore, plan: Plan) -> list[int]:
    """Return the numbers of the sub-ranges that are still to be done."""
    done = store.done()
    return [number for number in range(subranges(plan.space)) if number not in done]


def run(
    store: ExplorationStore,
    plan: Plan,
    scheduler: Scheduler,
    keep: Callable[[Finding], None] | None = None,
    progress: Callable[[Finding], None] | None = None,
) -> None:
    """Do the missing sub-ranges, and store each before the next is asked for.

    ``keep`` is called before a sub-range is stored, ``progress`` afterwards.
    """
    for finding in scheduler(partial(explore_numbered, plan), missing(store, plan)):
        if keep is not None:
            keep(finding)
        store.add(finding)
        if progress is not None:
            progress(finding)


def explore_numbered(plan: Plan, number: int) -> Finding:
    """Work out a sub-range; the same number gives the same in any process.

    Raises `InputError` where this process has other sources than the one that made the plan.
    """
    if sources() != plan.made_from:
        raise InputError(f"has other sources ({sources()}) than the exploration ({plan.made_from})", "a worker")
    explorer = explorer_of(plan.space)
    if not plan.points:
        return explore_subrange(explorer, number, plan.seed)
    points = PointsFile(explorer)
    finding = explore_subrange(explorer, number, plan.seed, points.add)
    return Finding(number, finding.tally, finding.fronts, finding.samples, finding.seconds, points.content())


_of_thread = local()


def explorer_of(space: Space) -> Explorer:
    """Return what works out the pieces of a space in this thread: workers of a cluster may have several."""
    if getattr(_of_thread, "explorer", None) is None or _of_thread.explorer.space != space:
        _of_thread.explorer = Explorer(space)
    found: Explorer = _of_thread.explorer
    return found


def sample(store: ExplorationStore, plan: Plan, target: int) -> Sample:
    """Return valid designs of a target drawn at random from all that were swept."""
    return merged(store.samples(target), Random(f"{plan.seed} {target}"))
