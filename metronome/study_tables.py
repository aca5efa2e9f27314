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
_EXPLAINED = ("cycles", "network")

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "refined": "the analytical model without assumptions, against the simulator",
        "restart_reuse": "tiles are fetched again, and outputs leave, at every step of the level above",
        "restart_pipeline": "the pipeline of a level fills and drains again at every step of the level above",
        "lockstep": "a step takes as long as the slowest of its transfer, its compute and the drain before",
        "worst_unit": "every unit at work is as slow and moves as much as the largest one",
        "no_reduction_delay": "adding partial sums on the way takes no time",
        "steady_drain": "PEs never wait for an output tile to leave",
    }
)


def tables(report: Report) -> Iterator[Table | str]:
    """Yield the errors by dataflow, what each assumption adds to them and means, and how to see the worst cases."""
    yield _errors(report)
    yield ""
    yield _causes(report)
    yield ""
    yield "The assumptions:"
    names = list(report.families[0].findings[0].in_order)
    width = max(map(len, names))
    yield from (f"  {name:{width}}  {MEANINGS[name]}" for name in names)
    yield ""
    yield "To see the layer with the worst cycles:"
    worst = [family.worst("cycles") for family in report.families]
    errors = [percent(each.error("cycles")) for each in worst]
    width = max(map(len, errors))
    for error, each in zip(errors, worst, strict=True):
        yield f"  {error:>{width}} %  {printable(report.command(each.case))}"


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
    table = _table(
        "What causes it, in %: each assumption alone (median and worst), and what it adds to those above it (mean)"
    )
    table.add_column("Dataflow")
    table.add_column("Assumption")
    for measure in _EXPLAINED:
        label = LABELS[measure][0].upper() + LABELS[measure][1:]
        for heading in ("alone", "worst", "adds"):
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
