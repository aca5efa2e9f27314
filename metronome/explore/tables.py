"""Tables of an exploration for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from exploration.blocks import Tally
from exploration.objectives import OBJECTIVES
from exploration.verify import Errors, Verification
from metronome.explore.content import Found, TargetFound

#: designs of a front that are shown
SHOWN = 20

_COLUMNS = ("cycles", "macs_per_cycle", "energy", "energy_delay", "power_mw", "area_mm2", "macs_per_cycle_mm2")
_REASONS = {
    "illegal": "illegal dataflow",
    "buffers": "tiles do not fit",
    "area": "too large",
    "power": "too much power",
}


def report(found: Found) -> Iterator[Table | str]:
    """Yield the parts of what is printed."""
    if found.tally is not None:
        yield counts(found.tally)
    else:
        yield f"{found.tried:,} designs tried, each with all sizes, of a space of {found.space.designs:,}"
    for each in found.targets:
        yield front_table(found, each)
        if len(each.front) > SHOWN:
            yield f"{len(each.front) - SHOWN} more designs of this front: --csv, --json or --figure show all"
        if each.verification is not None:
            yield from _verified(each.verification)
            yield from _best(found.space.objectives, each.verification)


def counts(tally: Tally) -> str:
    """Return the numbers of designs, and why those that are not valid are not, in one line."""
    reasons = ", ".join(f"{getattr(tally, name):,} {label}" for name, label in _REASONS.items() if getattr(tally, name))
    return f"{tally.total:,} designs: {tally.valid:,} valid" + (f"; {reasons}" if reasons else "")


def front_table(found: Found, target: TargetFound) -> Table:
    """Return a target's front: the best of each objective, and others evenly between them."""
    space, name = found.space, found.space.targets[target.index][0]
    objectives = ", ".join(space.objectives)
    table = Table(title=f"{name}: the front in {objectives} of {target.valid:,} valid designs ({len(target.front):,})")
    rows = found.rows(target)
    chosen = _spread(found, target)
    varied = [axis.key for axis in space.axes if len(axis.values) > 1]
    shown = {OBJECTIVES[name].name for name in space.objectives} | {"cycles", "power_mw", "area_mm2"}
    numbers = [column for column in _COLUMNS if column in shown and rows and rows[0][column] is not None]
    extra = ["simulated_cycles", "error", "optimal"] if target.verification is not None else []
    columns = ["design", *(["dataflow"] if len(space.instances) > 1 else []), *varied, *numbers, "ties", *extra]
    for column in columns:
        table.add_column(column, justify="left" if column in ("dataflow", "optimal") else "right")
    for place in chosen:
        table.add_row(*(_cell(column, rows[place][column]) for column in columns))
    return table


def _spread(found: Found, target: TargetFound) -> list[int]:
    """Return the places of the designs that are shown, in order."""
    number, objectives = len(target.front), found.space.objectives
    if number <= SHOWN:
        return list(range(number))
    keys = [point.keys(objectives) for point in target.front]
    best = {min(range(number), key=lambda place: keys[place][k]) for k in range(len(objectives))}
    even = [round(place * (number - 1) / (SHOWN - 1)) for place in range(SHOWN)]
    others = [place for place in even if place not in best]
    return sorted(best | set(others[: SHOWN - len(best)]))


def _cell(column: str, value: object) -> str:
    if value is None:
        return "as needed"
    if column == "error" and isinstance(value, float):
        return f"{100 * value:+.2f} %"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column == "design" or isinstance(value, str):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _verified(verification: Verification) -> Iterator[str]:
    """Yield what simulation says of a front."""
    for label, checked in (("front", verification.front), ("random sample", verification.sample)):
        errors = Errors.of(checked)
        if errors is not None:
            yield (
                f"{label}: {errors.designs} designs simulated; error of the model's cycles: "
                f"mean {_percent(errors.mean)}, median {_percent(errors.median)}, worst {_percent(errors.worst)}"
            )
    yield _bias(verification)
    kept, number = verification.kept, len(verification.front)
    beyond = f"; {verification.beyond} of them beyond the limits" if verification.beyond else ""
    yield f"{kept} of the front's {number} designs stay optimal by simulation{beyond}{_missed(verification.missed)}"


def _best(objectives: Sequence[str], verification: Verification) -> Iterator[str]:
    """Yield by objective which of the simulated designs each model takes for the best."""
    every = {each.number: each for each in (*verification.front, *verification.sample)}
    valid = [number for number, each in every.items() if each.within]
    for name in objectives if valid else ():
        modelled = min(every, key=lambda number: (every[number].modelled.keys((name,)), number))
        simulated = min(valid, key=lambda number: (every[number].simulated.keys((name,)), number))
        equal = every[modelled].simulated.keys((name,)) == every[simulated].simulated.keys((name,))
        same = equal and every[modelled].within
        best = f"best {name}: design {modelled}, " + ("by simulation, too" if same else f"by simulation {simulated}")
        ranks = verification.ranks(name).values()
        kept = sum(one == other for one, other in ranks)
        yield f"{best}; {kept} of the front's {len(ranks)} designs keep their rank"


def _bias(verification: Verification) -> str:
    front, sample = Errors.of(verification.front), Errors.of(verification.sample)
    if front is None or sample is None:
        return "there is nothing to compare the front with"
    if not front.worst and not sample.worst:
        return "the model errs nowhere: the front is not biased"
    chance = f"(a difference like this comes by chance with probability {verification.chance:.2g})"
    if not verification.biased:
        return f"no bias is seen: the model errs on the front as it does on the sample {chance}"
    way = "flatters" if front.mean < sample.mean else "slights"
    return f"the front is biased: the model {way} the designs that it selects {chance}"


def _missed(missed: Sequence[int]) -> str:
    if not missed:
        return ""
    shown = ", ".join(map(str, missed[:5])) + (", …" if len(missed) > 5 else "")
    return f"; {len(missed)} of the sample, which the model did not select, are as good: {shown}"


def _percent(share: float) -> str:
    return f"{100 * share:+.2f} %"
