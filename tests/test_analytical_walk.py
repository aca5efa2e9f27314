"""The walk visits kinds of steps: as many for a layer a thousand times as long, standing for all of its steps."""

from __future__ import annotations

import pytest

from analytical import REFINED
from analytical.clusters import Kind
from analytical.neighbours import Spine
from analytical.walk import Walk
from analytical.work import Work, Workbook
from dataflow import catalog
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping

SCALES = (1, 10, 1000)


def visited(mapping: Mapping, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many steps a walk works out, whatever its numbers."""
    calls = 0
    work = Workbook.work

    def counting(self: Workbook, kind: Kind, spines: list[Spine]) -> Work | None:
        nonlocal calls
        calls += 1
        return work(self, kind, spines)

    with monkeypatch.context() as patch:
        patch.setattr(Workbook, "work", counting)
        Walk(mapping, catalog.machine("reference-256"), REFINED, wide=True)
    return calls


def layer_for(name: str, scale: int) -> Layer:
    """Return a layer of a type that a shipped dataflow is meant for, its loops `scale` times as long."""
    if "GEMM" in catalog.layer_types(name):
        return Layer.of("l", "GEMM", {"M": 256 * scale, "N": 192 * scale, "K": 128 * scale})
    extents = {"K": 768 * scale, "C": 768 * scale, "Y'": 768 * scale, "X'": 768 * scale}
    return Layer.of("l", "CONV", extents | {"R": 3, "S": 3})


@pytest.mark.parametrize("name", catalog.names("dataflows"))
def test_steps_visited_do_not_depend_on_the_layers_extents(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [visited(bind(layer_for(name, scale), catalog.dataflow(name), 256), monkeypatch) for scale in SCALES]
    assert counts == [counts[0]] * len(SCALES)


def test_first_middle_and_last_of_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """K: 9 full chunks and an edge, so 3 + 1 positions; C: 20 alike, 3 at each of the 4: 12 steps of 200."""
    layer = Layer.of("l", "CONV", {"K": 38, "C": 20})
    mapping = bind(layer, parse_dataflow("Dataflow d { TemporalMap(4,4) K; TemporalMap(1,1) C; }"), 1)
    assert visited(mapping, monkeypatch) == 12
    walk = Walk(mapping, catalog.machine("reference-256"), REFINED)
    assert walk.totals[0].steps == 200


def test_one_walk_for_all_clusters_of_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 rows on 4 clusters at 2 folds, 2 products each in turn: 2 steps above, 2 below each, for 4 clusters at once."""
    mapping = bind(
        Layer.of("g", "GEMM", {"M": 8, "K": 2}),
        parse_dataflow("Dataflow d { SpatialMap(1,1) M; Cluster(1, P); TemporalMap(1,1) K; }"),
        4,
    )
    assert visited(mapping, monkeypatch) == 2 + 2 * 2
    walk = Walk(mapping, catalog.machine("reference-36"), REFINED)
    assert [totals.steps for totals in walk.totals] == [2, 16]


def test_totals_hold_the_largest_tiles() -> None:
    """Rows 3 + 2 on one PE, 4 products each: 12 inputs, 4 filter elements, 3 outputs at most."""
    mapping = bind(Layer.of("g", "GEMM", {"M": 5, "K": 4}), parse_dataflow("Dataflow d { TemporalMap(3,3) M; }"), 1)
    machine = catalog.machine("reference-36")
    (totals,) = Walk(mapping, machine, REFINED).totals
    assert (totals.largest, totals.together) == ((12, 4, 3), (12, 4, 3))
    assert simulate_mapping(mapping, machine).buffers.l1_bytes == 2 * 19
