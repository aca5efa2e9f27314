"""What one step of a cluster moves and computes (§4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from analytical.clusters import Kind
from analytical.neighbours import Ends, Neighbourhood, Scene, Spine
from analytical.positions import Leaf, Position, Tree
from analytical.traffic import Amount, Axes, Before, members
from dataflow.layers import TENSORS
from dataflow.levels import Mapping
from dataflow.regions import Box


@dataclass(frozen=True)
class Size:
    """What a step's units work on: MACs of the busiest one, and elements by tensor (``TENSORS``).

    ``largest`` is the largest tile of a unit, ``together`` what the units hold as a whole.
    """

    macs: int
    largest: tuple[int, ...]
    together: tuple[int, ...]


@dataclass(frozen=True)
class Work:
    """A step: its active units, what they receive before it and drain after it.

    ``leaving`` are the kinds of units that drain something; ``new_tile`` says whether an output tile of the cluster
    begins; ``first`` whether nothing comes before.
    """

    scene: Scene
    active: int
    size: Size
    input: Amount
    filter: Amount
    output: Amount
    leaving: tuple[int, ...]
    new_tile: bool
    first: bool

    def region(self, unit: int) -> list[Box]:
        """Return what an active unit works on, a box per subspace."""
        found = []
        for leaf, origin in self.scene:
            box = leaf.box(unit)
            assert box is not None, "an active unit has a region"
            found.append(tuple([(low + o, high + o) for (low, high), o in zip(box, origin, strict=True)]))
        return found


class Workbook:
    """Works out steps from where the loops stand, each distinct comparison once.

    With ``restart`` nothing is taken to be before or after a step of the level above, with ``restart_pipeline`` its
    first step counts as first.
    """

    def __init__(
        self, mapping: Mapping, trees: list[Tree], axes: Axes, *, restart: bool, restart_pipeline: bool
    ) -> None:
        self._axes = axes
        self._mapping = mapping
        self._trees = trees
        self._restart = restart
        self._restart_pipeline = restart_pipeline
        self._first_loop = [sum(len(level.maps) for level in mapping.levels[:k]) for k in range(len(mapping.levels))]
        self._ends: dict[tuple[int, ...], list[Ends]] = {}
        self._sizes: dict[object, Size] = {}

    def work(self, kind: Kind, spines: list[Spine]) -> Work | None:
        """Return the step of a cluster where the loops stand at ``spines``, None if there is none."""
        scene = tuple([spine.leaves[-1] for spine in spines])
        active = (1 << self._mapping.levels[kind.level].units) - 1
        for leaf, _ in scene:
            active &= leaf.units
        if not active:
            return None
        own_loops = self._first_loop[kind.level]
        around = Neighbourhood(spines, self.ends(kind), own_loops if self._restart else 0)
        previous = around.previous()
        before = Before(scene, around.held(active, previous))
        staying = self._staying(active, around.upcoming())
        after = Before(scene, staying)
        return Work(
            scene,
            active,
            self._size(active, tuple([leaf for leaf, _ in scene])),
            self._axes.new("input", active, before),
            self._axes.new("filter", active, before),
            self._axes.new("output", active, after),
            leaving=tuple(self._leaving(kind, active, scene, staying)) if kind.units else (),
            new_tile=self._new_tile(active, scene, previous),
            first=self._first(previous, spines, kind),
        )

    def _first(self, previous: Scene | None, spines: list[Spine], kind: Kind) -> bool:
        if self._restart == self._restart_pipeline:
            return previous is None
        own_loops = self._first_loop[kind.level] if self._restart_pipeline else 0
        return Neighbourhood(spines, self.ends(kind), own_loops).previous() is None

    def ends(self, kind: Kind) -> list[Ends]:
        """Return the ends of the subspaces' trees as a kind of cluster sees them."""
        if kind.path not in self._ends:
            self._ends[kind.path] = [Ends(tree, kind.path) for tree in self._trees]
        return self._ends[kind.path]

    def units(self, kind: Kind, subspace: int, position: Position, level: int) -> int:
        """Return the units of a kind of cluster that have a box in any leaf below a position of a level."""
        last = self.ends(kind)[subspace].last_of_units(position, level)
        return 0 if last is None else last[0].units

    def _staying(self, active: int, upcoming: Scene | None) -> list[tuple[int, Scene]]:
        """Return the units that are active in the next step, too, with the scene there."""
        if upcoming is None:
            return []
        for leaf, _ in upcoming:
            active &= leaf.units
        return [(active, upcoming)] if active else []

    def _leaving(self, kind: Kind, active: int, scene: Scene, after: Sequence[tuple[int, Scene]]) -> list[int]:
        """Return the kinds of units that hold output elements after the step which they do not need in the next."""
        staying = {
            unit
            for units, upcoming in after
            for unit in kind.units
            if units >> unit & 1 and self._axes.keeps("output", unit, scene, upcoming)
        }
        return [unit for unit in kind.units if active >> unit & 1 and unit not in staying]

    def _new_tile(self, active: int, scene: Scene, previous: Scene | None) -> bool:
        return previous is None or bool(active & self._axes.differing("output", scene, previous))

    def _size(self, active: int, leaves: tuple[Leaf, ...]) -> Size:
        key = active, leaves
        if key not in self._sizes:
            self._sizes[key] = self._measured(active, leaves)
        return self._sizes[key]

    def _measured(self, active: int, leaves: tuple[Leaf, ...]) -> Size:
        regions = {
            tuple([leaf.lengths[unit if len(leaf.boxes) > 1 else 0] for leaf in leaves]) for unit in members(active)
        }
        boxes = [[tuple((0, n) for n in lengths) for lengths in region] for region in regions]
        scene = tuple((leaf, (0,) * len(lengths)) for leaf, lengths in zip(leaves, boxes[0], strict=True))
        return Size(
            macs=max(prod(prod(lengths) for lengths in region) for region in regions),
            largest=tuple(max(self._axes.tile(tensor, region) for region in boxes) for tensor in TENSORS),
            together=tuple(self._axes.new(tensor, active, Before(scene, [])).distinct for tensor in TENSORS),
        )
