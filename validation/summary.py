"""What a campaign came to: claims, exceptions, and how far the published model is off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

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
    """How far the published model's cycles are off the simulated ones, in percent of these, over a family."""

    family: str
    cases: int
    exact: int
    lowest_percent: float
    median_percent: float
    highest_percent: float
    mean_absolute_percent: float


@dataclass(frozen=True)
class Summary:
    """The results of a campaign: of all ``examples``, ``cases`` are done, in ``raised`` of which a model raised."""

    facts: dict[str, str]
    examples: int
    cases: int
    raised: int
    first_raising: int | None
    claims: tuple[ClaimSummary, ...]
    families: tuple[FamilySummary, ...]

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
    return Summary(facts, int(facts["examples"]), cases, raised, first, claims, tuple(_families(store)))


def _claims(store: Store) -> Iterator[ClaimSummary]:
    rows = store.query(
        """SELECT name, count(holds), count(*) FILTER (WHERE holds), count(*) FILTER (WHERE NOT holds),
            min(number) FILTER (WHERE NOT holds)
        FROM (SELECT number, key AS name, json_extract(value, '$.holds') AS holds FROM cases, json_each(claims))
        GROUP BY name"""
    )
    return (ClaimSummary(*row) for row in rows)


def _families(store: Store) -> Iterator[FamilySummary]:
    differences: dict[str, list[float]] = {}
    for family, simulated, published in store.query(
        """SELECT family, simulated_cycles, published_cycles FROM cases
        WHERE simulated_cycles > 0 AND published_cycles IS NOT NULL ORDER BY family, number"""
    ):
        differences.setdefault(family, []).append(100 * (published - simulated) / simulated)
    for family, found in differences.items():
        yield FamilySummary(
            family,
            len(found),
            found.count(0.0),
            min(found),
            median(found),
            max(found),
            fmean(map(abs, found)),
        )
