"""What may watch a simulation: clusters call a probe when something has happened, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simulator.cluster import Cluster
    from simulator.deliveries import Delivery


class Probe(Protocol):
    """Is told what clusters do, each call after all that it depends on.

    A step is known by its delivery, which is one object throughout; ``delivery.within`` is that of the enclosing step.
    With a probe every step is simulated: nothing is skipped, unless it asks for a window only (`simulator.events`).
    """

    def sent(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that a step's operands have been sent to the units, before any of them acts on it."""

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that all units have computed a step."""

    def drained(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that a step's outputs were given to the collection network; called if there are any."""

    def left(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that it is known when they cross the port, until ``cluster.collection_free``, and are upstream."""
