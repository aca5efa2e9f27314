"""What a campaign came to, on rows written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from validation.campaign import Plan, begin
from validation.claims import CLAIMS
from validation.store import CaseRecord, Store
from validation.store_files import TEMPORARY
from validation.summary import ClaimSummary, FamilySummary, Summary, summarize

PLAN = Plan(7, 10, max_macs=60, sources="f" * 16, hypothesis="1.0")
FIRST, SECOND, *REST = [claim.name for claim in CLAIMS]


def row(
    number: int, family: str, cycles: tuple[int | None, int | None, int | None], **claims: bool | None
) -> CaseRecord:
    simulated, refined, published = cycles
    outcomes = {name.replace("_", " "): {"holds": holds} for name, holds in claims.items()}
    return CaseRecord(
        number,
        family=family,
        simulated_cycles=simulated,
        refined_cycles=refined,
        published_cycles=published,
        claims=json.dumps(outcomes),
    )


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(TEMPORARY, create=True) as store:
        begin(store, PLAN)
        yield store


@pytest.fixture
def summary(store: Store) -> Summary:
    """Return that of five cases of ten; they come in any order."""
    first, second = FIRST.replace(" ", "_"), SECOND.replace(" ", "_")
    store.add([row(5, "plain-1", (100, 100, 90), **{first: False, second: None})])
    store.add([row(2, "plain-1", (100, 100, 100), **{first: True, second: None})])
    store.add([row(3, "plain-1", (200, 202, 260), **{first: False, second: True})])
    store.add([row(4, "window-2", (10, 10, None), **{first: True, second: True})])
    store.add([CaseRecord(8, error="generation: ValueError: no"), CaseRecord(7, error="generation: ValueError: no")])
    return summarize(store)


def test_counts_and_first_cases(summary: Summary) -> None:
    assert (summary.examples, summary.cases, summary.raised, summary.first_raising) == (10, 6, 2, 7)
    assert summary.claims[:2] == (ClaimSummary(FIRST, 4, 2, 2, 3), ClaimSummary(SECOND, 2, 2, 0, None))
    assert summary.claims[2:] == tuple(ClaimSummary(name, 0, 0, 0, None) for name in REST)
    assert not summary.holds


def test_errors_by_family_in_percent(summary: Summary) -> None:
    """Published: 0, +30 and −10 %; mean size 40 / 3. Without a published result a case counts for refined only."""
    assert summary.families == (FamilySummary("plain-1", 3, 1, -10.0, 0.0, 30.0, 40 / 3),)
    assert summary.refined == (
        FamilySummary("plain-1", 3, 2, 0.0, 0.0, 1.0, 1 / 3),
        FamilySummary("window-2", 1, 1, 0.0, 0.0, 0.0, 0.0),
    )


@pytest.mark.parametrize(
    ("record", "holds"),
    [
        (row(0, "plain-1", (1, 1, 1), stays=True, multicast=None), True),
        (row(0, "plain-1", (1, 1, 1), stays=False), False),
        (CaseRecord(0, error="refined: ValueError: no"), False),
    ],
)
def test_a_campaign_holds_without_failures_and_exceptions(store: Store, record: CaseRecord, holds: bool) -> None:
    assert summarize(store).holds
    store.add([record])
    assert summarize(store).holds is holds


def test_the_content_of_the_result_file(summary: Summary) -> None:
    found = summary.to_dict()
    claims, published, refined = found.pop("claims"), found.pop("published"), found.pop("refined")
    assert found == {
        "schema": 1,
        "seed": 7,
        "profile": {"max_macs": 60, "hypothesis": "1.0"},
        "version": json.loads(PLAN.facts()["version"]),
        "examples": 10,
        "cases": 6,
        "holds": False,
        "raised": {"cases": 2, "first": 7},
    }
    assert [claim["name"] for claim in claims] == [claim.name for claim in CLAIMS]
    assert claims[0] == {
        "name": FIRST,
        "in_domain": 4,
        "held": 2,
        "failed": 2,
        "first_failing": 3,
        "statement": CLAIMS[0].statement,
        "domain": CLAIMS[0].domain,
        "limit": CLAIMS[0].limit,
    }
    assert [(each["family"], each["cases"]) for each in published] == [("plain-1", 3)]
    assert [(each["family"], each["exact"]) for each in refined] == [("plain-1", 2), ("window-2", 1)]
