"""All that a cluster's future depends on, to compare it with another one, or with itself at another time."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.cluster import Cluster
from simulator.tiles import Origin


def state(cluster: Cluster, floor: int, places: list[Origin]) -> object:
    """Return what the cluster's future depends on: equal for two that will do the same, places aside.

    Nothing can happen before ``floor`` any more; times are relative to it. Where the tiles are that units hold goes to
    ``places``.
    """

    def ahead(cycle: int) -> int:
        return max(cycle - floor, 0)

    places.extend([kept.origin for kept in cluster.steps.held])
    return (
        ahead(cluster.port_free),
        awaited(cluster) and (ahead(cluster.collection_free), ahead(cluster.upstream)),
        cluster.tiles and tuple(map(ahead, cluster.tiles.lefts)),
        cluster.ended(floor),
        cluster.network.state(floor),
        tuple([(kept.units, kept.shape) for kept in cluster.steps.held]),
        cluster.steps.previous,
        tuple([(units, _apart(unit), state(unit, floor, places)) for unit, units in _crews(cluster)]),
    )


def awaited(cluster: Cluster) -> bool:
    """Tell whether anybody waits for what the cluster drains: an enclosing cluster, or output tiles."""
    return cluster.level > 0 or cluster.tiles is not None


def clusters(cluster: Cluster) -> Iterator[Cluster]:
    """Yield a cluster and those below, each once however many units it is, in the order of `state`."""
    yield cluster
    for unit, _ in _crews(cluster):
        yield from clusters(unit)


def _crews(cluster: Cluster) -> list[tuple[Cluster, int]]:
    """Return the clusters that are units of one, in the order of their first units, with the set of those units."""
    found: dict[Cluster, int] = {}
    for number in sorted(cluster.units):
        unit = cluster.units[number]
        found[unit] = found.get(unit, 0) | 1 << number
    return list(found.items())


def _apart(cluster: Cluster) -> object:
    """Return how far those are apart that work as one."""
    together = cluster.array.together
    return together and together.apart(cluster)
