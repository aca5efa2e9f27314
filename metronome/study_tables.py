"""A study as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from rich.table import Table
from rich.text import Text

from analytical import NAMES
from metronome.study_report import Report
from metronome.tables import printable
from validation.study import MEASURES, Family

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "cycles": "cycles",
        "l2_reads": "L2 reads",
        "l2_accesses": "L2 accesses",
        "network": "network crossings",
        "l1_accesses": "L1 accesses",
    }
)
#: What the contributions of the assumptions are shown for; the result files have them for everything.
_EXPLAINED = ("cycles", "l2_reads")


def tables(report: Report) -> Iterator[Table | str]:
    """Yield the errors by dataflow, what each assumption adds to them, and the worst cases as lines of text."""
    yield _errors(report)
    yield ""
    yield _causes(report)
    yield ""
    yield "Worst layers by cycles:"
    for family in report.families:
        worst = family.worst("cycles")
        yield f"  {percent(worst.error('cycles'))} %  {printable(report.command(worst.case))}"


def percent(value: Fraction) -> str:
    """Return a number of percent with its sign and one decimal."""
    rounded = f"{float(value):+.1f}"
    return "0.0" if float(rounded) == 0 else rounded


def _errors(report: Report) -> Table:
    table = _table(f"Error of the published model{_where(report)}, in % of what is {_truth(report)}")
    for heading in ("Dataflow", "Layers", "Count"):
        table.add_column(heading, justify="right" if heading == "Layers" else "left")
    for heading in ("Median", "95 % within", "Worst"):
        table.add_column(heading, justify="right")
    table.add_column("Worst layer")
    for family in report.families:
        for number, measure in enumerate(MEASURES):
            error = family.error(measure)
            head = (report.label(family), str(family.layers)) if number == 0 else ("", "")
            layer = " ".join(family.worst(measure).case.layers[0]) if error.worst else ""
            numbers = (percent(error.median), percent(error.percentile_95).removeprefix("+"), percent(error.worst))
            _add(table, *head, LABELS[measure], *numbers, layer)
        table.add_section()
    return table


def _causes(report: Report) -> Table:
    table = _table("What causes it: each assumption made alone, and added in this order to those above it (mean), in %")
    table.add_column("Dataflow")
    table.add_column("Assumption")
    for measure in _EXPLAINED:
        label = LABELS[measure][0].upper() + LABELS[measure][1:]
        for heading in ("alone, median", "alone, worst", "in order"):
            table.add_column(f"{label}: {heading}", justify="right")
    for family in report.families:
        contributions = {measure: family.contributions(measure) for measure in _EXPLAINED}
        for number, name in enumerate(family.findings[0].in_order):
            cells = [cell for m in _EXPLAINED for cell in (*_alone(family, name, m), percent(contributions[m][name]))]
            _add(table, report.label(family) if number == 0 else "", name, *cells)
        totals = [cell for m in _EXPLAINED for cell in ("", "", percent(family.mean_error(m)))]
        _add(table, "", "all: published", *totals)
        table.add_section()
    return table


def _alone(family: Family, name: str, measure: str) -> tuple[str, str]:
    """Return the median and the worst error of an assumption; of the model without any, nothing."""
    if name not in NAMES:
        return "", ""
    error = family.alone_error(name, measure)
    return percent(error.median), percent(error.worst)


def _where(report: Report) -> str:
    return f" on {', '.join(report.machines)}" if len(report.machines) == 1 else ""


def _truth(report: Report) -> str:
    return "simulated" if report.simulate else "true (the refined model, equal to the simulator)"


def _table(title: str) -> Table:
    return Table(title=Text(printable(title)), title_justify="left")


def _add(table: Table, *cells: str) -> None:
    table.add_row(*(Text(printable(cell)) for cell in cells))
