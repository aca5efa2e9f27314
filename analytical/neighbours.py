"""Which tiles the units of a cluster held before a step, and which come after it (§4), across all seams.

The loops of all levels down to the cluster's own form one nest. The step before is the one that the innermost loop
which can step back leads to, with every loop inside it at its last position; the step after likewise, the other way
round. Which positions count differs:

* a unit's tile stays from the last step in which that unit was active;
* an output tile is another one if it is not the one of the cluster's previous step;
* outputs leave unless the cluster's next step needs them; if the cluster is idle in its parent's next step, all do.

Since subspaces are cut independently, every question is answered subspace by subspace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, wraps

from analytical.positions import Fork, Leaf, Offset, Place, Position, Tree, minus, plus

#: where the units are in one subspace, and in all of them
Spot = tuple[Leaf, Offset]
Scene = tuple[Spot, ...]
_End = Callable[[Position, int], Spot | None]


@dataclass
class Turn:
    """Where a loop stands: at iteration ``index`` of run ``run`` of a fork at ``origin``.

    ``loop`` is its number in the whole nest, the outermost first; ``level`` and ``subspace`` say what it cuts.
    """

    loop: int
    level: int
    subspace: int
    fork: Fork
    origin: Offset
    run: int
    index: int

    def before(self) -> Iterator[Place]:
        """Yield what lies before this position of the loop, the nearest first."""
        for number in range(self.run, -1, -1):
            run = self.fork.runs[number]
            last = self.index - 1 if number == self.run else run.count - 1
            if last >= 0:
                yield run.below, plus(self.origin, run.at(last))

    def after(self) -> Place | None:
        """Return the next iteration, None after the last."""
        run = self.fork.runs[self.run]
        if self.index + 1 < run.count:
            return run.below, plus(self.origin, run.at(self.index + 1))
        if self.run + 1 < len(self.fork.runs):
            following = self.fork.runs[self.run + 1]
            return following.below, plus(self.origin, following.origin)
        return None


@dataclass
class Spine:
    """Where all loops that cut one subspace stand, outermost first, and the leaf of each level."""

    turns: list[Turn] = field(default_factory=list)
    leaves: list[Spot] = field(default_factory=list)

    def inside(self, turn: Turn) -> Turn | None:
        """Return the outermost of the loops inside ``turn``, None if there are none."""
        for own in self.turns:
            if own.loop > turn.loop:
                return own
        return None


def _once(end: Callable[[Ends, Position, int], Spot | None]) -> Callable[[Ends, Position, int], Spot | None]:
    """Work out an end of a position once."""
    name = end.__name__

    @wraps(end)
    def known(ends: Ends, position: Position, level: int) -> Spot | None:
        key = name, position, level
        if key not in ends.known:
            ends.known[key] = end(ends, position, level)
        return ends.known[key]

    return known


class Ends:
    """The first and the last positions below a point of a tree, as the units of one cluster see them.

    ``path`` are the units that lead from the top to the cluster, so that its level is ``len(path)``.
    """

    def __init__(self, tree: Tree, path: tuple[int, ...]) -> None:
        self._tree = tree
        self._path = path
        self.known: dict[tuple[str, Position, int], Spot | None] = {}

    @_once
    def last_of_units(self, position: Position, level: int) -> Spot | None:
        """Return where each unit is in the last position in which it is active, None if no unit is in any."""
        if isinstance(position, Leaf):
            return self._through(position, level, self.last_of_units)
        found = None
        for run in reversed(position.runs):
            found = merged(found, _moved(self.last_of_units(run.below, level), run.at(run.count - 1)))
        return found

    @_once
    def last_of_cluster(self, position: Position, level: int) -> Spot | None:
        """Return where the units are in the last position in which the cluster is active at all."""
        if isinstance(position, Leaf):
            return self._through(position, level, self.last_of_cluster)
        for run in reversed(position.runs):
            found = self.last_of_cluster(run.below, level)
            if found is not None:
                return _moved(found, run.at(run.count - 1))
        return None

    @_once
    def first_of_cluster(self, position: Position, level: int) -> Spot | None:
        """Return where the units are in the first step of the level's cluster, None if that leaves out the path."""
        if isinstance(position, Leaf):
            return self._through(position, level, self.first_of_cluster)
        run = position.runs[0]
        return _moved(self.first_of_cluster(run.below, level), run.origin)

    def _through(self, leaf: Leaf, level: int, end: _End) -> Spot | None:
        """Go on from a leaf along the path; at its end, the leaf is the answer."""
        if level == len(self._path):
            return leaf, (0,) * len(next(box for box in leaf.boxes if box is not None))
        box = leaf.box(self._path[level])
        root = None if box is None else self._tree.root(level + 1, tuple(high - low for low, high in box))
        if box is None or root is None:
            return None
        return _moved(end(root[0], level + 1), plus(root[1], tuple(low for low, _ in box)))


