"""Links of chains of causes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Link(NamedTuple):
    """A link of a chain; what it takes of the time, and for how many cycles, if it does."""

    text: str
    resource: str = ""
    cycles: int = 0


def round_of(links: list[Link]) -> str:
    """Return the root of links that come again and again: how long a round takes, and what of."""
    shares: Counter[str] = Counter()
    for link in links:
        if link.resource:
            shares[link.resource] += link.cycles
    parts = ", ".join(f"{cycles} {resource}" for resource, cycles in shares.most_common() if cycles)
    return f"root: this goes round, one after the other, in {shares.total()} cycles: {parts}"
