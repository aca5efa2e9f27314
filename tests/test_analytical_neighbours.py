"""What units held before a step and need after it, against the whole life of every cluster, step after step."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from hypothesis import given, settings

from analytical.neighbours import Ends, Neighbourhood, Scene, Spine, Turn, merged
from analytical.positions import Fork, Leaf, Place, Tree, plus
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from dataflow.regions import Box, whole
from validation.strategies import Case, cases

#: what units work on, by unit
Regions = dict[int, tuple[Box, ...]]
Path = tuple[int, ...]


@dataclass
class Moment:
    """A step of a cluster: where all loops stand, what the units work on, and the step of the parent around it."""

    spines: list[Spine]
    regions: Regions
    parent: Moment | None


@dataclass
class Lives:
    """The steps of every cluster of a mapping, by the units that lead to it, in order."""

    mapping: Mapping
    trees: list[Tree] = field(default_factory=list)
    steps: dict[Path, list[Moment]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        subspaces = self.mapping.layer.subspaces
        self.trees = [Tree(subspace, self.mapping.levels) for subspace in subspaces]
        self._loops = [
            [next(i for i, s in enumerate(subspaces) if m.dimension in s.names) for m in level.maps]
            for level in self.mapping.levels
        ]
        self._cluster((), whole(self.mapping.layer), [Spine() for _ in subspaces], None)

    def _cluster(self, path: Path, region: tuple[Box, ...], spines: list[Spine], parent: Moment | None) -> None:
        places: list[Place] = []
        for tree, box in zip(self.trees, region, strict=True):
            root = tree.root(len(path), tuple(high - low for low, high in box))
            if root is None:
                return
            places.append((root[0], plus(root[1], tuple(low for low, _ in box))))
        self._turn(path, 0, places, spines, parent)

    def _turn(self, path: Path, loop: int, here: list[Place], spines: list[Spine], parent: Moment | None) -> None:
        level = len(path)
        if loop == len(self._loops[level]):
            self._arrive(path, here, spines, parent)
            return
        subspace = self._loops[level][loop]
        fork, origin = here[subspace]
        assert isinstance(fork, Fork)
        number = sum(map(len, self._loops[:level])) + loop
        for run_number, run in enumerate(fork.runs):
            for index in range(run.count):
                turn = Turn(number, level, subspace, fork, origin, run_number, index)
                moved, below = copy(spines), copy(here)
                moved[subspace] = Spine([*spines[subspace].turns, turn], spines[subspace].leaves)
                below[subspace] = (run.below, plus(origin, run.at(index)))
                self._turn(path, loop + 1, below, moved, parent)

    def _arrive(self, path: Path, here: list[Place], spines: list[Spine], parent: Moment | None) -> None:
        scene = tuple((leaf, origin) for leaf, origin in here if isinstance(leaf, Leaf))
        arrived = [Spine(s.turns, [*s.leaves, spot]) for s, spot in zip(spines, scene, strict=True)]
        moment = Moment(arrived, regions(scene, self.mapping.levels[len(path)].units), parent)
        if moment.regions:
            self.steps.setdefault(path, []).append(moment)
            if len(path) + 1 < len(self.mapping.levels):
                for unit, region in moment.regions.items():
                    self._cluster((*path, unit), region, arrived, moment)

    def upcoming(self, path: Path, number: int) -> Moment | None:
        """Return the next step of a cluster, None if it is idle in its parent's next step, or if there is none."""
        life = self.steps[path]
        if number + 1 == len(life):
            return None
        own, following = life[number], life[number + 1]
        if own.parent is following.parent:
            return following
        parents = self.steps[path[:-1]]
        around = next(n for n, moment in enumerate(parents) if moment is own.parent)
        next_around = self.upcoming(path[:-1], around)
        return following if next_around is not None and path[-1] in next_around.regions else None


