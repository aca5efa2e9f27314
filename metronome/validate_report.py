"""What ``metronome validate`` prints: the tables of a campaign, what was found, and one case by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING, Any

import yaml
from rich.table import Table

from validation.store import COLUMNS, CaseRecord, Store

if TYPE_CHECKING:
    from validation.summary import FamilySummary, Summary

#: Columns of a case that hold JSON.
_JSON = ("machine", "simulated", "refined", "published", "assumptions", "claims")


def tables(summary: Summary) -> Iterator[Table | str]:
    """Yield the headline, a table of the claims, and one of the analytical models' errors where there are any."""
    profile = json.loads(summary.facts["profile"])
    number = (
        _cases(summary.examples)
        if summary.cases == summary.examples
        else f"{summary.cases:,} of {summary.examples:,} cases"
    )
    yield f"{number}, seed {summary.facts['seed']}, layers of at most {profile['max_macs']:,} MACs: {_verdict(summary)}"
    yield _claims(summary)
    if summary.families:
        yield _errors(summary)


def _cases(number: int) -> str:
    return "1 case" if number == 1 else f"{number:,} cases"


def _verdict(summary: Summary) -> str:
    if summary.holds:
        return "every claim holds"
    failed = sum(claim.failed > 0 for claim in summary.claims)
    parts = [f"{failed} of {len(summary.claims)} claims fail"] if failed else []
    if summary.raised:
        parts.append(f"exceptions in {_cases(summary.raised)}, first in case {summary.first_raising}")
    return "; ".join(parts)


def _claims(summary: Summary) -> Table:
    table = Table(title="Claims", title_justify="left")
    table.add_column("Claim")
    for heading in ("Cases", "Held", "Failed", "First failing case"):
        table.add_column(heading, justify="right")
    for claim in summary.claims:
        first = "" if claim.first_failing is None else str(claim.first_failing)
        counts = (f"{count:,}" for count in (claim.in_domain, claim.held, claim.failed))
        table.add_row(claim.name, *counts, first, style="red" if claim.failed else None)
    return table


def _errors(summary: Summary) -> Table:
    """Return how far the models' cycles are off the simulated ones, by family."""
    table = Table(title="Cycles against the simulator's, by model and family of dataflows", title_justify="left")
    for heading in ("Model", "Family"):
        table.add_column(heading)
    for heading in ("Cases", "Exact", "Lowest", "Median", "Highest", "Mean size"):
        table.add_column(heading, justify="right")
    for model, families in (("published", summary.families), ("refined", summary.refined)):
        for each in families:
            table.add_row(model, each.family, *_percents(each))
        table.add_section()
    return table


def _percents(each: FamilySummary) -> tuple[str, ...]:
    ends = (each.lowest_percent, each.median_percent, each.highest_percent)
    signed = (f"{percent:+.1f} %" for percent in ends)
    return f"{each.cases:,}", f"{each.exact:,}", *signed, f"{each.mean_absolute_percent:.1f} %"


def findings(store: Store, summary: Summary, path: str | None) -> Iterator[str]:
    """Yield a line for every claim that fails and for the first exception, and how to look at each case named."""
    first: dict[int, None] = {}
    for claim in summary.claims:
        if claim.first_failing is not None:
            outcome = json.loads(store.record(claim.first_failing).claims or "{}")[claim.name]
            first[claim.first_failing] = None
            yield f"claim {claim.name} fails in case {claim.first_failing}: {outcome['detail']}"
    if summary.first_raising is not None:
        first[summary.first_raising] = None
        errors = store.record(summary.first_raising).error or ""
        yield f"case {summary.first_raising} raises: {errors.partition(chr(10))[0]}"
    if path is None:
        where = f"--seed {summary.facts['seed']} --max-macs {json.loads(summary.facts['profile'])['max_macs']}"
    else:
        where = f"--store {quote(path)}"
    for number in first:
        yield f"look at it with: metronome validate {where} --case {number}"


def case_dict(record: CaseRecord) -> dict[str, Any]:
    """Return a case's row for a result file, JSON texts as what they say."""
    row = {name: getattr(record, name) for name in COLUMNS}
    decoded = {name: json.loads(row[name]) for name in _JSON if row[name] is not None}
    return {"schema": 1, **row, **decoded, "holds": record.holds}


def case_text(record: CaseRecord) -> str:
    """Return a case as a mapping file and a machine to paste, then its cycles and what the claims come to."""
    return "\n".join(_case_lines(record)) + "\n"


def _case_lines(record: CaseRecord) -> Iterator[str]:
    if record.dataflow is not None and record.machine is not None:
        yield f"case_{record.number}.m:\n\n{record.dataflow}"
        machine = yaml.safe_dump(
            json.loads(record.machine), sort_keys=False, default_flow_style=None, allow_unicode=True
        )
        yield f"case_{record.number}.yaml:\n\n{machine}"
    for model in ("simulated", "refined", "published"):
        cycles = getattr(record, f"{model}_cycles")
        if cycles is not None:
            yield f"{model}: {cycles:,} cycles{_off(cycles, record.simulated_cycles, model)}"
    outcomes = json.loads(record.claims or "{}")
    held = sum(outcome["holds"] is True for outcome in outcomes.values())
    outside = sum(outcome["holds"] is None for outcome in outcomes.values())
    if outcomes:
        yield f"claims: {held} hold, {len(outcomes) - held - outside} fail, {outside} are not about such a case"
    for name, outcome in outcomes.items():
        if outcome["holds"] is False:
            yield f"claim {name} fails: {outcome['detail']}"
    yield from (record.error or "").splitlines()


def _off(cycles: int, simulated: int | None, model: str) -> str:
    return "" if model == "simulated" or not simulated else f" ({100 * (cycles - simulated) / simulated:+.1f} %)"