class Neighbourhood:
    """The steps around the current one of a cluster, from where the loops of all subspaces stand.

    Loops outside number ``from_loop`` are taken not to exist: before the first and after the last position of the
    others there is nothing.
    """

    def __init__(self, spines: list[Spine], ends: list[Ends], from_loop: int) -> None:
        self._spines = spines
        self._ends = ends
        self._turns = [turn for spine in spines for turn in spine.turns if turn.loop >= from_loop]
        self._turns.sort(key=lambda turn: -turn.loop)

    def held(self, active: int, previous: Scene | None) -> list[tuple[int, Scene]]:
        """Return sets of units with the scene in which they were last active; units that never were are left out.

        ``previous`` is the scene of the cluster's previous step, without which there was none at all.
        """
        if previous is None:
            return []
        if not active & ~units_of(previous):
            return [(active, previous)]
        return list(self._held(active))

    def _held(self, active: int) -> Iterator[tuple[int, Scene]]:
        for turn in self._turns:
            earlier = self._last_before(turn)
            if earlier is not None and active & earlier[0].units:
                scene = self._scene(turn, earlier, lambda ends: ends.last_of_units)
                assert scene is not None, "the current position is one of those inside"
                yield active & earlier[0].units, scene
                active &= ~earlier[0].units
                if not active:
                    return

    def previous(self) -> Scene | None:
        """Return the scene of the cluster's previous step, None if this is its first."""
        for turn in self._turns:
            for position, origin in turn.before():
                found = _moved(self._ends[turn.subspace].last_of_cluster(position, turn.level), origin)
                if found is not None:
                    return self._scene(turn, found, lambda ends: ends.last_of_cluster)
        return None

    def upcoming(self) -> Scene | None:
        """Return the scene of the cluster's next step, None if it is idle in its parent's, or there is none."""
        for turn in self._turns:
            after = turn.after()
            if after is not None:
                found = _moved(self._ends[turn.subspace].first_of_cluster(after[0], turn.level), after[1])
                return found and self._scene(turn, found, lambda ends: ends.first_of_cluster)
        return None

    def _last_before(self, turn: Turn) -> Spot | None:
        """Return where each unit was last active in what lies before ``turn``."""
        found = None
        for position, origin in turn.before():
            found = merged(found, _moved(self._ends[turn.subspace].last_of_units(position, turn.level), origin))
        return found

    def _scene(self, turn: Turn, own: Spot, end: Callable[[Ends], _End]) -> Scene | None:
        """Complete a position of the loop ``turn`` by those to which it sets the loops inside it."""
        scene = []
        for place, (spine, ends) in enumerate(zip(self._spines, self._ends, strict=True)):
            if place == turn.subspace:
                scene.append(own)
                continue
            inside = spine.inside(turn)
            there = spine.leaves[-1] if inside is None else _moved(end(ends)(inside.fork, inside.level), inside.origin)
            if there is None:
                return None
            scene.append(there)
        return tuple(scene)


def units_of(scene: Scene) -> int:
    """Return the units that are active in a scene."""
    units = -1
    for leaf, _ in scene:
        units &= leaf.units
    return units


def merged(spot: Spot | None, other: Spot | None) -> Spot | None:
    """Return ``spot`` with the units that have no box there taken from ``other``."""
    if spot is None or other is None:
        return spot or other
    if not other[0].units & ~spot[0].units:
        return spot
    return _merged(spot[0], other[0], minus(other[1], spot[1])), spot[1]


@lru_cache(maxsize=4096)
def _merged(leaf: Leaf, other: Leaf, distance: Offset) -> Leaf:
    moved = [
        box and tuple([(low + d, high + d) for (low, high), d in zip(box, distance, strict=True)])
        for box in other.boxes
    ]
    return Leaf(tuple(there if box is None else box for box, there in zip(leaf.boxes, moved, strict=True)))


def _moved(spot: Spot | None, offset: Offset) -> Spot | None:
    return spot and (spot[0], plus(spot[1], offset))
