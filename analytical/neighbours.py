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

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from analytical.positions import Fork, Leaf, Offset, Place, Position, Tree, moved, plus
from dataflow.regions import Box

Boxes = tuple[Box | None, ...]


@dataclass
class Turn:
    """Where one loop stands: at iteration ``index`` of run ``run`` of a fork at ``origin``; ``loop`` is its number."""

    loop: int
    level: int
    fork: Fork
    origin: Offset
    run: int
    index: int


@dataclass
class Spine:
    """Where all loops that cut one subspace stand, outermost first, and the leaf that they lead to."""

    tree: Tree
    turns: list[Turn] = field(default_factory=list)
    leaves: list[Place] = field(default_factory=list)

    def boxes(self) -> Boxes:
        """Return the current boxes of the innermost level's units."""
        leaf, origin = self.leaves[-1]
        assert isinstance(leaf, Leaf), "a spine ends in a leaf"
        return _moved(leaf.boxes, origin)


class Ends:
    """The first and last positions below a point of a tree, as seen by the units of a cluster.

    ``path`` are the units that lead from the top to the cluster, so that its level is ``len(path)``.
    """

    def __init__(self, tree: Tree, path: tuple[int, ...]) -> None:
        self._tree = tree
        self._path = path
        self.last_of_units = lru_cache(maxsize=None)(self._last_of_units)
        self.last_of_cluster = lru_cache(maxsize=None)(self._last_of_cluster)
        self.first_of_cluster = lru_cache(maxsize=None)(self._first_of_cluster)

    def _last_of_units(self, position: Position, level: int) -> Boxes | None:
        """Return each unit's box in the last position in which it is active, None where there is no such unit."""
        if isinstance(position, Leaf):
            below = self._below(position, level)
            if below is None:
                return position.boxes if level == len(self._path) else None
            return _moved_or_none(self.last_of_units(below[0], level + 1), below[1])
        found: Boxes | None = None
        for run in reversed(position.runs):
            found = merge(found, _moved_or_none(self.last_of_units(run.below, level), run.at(run.count - 1)))
        return found

    def _last_of_cluster(self, position: Position, level: int) -> Boxes | None:
        """Return the units' boxes in the last position in which the cluster is active at all."""
        if isinstance(position, Leaf):
            below = self._below(position, level)
            if below is None:
                return position.boxes if level == len(self._path) else None
            return _moved_or_none(self.last_of_cluster(below[0], level + 1), below[1])
        for run in reversed(position.runs):
            found = self.last_of_cluster(run.below, level)
            if found is not None:
                return _moved(found, run.at(run.count - 1))
        return None

    def _first_of_cluster(self, position: Position, level: int) -> Boxes | None:
        """Return the units' boxes in the first step of the cluster of ``level`` above, None if it is idle there."""
        if isinstance(position, Leaf):
            below = self._below(position, level)
            if below is None:
                return position.boxes if level == len(self._path) else None
            return _moved_or_none(self.first_of_cluster(below[0], level + 1), below[1])
        run = position.runs[0]
        return _moved_or_none(self.first_of_cluster(run.below, level), run.origin)

    def _below(self, leaf: Leaf, level: int) -> Place | None:
        """Return where the path goes on below a leaf; None at the cluster's level, or if the path is idle there."""
        box = leaf.box(self._path[level]) if level < len(self._path) else None
        if box is None:
            return None
        root = self._tree.root(level + 1, tuple(high - low for low, high in box))
        return root and (root[0], plus(root[1], tuple(low for low, _ in box)))


