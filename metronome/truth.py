"""Published figures of hardware and other simulators held against the simulator, as a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from validation.truth.rows import Row

CASES = ("systolic", "eyeriss", "reduction-tree")


def truth_command(
    case: Annotated[
        list[str] | None, typer.Option("--case", metavar="NAME", help=f"Only {', '.join(CASES)}; repeatable.")
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON; - for standard output.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no table.")] = False,
) -> int:
    """Hold published figures of chips, RTL and other simulators against the simulator.

    Status 1 if a difference is beyond the limit that stands with the figure.
    """
    from metronome.files import ensure_writable, write
    from metronome.terminal import results_console

    for name in case or ():
        if name not in CASES:
            raise InputError(f"no group of figures of this name; there are {', '.join(CASES)}", f"--case {name}")
    if json_file is not None:
        ensure_writable(json_file)
    rows = measured(case or ())
    if json_file is not None:
        write(to_json(rows), json_file)
    if not quiet and json_file != "-":
        console = results_console()
        console.print(table(rows))
        console.print(verdict(rows), highlight=False)
    return 0 if all(row.holds for row in rows) else 1


def measured(cases: Sequence[str]) -> list[Row]:
    """Measure the figures of ``cases``, of all where none is named; with a line of progress on a terminal."""
    from validation.truth.eyeriss import eyeriss_rows
    from validation.truth.reduction_tree import reduction_tree_rows
    from validation.truth.systolic import systolic_rows

    groups = dict(zip(CASES, (systolic_rows, eyeriss_rows, reduction_tree_rows), strict=True))
    rows: list[Row] = []
    with _progress() as show:
        for name, group in groups.items():
            if name in cases or not cases:
                show(name)
                for row in group():
                    rows.append(row)
                    show(f"{row.case}: {row.name}")
    return rows


def to_json(rows: Iterable[Row]) -> str:
    """Return the rows as JSON: numbers as they are, without rounding."""
    from dataclasses import asdict
    from importlib.metadata import version

    found = []
    for row in rows:
        values = {key: value for key, value in asdict(row).items() if key != "decimals"}
        found.append({**values, "difference": row.difference, "percent": row.percent, "holds": row.holds})
    return json.dumps({"schema": 1, "metronome": version("metronome"), "truth": found}, indent=1) + "\n"


def table(rows: Iterable[Row]) -> Table:
    """Return a line per figure."""
    from rich.table import Table

    found = Table()
    for heading in ("Case", "", "Quantity"):
        found.add_column(heading)
    for heading in ("Measured", "Published", "Difference", "%", "Limit"):
        found.add_column(heading, justify="right")
    found.add_column("")
    case = None
    for row in rows:
        if case not in (None, row.case):
            found.add_section()
        limit = "" if row.limit is None else f"{row.limit:g}"
        outcome = "" if row.limit is None else "holds" if row.holds else "EXCEEDED"
        numbers = (_number(row.measured, row), _published(row), _signed(row), _percent(row), limit)
        quantity = f"{row.quantity}, {row.unit}" if row.unit else row.quantity
        found.add_row(row.case if row.case != case else "", row.name, quantity, *numbers, outcome)
        case = row.case
    return found


def verdict(rows: Sequence[Row]) -> str:
    """Return a sentence on how many figures are within their limits."""
    limited = [row for row in rows if row.limit is not None]
    beyond = sum(not row.holds for row in limited)
    return f"{len(rows)} figures, {len(limited)} of them with a limit, {beyond or 'none'} beyond it"


def _number(value: float, row: Row) -> str:
    return f"{value:,.{row.decimals}f}"


def _published(row: Row) -> str:
    """Return the published figure with the decimals that it was published with; a mean error has none."""
    return "" if row.unit == "%" else f"{row.published:,.{min(row.decimals, 1)}f}"


def _signed(row: Row) -> str:
    if row.unit == "%":
        return ""
    text = f"{row.difference:+,.{row.decimals}f}"
    return "0" if not text.strip("+-0.,") else text


def _percent(row: Row) -> str:
    if row.percent is None:
        return ""
    text = f"{row.percent:+.1f}"
    return "0.0" if not text.strip("+-0.") else text


def _progress() -> AbstractContextManager[Callable[[str], None]]:
    return _status() if sys.stderr.isatty() else nullcontext(lambda _: None)


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    from rich.console import Console

    with Console(stderr=True).status("truth") as status:
        yield status.update