def regions(scene: Scene, units: int) -> Regions:
    """Return the regions of the units that have one in every subspace."""
    found = {}
    for unit in range(units):
        boxes = [(leaf.box(unit), origin) for leaf, origin in scene]
        if all(box for box, _ in boxes):
            found[unit] = tuple(
                tuple((low + o, high + o) for (low, high), o in zip(box or (), origin, strict=True))
                for box, origin in boxes
            )
    return found


def assert_neighbours_are_right(mapping: Mapping, path: Path, lives: Lives) -> None:
    units = mapping.levels[len(path)].units
    ends = [Ends(tree, path) for tree in lives.trees]
    last_active: Regions = {}
    previous: Regions | None = None
    for number, moment in enumerate(lives.steps[path]):
        around = Neighbourhood(moment.spines, ends, 0)
        held = around.held(sum(1 << unit for unit in moment.regions), around.previous())
        found = [
            (unit, regions(scene, units)[unit]) for group, scene in held for unit in range(units) if group >> unit & 1
        ]
        assert sorted(found) == sorted((u, region) for u, region in last_active.items() if u in moment.regions)
        before = around.previous()
        assert (None if before is None else regions(before, units)) == previous
        after, expected = around.upcoming(), lives.upcoming(path, number)
        assert (None if after is None else regions(after, units)) == (None if expected is None else expected.regions)
        previous = moment.regions
        last_active |= moment.regions


@settings(max_examples=150)
@given(cases(max_macs=150, max_pes=8))
def test_neighbours_of_every_step_of_every_cluster(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    lives = Lives(mapping)
    for path in lives.steps:
        assert_neighbours_are_right(mapping, path, lives)


def lives(layer: Layer, directives: str, pes: int) -> Lives:
    return Lives(bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes))


def test_loops_of_the_level_alone_know_no_seam() -> None:
    """GEMM, M = 2 around N = 2: the first step under m = 1 follows n = 1 under m = 0, unless levels are alone."""
    found = lives(Layer.of("g", "GEMM", {"M": 2, "N": 2}), "TemporalMap(1,1) M; Cluster(1, P); TemporalMap(1,1) N;", 1)
    third = found.steps[(0,)][2]
    ends = [Ends(tree, (0,)) for tree in found.trees]
    across, alone = (Neighbourhood(third.spines, ends, from_loop) for from_loop in (0, 1))
    before = across.previous()
    assert before is not None
    assert regions(before, 1) == {0: (((0, 1),), ((1, 2),), ((0, 1),))}
    assert alone.previous() is None
    assert alone.held(1, alone.previous()) == []


def test_a_cluster_that_idles_in_its_parents_next_step_has_no_next_step() -> None:
    """3 rows on 2 clusters, for 2 columns: cluster 1 works in the first and the third of four steps."""
    layer = Layer.of("g", "GEMM", {"M": 3, "N": 2})
    found = lives(layer, "TemporalMap(1,1) N; SpatialMap(1,1) M; Cluster(1, P); TemporalMap(1,1) K;", 2)
    ends = [Ends(tree, (1,)) for tree in found.trees]
    first, second = (Neighbourhood(moment.spines, ends, 0) for moment in found.steps[(1,)])
    assert first.upcoming() is None
    assert second.upcoming() is None
    before = second.previous()
    assert before is not None
    assert regions(before, 1) == {0: (((1, 2),), ((0, 1),), ((0, 1),))}


def test_merging_fills_in_idle_units_only() -> None:
    """Unit 0 from the nearer leaf at 10, unit 1 from the one at 4: boxes stay where they are."""
    near, far = (Leaf((((0, 1),), None)), (10,)), (Leaf((((0, 1),), ((1, 3),))), (4,))
    leaf, origin = merged(near, far) or far
    assert (leaf.boxes, origin) == ((((0, 1),), ((-5, -3),)), (10,))
    assert merged(far, near) is far
    assert merged(None, near) is near
    assert merged(near, None) is near
