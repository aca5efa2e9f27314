"""What a claim is: one sentence about every case of a domain, and a way to look whether it holds for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from validation.claims.observation import Observation


@dataclass(frozen=True)
class Outcome:
    """What a claim came to in one case.

    ``holds`` is None where the case is not in the claim's domain. ``measure`` is a number that says by how much, in
    the unit of the claim's ``limit``; ``detail`` names what differs, and is empty where the claim holds.
    """

    holds: bool | None
    measure: float | None = None
    detail: str = ""


#: The case is not in the claim's domain.
OUTSIDE = Outcome(None)


@dataclass(frozen=True)
class Claim:
    """A sentence that is to be true: ``statement`` for every case in ``domain``, within ``limit``."""

    name: str
    statement: str
    domain: str
    limit: str
    check: Callable[[Observation], Outcome]


def none_of(faults: Iterable[str]) -> Outcome:
    """Return the outcome of a claim that lists what is wrong; the measure is how many things are."""
    found = list(faults)
    return Outcome(not found, float(len(found)), "; ".join(found))


def no_more(slower: int, faster: int, what: str) -> Outcome:
    """Return the outcome of "``faster`` ≤ ``slower``" in cycles; the measure is their ratio."""
    detail = "" if faster <= slower else f"{what}: {slower} cycles become {faster}"
    return Outcome(faster <= slower, faster / slower, detail)