class Neighbourhood:
    """The steps around the current one of a cluster, from where the loops of all subspaces stand."""

    def __init__(self, spines: list[Spine], ends: list[Ends], from_loop: int = 0) -> None:
        self._spines = spines
        self._ends = ends
        #: turns of all subspaces with their subspace, innermost loop first
        self._turns = sorted(
            ((turn, place) for place, spine in enumerate(spines) for turn in spine.turns if turn.loop >= from_loop),
            key=lambda pair: -pair[0].loop,
        )
        self._current = [spine.boxes() for spine in spines]

    def held(self, active: list[int]) -> Iterator[tuple[list[int], list[Boxes]]]:
        """Yield groups of units with the boxes of the step in which they were last active."""
        waiting = active
        for turn, place in self._turns:
            earlier = self._earlier(turn, place)
            if earlier is not None:
                found = [unit for unit in waiting if _of(earlier, unit) is not None]
                if found:
                    boxes = [self._last(other, turn) for other in range(len(self._spines))]
                    boxes[place] = earlier
                    yield found, boxes
                    waiting = [unit for unit in waiting if _of(earlier, unit) is None]
                    if not waiting:
                        return

    def previous(self) -> list[Boxes] | None:
        """Return the units' boxes in the cluster's previous step, None if this is its first."""
        for turn, place in self._turns:
            ends = self._ends[place]
            for run, origin in _before(turn):
                found = ends.last_of_cluster(run, turn.level)
                if found is not None:
                    boxes = [self._last_of_cluster(other, turn) for other in range(len(self._spines))]
                    boxes[place] = _moved(found, origin)
                    return boxes
        return None

    def upcoming(self) -> list[Boxes] | None:
        """Return the units' boxes in the cluster's next step, None if it is idle in its parent's, or there is none."""
        for turn, place in self._turns:
            after = _after(turn)
            if after is not None:
                found: list[Boxes] = []
                for other, ends in enumerate(self._ends):
                    position, origin = after if other == place else self._inside(other, turn)
                    level = turn.level if other == place else self._level_inside(other, turn)
                    boxes = _moved_or_none(ends.first_of_cluster(position, level), origin)
                    if boxes is None:
                        return None
                    found.append(boxes)
                return found
        return None

    def _earlier(self, turn: Turn, place: int) -> Boxes | None:
        """Return each unit's box in its last active position before ``turn``, in the loops from there on inwards."""
        found: Boxes | None = None
        for position, origin in _before(turn):
            found = merge(found, _moved_or_none(self._ends[place].last_of_units(position, turn.level), origin))
            if found is not None and None not in found:
                break
        return found

    def _last(self, place: int, outside: Turn) -> Boxes:
        position, origin = self._inside(place, outside)
        if position is self._spines[place].leaves[-1][0]:
            return self._current[place]
        found = self._ends[place].last_of_units(position, self._level_inside(place, outside))
        assert found is not None, "the current position is one of them"
        return _moved(found, origin)

    def _last_of_cluster(self, place: int, outside: Turn) -> Boxes:
        position, origin = self._inside(place, outside)
        found = self._ends[place].last_of_cluster(position, self._level_inside(place, outside))
        assert found is not None, "the current position is one of them"
        return _moved(found, origin)

    def _inside(self, place: int, outside: Turn) -> Place:
        """Return the positions of another subspace's loops inside ``outside``, those outside standing still."""
        for turn in self._spines[place].turns:
            if turn.loop > outside.loop:
                return turn.fork, turn.origin
        return self._spines[place].leaves[-1]

    def _level_inside(self, place: int, outside: Turn) -> int:
        spine = self._spines[place]
        return next((turn.level for turn in spine.turns if turn.loop > outside.loop), len(spine.leaves) - 1)


def _before(turn: Turn) -> Iterator[Place]:
    """Yield what can be found before a turn, the nearest first."""
    for number in range(turn.run, -1, -1):
        run = turn.fork.runs[number]
        last = turn.index - 1 if number == turn.run else run.count - 1
        if last >= 0:
            yield run.below, plus(turn.origin, run.at(last))


def _after(turn: Turn) -> Place | None:
    """Return the iteration after a turn, None after the last."""
    run = turn.fork.runs[turn.run]
    if turn.index + 1 < run.count:
        return run.below, plus(turn.origin, run.at(turn.index + 1))
    if turn.run + 1 < len(turn.fork.runs):
        following = turn.fork.runs[turn.run + 1]
        return following.below, plus(turn.origin, following.origin)
    return None


def merge(boxes: Boxes | None, others: Boxes | None) -> Boxes | None:
    """Return ``boxes`` with the gaps filled from ``others``."""
    if boxes is None or others is None:
        return boxes or others
    return tuple(other if box is None else box for box, other in zip(boxes, others, strict=True))


def _of(boxes: Boxes, unit: int) -> Box | None:
    return boxes[unit if len(boxes) > 1 else 0]


def _moved(boxes: Boxes, offset: Offset) -> Boxes:
    return tuple([None if box is None else moved(box, offset) for box in boxes])


def _moved_or_none(boxes: Boxes | None, offset: Offset) -> Boxes | None:
    return None if boxes is None else _moved(boxes, offset)
