"""Campaigns: numbered cases, each observed by all models, held against all claims, and stored as they come."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from dataflow.errors import InputError
from validation.claims import CLAIMS
from validation.examine import examine, failed_generation
from validation.generate import generate
from validation.schedulers import Scheduler
from validation.store import CaseRecord, Store

_ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("dataflow", "analytical", "simulator", "validation")
_SOURCES = (".py", ".lark")


@cache
def fingerprint(packages: tuple[str, ...] = PACKAGES) -> str:
    """Return a digest of the sources that cases and results come from."""
    digest = sha256()
    paths = [path for package in packages for path in (_ROOT / package).rglob("*") if path.suffix in _SOURCES]
    for path in sorted(paths, key=Path.as_posix):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Plan:
    """What determines the content of a campaign's store: ``examples`` cases from ``seed``, numbered from 0.

    ``max_macs`` is the limit of a layer's MACs. Raises `InputError` for numbers that make no campaign.
    """

    seed: int
    examples: int
    max_macs: int = 2000
    sources: str = field(default_factory=fingerprint)
    hypothesis: str = field(default_factory=partial(version, "hypothesis"))

    def __post_init__(self) -> None:
        for value, option, label in (
            (self.examples, "--examples", "examples"),
            (self.max_macs, "--max-macs", "MACs"),
        ):
            if value < 1:
                raise InputError(f"{value} {label}; at least 1 is needed", option)

    def facts(self) -> dict[str, str]:
        """Return the plan as it is stored."""
        return {
            "seed": str(self.seed),
            "examples": str(self.examples),
            "profile": json.dumps({"max_macs": self.max_macs, "hypothesis": self.hypothesis}),
            "version": json.dumps({"metronome": version("metronome"), "sources": self.sources}),
            "claims": json.dumps([claim.name for claim in CLAIMS]),
        }


def begin(store: Store, plan: Plan) -> None:
    """Make an empty store that of a campaign; raises `InputError` where it is one already."""
    if store.facts():
        raise InputError("is a campaign already; go on with --resume, or name a new store", store.path)
    store.set_facts(plan.facts())


def resume(store: Store, *, seed: int | None = None, examples: int | None = None, max_macs: int | None = None) -> Plan:
    """Return the plan to go on with; more examples than before are noted in the store.

    None stands for what the campaign was begun with. Raises `InputError` for anything else than that, for fewer
    examples, and where the sources or Hypothesis have changed, as the cases would not be comparable.
    """
    plan = stored_plan(store)
    for option, given, begun in (("--seed", seed, plan.seed), ("--max-macs", max_macs, plan.max_macs)):
        if given is not None and given != begun:
            raise InputError(f"was begun with {option} {begun}; resume it so, or begin a new store", store.path)
    if examples is not None and examples < plan.examples:
        raise InputError(f"was begun with {plan.examples} examples; resume it with no fewer", store.path)
    plan = Plan(plan.seed, plan.examples if examples is None else examples, plan.max_macs)
    now, then = plan.facts(), store.facts()
    for key, label in (("version", "other sources of Metronome"), ("profile", "another version of Hypothesis")):
        if now[key] != then[key]:
            message = f"was begun with {label} ({then[key]}, now {now[key]})"
            raise InputError(f"{message}: begin a new store", store.path)
    store.set_facts(now)
    return plan


def stored_plan(store: Store) -> Plan:
    """Return the plan of a campaign that has begun; raises `InputError` where none has."""
    facts = store.facts()
    if not facts:
        raise InputError("holds no campaign yet", store.path)
    profile, sources = json.loads(facts["profile"]), json.loads(facts["version"])["sources"]
    return Plan(int(facts["seed"]), int(facts["examples"]), profile["max_macs"], sources, profile["hypothesis"])


def missing(store: Store, plan: Plan) -> list[int]:
    """Return the numbers of the cases that are still to be done."""
    done = store.numbers()
    return [number for number in range(plan.examples) if number not in done]


def run(store: Store, plan: Plan, scheduler: Scheduler, progress: Callable[[CaseRecord], None] | None = None) -> None:
    """Do the missing cases, and store each before the next is asked for; ``progress`` is called with it then."""
    gc.freeze()  # what is imported stays; looking through it for garbage takes a tenth of the time of small cases
    for record in scheduler(partial(examine_numbered, plan), missing(store, plan)):
        store.add([record])
        if progress is not None:
            progress(record)


def examine_numbered(plan: Plan, number: int) -> CaseRecord:
    """Generate and examine a case; the same number gives the same row in any process.

    Raises `InputError` where this process has other sources, or another Hypothesis, than the one that made the plan.
    """
    here = Plan(plan.seed, plan.examples, plan.max_macs)
    for label, mine, planned in (
        ("other sources", here.sources, plan.sources),
        ("another version of Hypothesis", here.hypothesis, plan.hypothesis),
    ):
        if mine != planned:
            raise InputError(f"has {label} ({mine}) than the campaign ({planned})", "a worker")
    start = perf_counter()
    ((_, case),) = generate(plan.seed, [number], plan.max_macs)
    seconds = perf_counter() - start
    record = failed_generation(number, case) if isinstance(case, Exception) else examine(number, case)
    return replace(record, durations={"generation": seconds, **record.durations})
