"""Clusters that see the same at the same times are one, as many times as they are.

Units of a cluster that have been in the same state, get orders that differ in place only, and their data in the same
cycle, do the same: one of them works, and what it does counts for all. They part when they are told to do different
things, or when some of them are idle, and they are one again when their states have become equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import add, sub

from simulator.activities import Activity, Order
from simulator.cluster import Cluster
from simulator.deliveries import Enclosing
from simulator.nest import Shape
from simulator.network import Sent
from simulator.states import clusters, state
from simulator.tiles import Origin


@dataclass
class _Crew:
    """``size`` units that are one cluster, which lies where unit ``leader`` does.

    ``shape`` is that of the step of the parent in which they worked last: it says how far they are apart.
    """

    leader: int
    shape: Shape
    size: int

    def away(self, unit: int) -> Origin:
        """Return how far a unit is from the leader."""
        return tuple(map(sub, self.shape.region(unit)[1], self.shape.region(self.leader)[1]))


class Together:
    """Who works as one."""

    def __init__(self) -> None:
        self._crews: dict[Cluster, _Crew] = {}

    def work_below(self, cluster: Cluster, activity: Activity, sent: Sent, under: Enclosing) -> list[int]:
        """Let the units of ``cluster`` that a step is for work; return when each ends, in their order."""
        record, ends = cluster.record, {}
        for bundle in activity.bundles:
            at_work = self._at_work(cluster, activity.shape, bundle, sent)
            for unit, orders in at_work.items():
                record.weight *= len(orders)
                end = unit.work(orders[0], under.at(sent, orders[0].unit))
                record.weight //= len(orders)
                ends.update(dict.fromkeys([order.unit for order in orders], end))
            if len(at_work) > 1:
                self._unite(cluster, at_work, under)
        return [ends[unit] for unit in activity.active]

    def apart(self, cluster: Cluster) -> object:
        """Return what says how far the units are apart that a cluster is."""
        crew = self._crews[cluster]
        return crew.leader, crew.shape

    def _at_work(
        self, cluster: Cluster, shape: Shape, bundle: tuple[Order, ...], sent: Sent
    ) -> dict[Cluster, list[Order]]:
        """Return the clusters that have to work, with the orders that each of them is for."""
        alike: dict[tuple[Cluster | None, int], list[Order]] = {}
        for order in bundle:
            alike.setdefault((cluster.units.get(order.unit), sent.at(order.unit)), []).append(order)
        found: dict[Cluster, list[Order]] = {}
        for (unit, _), orders in alike.items():
            if unit is None:
                fresh = cluster.unit(orders[0].unit)
                self._crews[fresh] = _Crew(orders[0].unit, shape, 0)
                found[self._join(cluster, fresh, orders)] = orders
            else:
                for moved in self._moved_alike(self._crews[unit], shape, orders):
                    found[self._led(cluster, unit, shape, moved)] = moved
        return found

    def _moved_alike(self, crew: _Crew, shape: Shape, orders: list[Order]) -> list[list[Order]]:
        """Return the orders by how far they are from where the units worked last."""
        if crew.shape is shape:
            return [orders]
        found: dict[Origin, list[Order]] = {}
        for order in orders:
            moved = tuple(map(sub, order.region.origin, crew.shape.region(order.unit)[1]))
            found.setdefault(moved, []).append(order)
        return list(found.values())

    def _led(self, cluster: Cluster, unit: Cluster, shape: Shape, orders: list[Order]) -> Cluster:
        """Return the cluster that works for ``orders``: the one there is if they are for all its units, or a twin."""
        crew, leader = self._crews[unit], orders[0].unit
        if len(orders) < crew.size:
            crew.size -= len(orders)
            unit = self._twin(unit)
            crew = self._crews[unit] = replace(crew, size=0)
            self._join(cluster, unit, orders)
        if crew.leader != leader:
            by = crew.away(leader)
            for each in clusters(unit):
                each.steps.displace(by)
        crew.leader, crew.shape = leader, shape
        return unit

    def _join(self, cluster: Cluster, unit: Cluster, orders: list[Order]) -> Cluster:
        """Let all that orders are for be one with ``unit``."""
        cluster.units.update(dict.fromkeys([order.unit for order in orders], unit))
        self._crews[unit].size += len(orders)
        return unit

    def _unite(self, cluster: Cluster, at_work: dict[Cluster, list[Order]], under: Enclosing) -> None:
        """Make one of all that have worked and are in the same state now."""
        first: dict[object, Cluster] = {}
        for unit, orders in at_work.items():
            places: list[Origin] = []
            times = state(unit, cluster.port_free, places)
            here = tuple(map(add, under.origin, orders[0].region.origin))
            same = first.setdefault((times, tuple([tuple(map(sub, place, here)) for place in places])), unit)
            if same is not unit:
                self._join(cluster, same, orders)
                del self._crews[unit]

    def _twin(self, cluster: Cluster) -> Cluster:
        """Return a cluster in the state of another one, down to the PEs."""
        twin = cluster.twin()
        twins: dict[Cluster, Cluster] = {}
        for unit in cluster.units.values():
            if unit not in twins:
                twins[unit] = self._twin(unit)
                self._crews[twins[unit]] = replace(self._crews[unit])
        twin.units = {number: twins[unit] for number, unit in cluster.units.items()}
        return twin
