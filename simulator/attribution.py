"""Where the time goes: every cycle of every cluster has exactly one cause.

Between two steps a cluster waits for several things at once. It is the first of them in the order of `CAUSES` that a
cycle is put down to: data are asked for before the barrier, and the barrier before a free output tile.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import prod

from dataflow.levels import Mapping
from simulator.cluster import Cluster
from simulator.deliveries import Delivery

#: what a cluster does, or waits for, in a cycle
CAUSES = ("computing", "idle", "dram", "l2_port", "distribution", "barrier", "slot", "fill", "drain")


@dataclass
class Account:
    """The cycles of one cluster up to ``until`` by cause; ``number`` counts its steps, ``under`` its parent's."""

    level: int
    until: int = 0
    number: int = 0
    under: int = -1
    cycles: Counter[str] = field(default_factory=Counter)

    def put(self, cause: str, until: int) -> None:
        """Put the cycles up to ``until`` down to ``cause``, if they are not accounted for."""
        if until > self.until:
            self.cycles[cause] += until - self.until
            self.until = until


class Attribution:
    """A probe that keeps an account for every cluster."""

    def __init__(self) -> None:
        self._accounts: dict[Cluster, Account] = {}
        self._numbers: dict[Delivery, int] = {}

    def sent(self, cluster: Cluster, delivery: Delivery) -> None:
        """Give the step its number in the cluster."""
        account = self._accounts.setdefault(cluster, Account(cluster.level))
        self._numbers[delivery] = account.number
        account.number += 1

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Account for the cycles up to the end of a step."""
        account, start = self._accounts[cluster], delivery.started
        parent_step = 0 if delivery.within is None else self._numbers[delivery.within]
        del self._numbers[delivery]
        if not account.cycles:
            account.put("fill", start)
        elif parent_step > account.under + 1:
            account.put("idle", min(start, delivery.opened))
        account.under = parent_step
        for cause, _, until in delivery.waits(account.until):
            account.put(cause, until)
        account.put("computing", delivery.ended)

    def drained(self, cluster: Cluster, delivery: Delivery) -> None:
        """Nothing: drains are not waited for but at the end, and by output tiles."""

    def left(self, cluster: Cluster, delivery: Delivery) -> None:
        """Nothing, likewise."""

    def by_level(self, mapping: Mapping, cycles: int) -> list[dict[str, int]]:
        """Return for each level the cycles of all its clusters by cause: together the layer's, once per cluster."""
        found = []
        for level in range(len(mapping.levels)):
            total: Counter[str] = Counter()
            accounts = [account for account in self._accounts.values() if account.level == level]
            for account in accounts:
                account.put("drain", cycles)
                total.update(account.cycles)
            total["idle"] += (prod(mapping.units[:level]) - len(accounts)) * cycles
            found.append({cause: total[cause] for cause in CAUSES})
        return found
