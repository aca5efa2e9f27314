"""Kinds of clusters: units that are taken to behave alike do, wherever the loops stand."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings

from analytical.clusters import Kind, kinds
from analytical.positions import Tree
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from dataflow.regions import Box, cut, trips, whole
from validation.strategies import Case, cases

Region = tuple[Box, ...]


def bound(layer: Layer, directives: str, pes: int) -> Mapping:
    return bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)


def top_kind(mapping: Mapping) -> Kind:
    return kinds(mapping, [Tree(subspace, mapping.levels) for subspace in mapping.layer.subspaces])


def regions(mapping: Mapping, level: int, region: Region, unit: int) -> list[Region | None]:
    """Return what a unit works on at every position of the loops inside a region, None where it is idle."""
    maps, units = mapping.levels[level].maps, mapping.levels[level].units
    own = [
        (subspace, box, [i for i, each in enumerate(maps) if each.dimension in subspace.names])
        for subspace, box in zip(mapping.layer.subspaces, region, strict=True)
    ]
    loops = {i: trips(subspace, box, maps[i], units) for subspace, box, chosen in own for i in chosen}
    found: list[Region | None] = []
    for indices in product(*(range(loops[i]) for i in range(len(maps)))):
        boxes = tuple(
            cut(subspace, box, [maps[i] for i in chosen], [indices[i] for i in chosen], unit, units)
            for subspace, box, chosen in own
        )
        active = tuple(box for box in boxes if box is not None)
        found.append(active if len(active) == len(boxes) else None)
    return found


def behaviour(active: list[Region | None]) -> tuple[object, ...]:
    """Return the sizes of a unit's regions, and how far each lies from the first one."""
    first = next(region for region in active if region is not None)
    return tuple(
        region
        and tuple(
            (high - low, low - start)
            for box, origin in zip(region, first, strict=True)
            for (low, high), (start, _) in zip(box, origin, strict=True)
        )
        for region in active
    )


def assert_kinds_are_right(mapping: Mapping, kind: Kind, region: Region) -> None:
    """Hold the kinds of a cluster's units, in one region, against the behaviour of every unit."""
    level = kind.level
    if level == len(mapping.levels) - 1:
        assert kind.units == {}
        return
    working = {unit: regions(mapping, level, region, unit) for unit in range(mapping.levels[level].units)}
    working = {unit: active for unit, active in working.items() if any(active)}
    alike: dict[object, list[int]] = {}
    for unit, active in working.items():
        alike.setdefault(behaviour(active), []).append(unit)
    assert {unit: below.count for unit, below in kind.units.items()} == {
        members[0]: len(members) for members in alike.values()
    }
    for unit, below in kind.units.items():
        assert below.path == (*kind.path, unit)


@settings(max_examples=150)
@given(cases(max_macs=300, max_pes=12))
def test_units_of_a_kind_behave_alike_at_every_position(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    assert_kinds_are_right(mapping, top_kind(mapping), whole(layer))


def test_rows_that_do_not_divide_make_three_kinds() -> None:
    """Rows are taken 2 a unit by 3 units, in one fold or two.

    8 rows: 6 and 2. Unit 0 works twice; unit 1 and 2 once: two kinds. Of 7 rows unit 0 has 2 and 1, a different
    second size: still two. Of 5, the third unit's only chunk is smaller: two again.
    """
    found = [{unit: below.count for unit, below in top_kind(rows(number)).units.items()} for number in (12, 8, 7, 5)]
    assert found == [{0: 3}, {0: 1, 1: 2}, {0: 1, 1: 2}, {0: 2, 2: 1}]


def rows(number: int) -> Mapping:
    directives = "SpatialMap(2,2) M; Cluster(2, P); SpatialMap(1,1) K;"
    return bound(Layer.of("g", "GEMM", {"M": number, "K": 2}), directives, 6)


def test_units_that_never_work_are_of_no_kind() -> None:
    assert {unit: kind.count for unit, kind in top_kind(rows(2)).units.items()} == {0: 1}


def test_kinds_below_a_kind_know_all_its_regions() -> None:
    """One cluster takes 4 rows and then 1, two at a time on 2 units.

    The second unit has none under the 1, so that its units are of two kinds though the first region gives each two
    rows. Below them, two PEs share what is added up: they are PEs, and of no kind.
    """
    mapping = bound(
        Layer.of("g", "GEMM", {"M": 5, "K": 2}),
        "TemporalMap(4,4) M; Cluster(2, P); SpatialMap(2,2) M; Cluster(2, P); SpatialMap(1,1) K;",
        4,
    )
    (cluster,) = top_kind(mapping).units.values()
    assert {unit: kind.count for unit, kind in cluster.units.items()} == {0: 1, 1: 1}
    assert [kind.path for kind in top_kind(mapping).all()] == [(), (0,), (0, 0), (0, 1)]
