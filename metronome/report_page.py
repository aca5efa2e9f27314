"""A report as one HTML page that needs nothing else: scripts, styles and data are in it.

Whatever comes from the store is escaped by the template. Should that fail, the page's policy still lets no script run
but those that are named by their digest, and lets nothing be loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from metronome.pages import policy, source
from metronome.report_content import MODELS, MOST_POINTS, Content, WorstCase
from metronome.report_figures import figures, percent


@dataclass(frozen=True)
class Verdict:
    """What a campaign came to, in words; ``kind`` is good, bad or open."""

    kind: str
    title: str
    text: str


def page(content: Content, worst: int) -> str:
    """Return the page's text; ``worst`` is how many cases of every kind the content was asked for."""
    environment = Environment(loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined)
    listed = {case.record.number for case in content.worst}
    environment.filters |= {"count": count, "percent": percent, "case": lambda number: _case(number, listed)}
    drawn = figures(content)
    scripts = [source("report_page.js")]
    if drawn:
        from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

        scripts.insert(0, get_plotlyjs())
    return environment.get_template("report_page.html").render(
        content=content,
        summary=content.summary.to_dict(),
        verdict=verdict(content),
        figures=drawn,
        limit=worst,
        most_points=MOST_POINTS,
        described=_described,
        policy=policy(scripts),
        style=Markup(source("report_page.css")),
        scripts=[Markup(script) for script in scripts],
    )


def verdict(content: Content) -> Verdict:
    """Return what the campaign came to, so far if it is not complete."""
    summary = content.summary
    if not summary.cases:
        return Verdict("open", "Nothing is done yet.", f"The campaign is to have {count(summary.examples)} cases.")
    done = f"{_cases(summary.cases)} done"
    rest = "" if summary.cases == summary.examples else f", {count(summary.examples - summary.cases)} still to do"
    if summary.holds:
        kind, title = ("open", "Holds so far.") if rest else ("good", "Holds.")
        return Verdict(kind, title, f"No case contradicts a claim and nothing raised: {done}{rest}.")
    found = []
    if content.contradicting:
        found.append(f"{_cases(content.contradicting)} {_verb(content.contradicting, 'contradict')} a claim")
    if summary.raised:
        found.append(f"in {_cases(summary.raised)} a model raised")
    text = " and ".join(found)
    return Verdict("bad", "Does not hold.", f"{text[0].upper()}{text[1:]}: {done}{rest}.")


def count(number: int) -> str:
    """Return a whole number with separators."""
    return f"{number:,}"


def _cases(number: int) -> str:
    return "1 case" if number == 1 else f"{count(number)} cases"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _case(number: int | None, listed: set[int]) -> str | Markup:
    """Return a case's number, as a link where the case is on the page."""
    if number is None:
        return ""
    text = f"case {number}"
    return Markup('<a href="#case_{}">{}</a>').format(number, text) if number in listed else text


def _described(case: WorstCase) -> Iterator[tuple[str, str]]:
    """Yield what a case is and what the models say of it, as labels and values."""
    record = case.record
    for label, value in (("Family", record.family), ("Layer type", record.layer_type)):
        if value is not None:
            yield label, value
    for label, number in (("Levels", record.levels), ("MACs", record.macs), ("PEs", record.pes)):
        if number is not None:
            yield label, count(number)
    for model in ("simulated", *MODELS):
        cycles: int | None = getattr(record, f"{model}_cycles")
        if cycles is not None:
            off = f" ({percent(case.errors[model])} %)" if model in case.errors else ""
            yield f"{model.capitalize()} cycles", f"{count(cycles)}{off}"
