"""What one step of a cluster moves and computes (§4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from analytical.assumptions import Assumptions
from analytical.clusters import Kind
from analytical.neighbours import Ends, Neighbourhood, Scene, Spine
from analytical.positions import Leaf, Tree
from analytical.traffic import Amount, Axes, members
from dataflow.hardware import Machine
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

    ``distributed`` and ``collected`` are the elements that cross the two ports; ``shared`` says whether the reduction
    network adds anything; ``leaving`` are the kinds of units that drain something; ``new_tile`` whether an output
    tile of the cluster begins; ``first`` whether nothing comes before.
    """

    scene: Scene
    active: int
    size: Size
    input: Amount
    filter: Amount
    output: Amount
    distributed: int
    collected: int
    shared: bool
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


def limits_outputs(kind: Kind, machine: Machine) -> bool:
    """Tell whether the units of a cluster have room for so many output tiles: PEs, and clusters that keep them there.

    Where wires are all that collects outputs in a cluster, they stay in its units until the level above takes them.
    """
    return not kind.units or machine.network(kind.level + 1).collection.bandwidth is None


class Workbook:
    """Works out steps from where the loops stand, each distinct comparison once."""

    def __init__(self, mapping: Mapping, machine: Machine, trees: list[Tree], assumptions: Assumptions) -> None:
        self.axes = Axes(mapping.layer)
        self._mapping = mapping
        self._machine = machine
        self._trees = trees
        self._assumptions = assumptions
        self._first_loop = [sum(len(level.maps) for level in mapping.levels[:k]) for k in range(len(mapping.levels))]
        self._ends: dict[tuple[int, ...], list[Ends]] = {}
        self._size = lru_cache(maxsize=None)(self._measure)

    def work(self, kind: Kind, spines: list[Spine]) -> Work | None:
        """Return the step of a cluster where the loops stand at ``spines``, None if there is none."""
        scene = tuple(spine.leaves[-1] for spine in spines)
        active = (1 << self._mapping.levels[kind.level].units) - 1
        for leaf, _ in scene:
            active &= leaf.units
        if not active:
            return None
        if kind.path not in self._ends:
            self._ends[kind.path] = [Ends(tree, kind.path) for tree in self._trees]
        own_loops = self._first_loop[kind.level]
        around = Neighbourhood(spines, self._ends[kind.path], own_loops if self._assumptions.restart_reuse else 0)
        held = list(around.held(active))
        inputs, filters = (self.axes.new(tensor, active, scene, held) for tensor in ("input", "filter"))
        after = self._staying(active, around.upcoming())
        outputs = self.axes.new("output", active, scene, after)
        reduces = self._machine.network(kind.level).collection.reduction != "none"
        pipeline = Neighbourhood(spines, self._ends[kind.path], own_loops if self._assumptions.restart_pipeline else 0)
        return Work(
            scene,
            active,
            self._size(active, tuple(leaf for leaf, _ in scene)),
            inputs,
            filters,
            outputs,
            distributed=self.sent(inputs) + self.sent(filters),
            collected=outputs.distinct if reduces else outputs.copies,
            shared=reduces and outputs.copies > outputs.distinct,
            leaving=tuple(self._leaving(kind, active, scene, after)),
            new_tile=limits_outputs(kind, self._machine) and self._new_tile(active, scene, around.previous()),
            first=self._assumptions.lockstep and pipeline.previous() is None,
        )

    def sent(self, amount: Amount) -> int:
        """Return how often elements are read upstream, which is how often they cross the distribution port."""
        return amount.distinct if self._machine.multicast else amount.copies

    def _staying(self, active: int, upcoming: Scene | None) -> list[tuple[int, Scene]]:
        """Return the units that are active in the next step, too, with the scene there."""
        if upcoming is None:
            return []
        for leaf, _ in upcoming:
            active &= leaf.units
        return [(active, upcoming)] if active else []

    def _leaving(self, kind: Kind, active: int, scene: Scene, after: Sequence[tuple[int, Scene]]) -> list[int]:
        found = []
        for unit in kind.units:
            one = 1 << unit
            if active & one and self.axes.new("output", one, scene, [(one, s) for who, s in after if who & one]).copies:
                found.append(unit)
        return found

    def _new_tile(self, active: int, scene: Scene, previous: Scene | None) -> bool:
        return previous is None or bool(active & self.axes.differing("output", scene, previous))

    def _measure(self, active: int, leaves: tuple[Leaf, ...]) -> Size:
        regions = {tuple(self._lengths(leaves, unit)) for unit in members(active)}
        boxes = [[tuple((0, n) for n in lengths) for lengths in region] for region in regions]
        scene = tuple((leaf, (0,) * len(lengths)) for leaf, lengths in zip(leaves, boxes[0], strict=True))
        return Size(
            macs=max(prod(prod(lengths) for lengths in region) for region in regions),
            largest=tuple(max(self.axes.tile(tensor, region) for region in boxes) for tensor in TENSORS),
            together=tuple(self.axes.new(tensor, active, scene, []).distinct for tensor in TENSORS),
        )

    def _lengths(self, leaves: tuple[Leaf, ...], unit: int) -> list[tuple[int, ...]]:
        return [tuple(high - low for low, high in leaf.box(unit) or ()) for leaf in leaves]
