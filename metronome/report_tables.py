"""A report as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from metronome.report_content import Content, Errors
from metronome.report_figures import percent
from metronome.report_page import count, verdict
from metronome.tables import printable


def tables(content: Content) -> Iterator[Table | str]:
    """Yield what the campaign came to, its claims, the errors, and the worst cases as lines of text."""
    what, facts = verdict(content), content.summary.facts
    name = printable(content.name)
    yield f"{name} (seed {facts['seed']}): {what.title} {what.text}"
    yield _claims(content)
    for model, found in content.errors.items():
        exact = all(each.exact == each.cases for each in found)
        if found:
            title = f"Error of the {model} model's cycles, in % of the simulated ones"
            yield _errors(title, "Family", found[:1] if exact else found)
    if content.assumptions:
        yield _errors("Error under each assumption made alone", "Assumption", content.assumptions)
    if content.worst:
        yield "Worst cases (--html has them as files to run):"
    for case in content.worst:
        errors = ", ".join(f"{model} {percent(error)} %" for model, error in case.errors.items())
        family = case.record.family or "not generated"
        lines = [f"claim {name}: {detail}" for name, detail in case.contradicted]
        lines = [errors, *lines, *(case.record.error or "").splitlines()]
        yield printable(f"  case {case.record.number}, {family}: {'; '.join(line for line in lines if line)}")


def _claims(content: Content) -> Table:
    table = _table("Claims", "Claim", ("In domain", "Held", "Failed", "First failing"))
    summary = content.summary
    rows = [(each.name, each.in_domain, each.held, each.failed, each.first_failing) for each in summary.claims]
    rows.append(("no exception", summary.cases, summary.cases - summary.raised, summary.raised, summary.first_raising))
    for name, in_domain, held, failed, first in rows:
        cells = (name, count(in_domain), count(held), count(failed), "" if first is None else f"case {first}")
        _add(table, cells, style="red" if failed else None)
    return table


def _errors(title: str, heading: str, errors: Sequence[Errors]) -> Table:
    table = _table(title, heading, ("Cases", "Exact", "Lowest", "5 %", "Median", "95 %", "Highest", "Mean absolute"))
    for each in errors:
        found = (each.lowest, each.percentile_5, each.median, each.percentile_95, each.highest)
        mean = percent(each.mean_absolute).removeprefix("+")
        _add(table, (each.group, count(each.cases), count(each.exact), *map(percent, found), mean))
    return table


def _table(title: str, heading: str, numbers: Sequence[str]) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column(heading)
    for label in numbers:
        table.add_column(label, justify="right")
    return table


def _add(table: Table, cells: Sequence[str], style: str | None = None) -> None:
    table.add_row(*(Text(printable(cell)) for cell in cells), style=style)
