"""What a campaign came to: claims, exceptions, and how far the published model is off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any, Literal

from validation.claims import CLAIMS
from validation.store import Store


@dataclass(frozen=True)
class ClaimSummary:
    """How often a claim held among the cases in its domain, and the first case in which it did not."""

    name: str
    in_domain: int
    held: int
    failed: int
    first_failing: int | None


@dataclass(frozen=True)
class FamilySummary:
    """How far an analytical model's cycles are off the simulated ones, in percent of these, over a family."""

    family: str
    cases: int
    exact: int
    lowest_percent: float
    median_percent: float
    highest_percent: float
    mean_absolute_percent: float


@dataclass(frozen=True)
class Summary:
    """The results of a campaign: of all ``examples``, ``cases`` are done, in ``raised`` of which something raised.

    ``families`` is about the published model, ``refined`` about the refined one.
    """

    facts: dict[str, str]
    examples: int
    cases: int
    raised: int
    first_raising: int | None
    claims: tuple[ClaimSummary, ...]
    families: tuple[FamilySummary, ...]
    refined: tuple[FamilySummary, ...]

    @property
    def holds(self) -> bool:
        """Whether no case done contradicts a claim or raised an exception."""
        return not self.raised and not any(claim.failed for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary's content for a result file."""
        statements = {claim.name: (claim.statement, claim.domain, claim.limit) for claim in CLAIMS}
        described = (
            asdict(claim) | dict(zip(("statement", "domain", "limit"), statements.get(claim.name, ()), strict=False))
            for claim in self.claims
        )
        return {
            "schema": 1,
            "seed": int(self.facts["seed"]),
            "profile": json.loads(self.facts["profile"]),
            "version": json.loads(self.facts["version"]),
            "examples": self.examples,
            "cases": self.cases,
            "holds": self.holds,
            "raised": {"cases": self.raised, "first": self.first_raising},
            "claims": list(described),
            "published": [asdict(each) for each in self.families],
            "refined": [asdict(each) for each in self.refined],
        }


def summarize(store: Store) -> Summary:
    """Read a campaign's results from its store."""
    facts = store.facts()
    ((cases, raised, first),) = store.query(
        "SELECT count(*), count(error), min(number) FILTER (WHERE error IS NOT NULL) FROM cases"
    )
    names = json.loads(facts["claims"])
    found = {claim.name: claim for claim in _claims(store)}
    claims = tuple(found.get(name, ClaimSummary(name, 0, 0, 0, None)) for name in names)
    published, refined = (tuple(_families(store, model)) for model in ("published", "refined"))
    return Summary(facts, int(facts["examples"]), cases, raised, first, claims, published, refined)


def _claims(store: Store) -> Iterator[ClaimSummary]:
    rows = store.query(
        """SELECT name, count(holds), count(*) FILTER (WHERE holds), count(*) FILTER (WHERE NOT holds),
            min(number) FILTER (WHERE NOT holds)
        FROM (SELECT number, key AS name, json_extract(value, '$.holds') AS holds FROM cases, json_each(claims))
        GROUP BY name"""
    )
    return (ClaimSummary(*row) for row in rows)


def _families(store: Store, model: Literal["published", "refined"]) -> Iterator[FamilySummary]:
    differences: dict[str, list[float]] = {}
    for family, simulated, found in store.query(
        f"""SELECT family, simulated_cycles, {model}_cycles FROM cases
        WHERE simulated_cycles > 0 AND {model}_cycles IS NOT NULL ORDER BY family, number"""
    ):
        differences.setdefault(family, []).append(100 * (found - simulated) / simulated)
    for family, percents in differences.items():
        yield FamilySummary(
            family,
            len(percents),
            percents.count(0.0),
            min(percents),
            median(percents),
            max(percents),
            fmean(map(abs, percents)),
        )
