"""What moves (§4), by set algebra: what each step of each cluster sends, what leaves after it, what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from dataflow.hardware import Machine
from dataflow.metrics import Boundary, Downstream, Extremes, Network, PerStep, Upstream
from validation.reference_regions import Cluster, Region, Step, Tile, Tiles

OPERANDS = ("input", "filter")


@dataclass(frozen=True)
class Movement:
    """What one step of a cluster moves.

    ``macs`` are those of its busiest unit. ``sent`` counts the elements of each operand that cross the distribution
    network, ``received`` those that the units receive, ``shared`` those that exactly these units receive; ``leaving``
    are the outputs that leave each unit after the step, ``collected`` counts their crossings, and ``reduced`` tells
    whether some element comes from more than one unit. ``back`` are the elements whose partial sums return before it,
    by the unit that each is for.
    """

    macs: int
    sent: dict[str, int]
    received: dict[str, int]
    shared: dict[str, Counter[frozenset[int]]]
    leaving: tuple[Tile, ...]
    collected: int
    reduced: bool
    back: dict[int, Tile]

    @property
    def returned(self) -> int:
        """How many partial sums return."""
        return sum(map(len, self.back.values()))


@dataclass(frozen=True)
class Traffic:
    """The movements of a cluster, step by step, with those of the clusters that are its units.

    ``rewrites`` counts the outputs that reach the cluster's buffer while it holds an earlier copy of them.
    """

    level: int
    movements: tuple[Movement, ...]
    rewrites: int
    units: tuple[Traffic, ...]


def follow(tiles: Tiles, machine: Machine, top: Cluster) -> Traffic:
    """Return the traffic of the whole layer. Nothing leaves the L2 before its end."""
    return _traffic(tiles, machine, top, succeeded=[False], departures=[frozenset()], restored=[frozenset()])


def boundary(top: Traffic, level: int, links: dict[str, int]) -> Boundary:
    """Return the counts of a boundary, summed over the clusters of ``level``; ``links`` are counted already."""
    clusters = list(_of_level(top, level))
    movements = [movement for cluster in clusters for movement in cluster.movements]
    sent = {tensor: sum(movement.sent[tensor] for movement in movements) for tensor in OPERANDS}
    received = {tensor: sum(movement.received[tensor] for movement in movements) for tensor in OPERANDS}
    collected = sum(movement.collected for movement in movements)
    returned = sum(movement.returned for movement in movements)
    rewrites = sum(cluster.rewrites for cluster in clusters)
    return Boundary(
        Upstream(sent["input"], sent["filter"], collected, rewrites + returned),
        Downstream(
            received["input"],
            received["filter"],
            sum(len(tile) for movement in movements for tile in movement.leaving),
        ),
        Network(sum(sent.values()) + returned, collected, links, returned),
        PerStep(
            _extremes([sum(movement.sent.values()) + movement.returned for movement in movements]),
            _extremes([movement.collected for movement in movements]),
            _extremes([movement.macs for movement in movements]),
            busiest_macs=sum(movement.macs for movement in movements),
        ),
    )


def _extremes(amounts: Sequence[int]) -> Extremes:
    return Extremes(min(amounts), max(amounts))


def _of_level(traffic: Traffic, level: int) -> Iterator[Traffic]:
    if traffic.level == level:
        yield traffic
    for unit in traffic.units:
        yield from _of_level(unit, level)


def _traffic(
    tiles: Tiles,
    machine: Machine,
    cluster: Cluster,
    succeeded: Sequence[bool],
    departures: Sequence[Tile],
    restored: Sequence[Tile],
) -> Traffic:
    """Follow a cluster through its life.

    ``succeeded`` tells for each parent step whether the cluster's unit is still active in the step after it,
    ``departures`` what leaves the unit after it, ``restored`` the partial sums that return to it before.
    """
    own_succeeded = _succeeded(cluster, succeeded)
    sent, received, shared = _operands(tiles, cluster, machine.multicast)
    leaving = _leaving(tiles, cluster, own_succeeded)
    networked = machine.network(cluster.level).collection.reduction != "none"
    collected = [_crossings(per_unit, shared=networked) for per_unit in leaving]
    reduced = [_crossings(per_unit, shared=True) < _crossings(per_unit, shared=False) for per_unit in leaving]
    begun = _begun(tiles, cluster, own_succeeded)
    if machine.network(cluster.level).collection.partial_sums != "return":
        begun = [{} for _ in cluster.steps]
    back, rewrites = _sums(cluster, leaving, collected, begun, departures, restored)
    units = tuple(
        _traffic(
            tiles,
            machine,
            unit,
            own_succeeded,
            [per_unit[index] for per_unit in leaving],
            [per_unit.get(index, frozenset()) for per_unit in back],
        )
        for index, unit in enumerate(cluster.units)
    )
    movements = map(Movement, map(_busiest, cluster.steps), sent, received, shared, leaving, collected, reduced, back)
    return Traffic(cluster.level, tuple(movements), rewrites, units)


def _busiest(step: Step) -> int:
    """Return the most MACs of a unit in a step: the points of its region."""
    return max(prod(map(len, region.values())) for region in step.regions if region is not None)


def _succeeded(cluster: Cluster, parents: Sequence[bool]) -> list[bool]:
    """Tell for each step whether the cluster's next step follows it with no step of an enclosing unit between.

    Where one does lie between, the cluster's unit or one above it is idle in that step, and everything leaves.
    """
    following = [
        after.parent == step.parent or (after.parent == step.parent + 1 and parents[step.parent])
        for step, after in zip(cluster.steps, cluster.steps[1:], strict=False)
    ]
    return [*following, False]


def _operands(
    tiles: Tiles, cluster: Cluster, multicast: bool
) -> tuple[list[dict[str, int]], list[dict[str, int]], list[dict[str, Counter[frozenset[int]]]]]:
    """Count the operand elements sent, received and shared in each step; an idle unit keeps the tiles that it has."""
    empty: Tile = frozenset()
    width = len(cluster.steps[0].regions) if cluster.steps else 0
    held = {tensor: [empty] * width for tensor in OPERANDS}
    sent, received, shared = [], [], []
    for step in cluster.steps:
        new: dict[str, list[Tile]] = {tensor: [] for tensor in OPERANDS}
        for unit, region in enumerate(step.regions):
            for tensor in OPERANDS if region is not None else ():
                needed = tiles.of(region, tensor)
                new[tensor].append(needed - held[tensor][unit])
                held[tensor][unit] = needed
        units = [unit for unit, region in enumerate(step.regions) if region is not None]
        shared.append({tensor: _receivers(units, new[tensor]) for tensor in OPERANDS})
        sent.append({tensor: _crossings(new[tensor], shared=multicast) for tensor in OPERANDS})
        received.append({tensor: _crossings(new[tensor], shared=False) for tensor in OPERANDS})
    return sent, received, shared


def _receivers(units: Sequence[int], new: Sequence[Tile]) -> Counter[frozenset[int]]:
    """Count the elements that exactly the same units receive, given what each of ``units`` does."""
    takers: dict[tuple[int, ...], set[int]] = {}
    for unit, tile in zip(units, new, strict=True):
        for element in tile:
            takers.setdefault(element, set()).add(unit)
    return Counter(map(frozenset, takers.values()))


def _leaving(tiles: Tiles, cluster: Cluster, succeeded: Sequence[bool]) -> list[tuple[Tile, ...]]:
    """Return what leaves each unit after each step: whatever is not in its tile of the step that follows."""
    leaving = []
    for number, step in enumerate(cluster.steps):
        following: Sequence[Region | None] = [None] * len(step.regions)
        if succeeded[number]:
            following = cluster.steps[number + 1].regions
        leaving.append(
            tuple(
                tiles.of(region, "output") - tiles.of(after, "output")
                for region, after in zip(step.regions, following, strict=True)
            )
        )
    return leaving


def _crossings(per_unit: Iterable[Tile], *, shared: bool) -> int:
    """Count what crosses a network: every element once if units share the crossing, else once per unit."""
    groups = list(per_unit)
    return len(frozenset().union(*groups)) if shared else sum(len(group) for group in groups)


def _begun(tiles: Tiles, cluster: Cluster, succeeded: Sequence[bool]) -> list[dict[tuple[int, ...], int]]:
    """Return the outputs that no unit has from the step before, each with the first unit that works on it, by step."""
    found = []
    for number, step in enumerate(cluster.steps):
        now = [tiles.of(region, "output") for region in step.regions]
        before: Sequence[Region | None] = [None] * len(step.regions)
        if number and succeeded[number - 1]:
            before = cluster.steps[number - 1].regions
        kept = frozenset().union(*(t & tiles.of(region, "output") for t, region in zip(now, before, strict=True)))
        first: dict[tuple[int, ...], int] = {}
        for unit, tile in enumerate(now):
            for element in tile - kept:
                first.setdefault(element, unit)
        found.append(first)
    return found


def _sums(
    cluster: Cluster,
    leaving: Sequence[tuple[Tile, ...]],
    collected: Sequence[int],
    begun: Sequence[dict[tuple[int, ...], int]],
    departures: Sequence[Tile],
    restored: Sequence[Tile],
) -> tuple[list[dict[int, Tile]], int]:
    """Follow the partial sums in the cluster's buffer: which return with each step, and how many arrivals find one.

    Of an element that is not there, one copy is written as the first and the others are added to it.
    """
    present: set[tuple[int, ...]] = set()
    back: list[dict[int, Tile]] = []
    rewrites, under = 0, -1
    for step, per_unit, arriving, beginning in zip(cluster.steps, leaving, collected, begun, strict=True):
        for entered in range(under + 1, step.parent + 1):
            present -= departures[entered - 1] if entered else frozenset()
            present |= restored[entered]
        under = step.parent
        returning = beginning.keys() & present
        present -= returning
        units = {beginning[element] for element in returning}
        back.append({unit: frozenset(e for e in returning if beginning[e] == unit) for unit in units})
        elements = Counter(element for tile in per_unit for element in tile)
        rewrites += arriving - len(elements.keys() - present)
        present |= elements.keys()
    return back, rewrites
