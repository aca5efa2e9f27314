"""Clusters that see the same at the same times work as one, and part when they no longer do."""

from __future__ import annotations

from collections import Counter

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from simulator.cluster import Cluster
from simulator.simulate import simulate_mapping

FOUR_CLUSTERS = "SpatialMap(1,1) M; TemporalMap(1,1) N; Cluster(2, P); SpatialMap(1,1) K;"


def bound(directives: str, pes: int, **sizes: int) -> Mapping:
    return bind(Layer.of("gemm", "GEMM", sizes), parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)


def array(pes: int, **others: object) -> Machine:
    port = {"bandwidth": 4, "latency": 1}
    return Machine.model_validate({"pes": pes, "levels": [{"distribution": port, "collection": port}], **others})


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Return how often clusters of a level have worked under a step of their parents."""
    found: Counter[int] = Counter()
    work = Cluster.work

    def spy(cluster: Cluster, *arguments: object) -> int:
        found[cluster.level] += 1
        return work(cluster, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Cluster, "work", spy)
    return found


def both_ways(mapping: Mapping, machine: Machine) -> Metrics:
    """Simulate, and simulate every cluster and step by itself; return what the first said."""
    found = simulate_mapping(mapping, machine)
    assert found == simulate_mapping(mapping, machine, accelerate=False)
    return found


def test_units_that_are_told_the_same_are_one(worked: Counter[int]) -> None:
    """4 rows on 4 clusters, 3 columns: 3 steps of 4 clusters each, of which one is followed."""
    found = simulate_mapping(bound(FOUR_CLUSTERS, 8, M=4, N=3, K=2), array(8))
    assert found.steps == (3, 12)
    assert worked == {0: 1, 1: 3}
    assert found.accelerated == 1 - (3 + 3) / (3 + 12)


def test_units_part_when_some_are_idle_and_meet_again(worked: Counter[int]) -> None:
    """6 rows on 4 clusters, 5 columns of each fold, for either half of K.

    The first 4 columns of rows 0 to 3 are one cluster's work. In the fifth units 0 and 1 are told that rows 4 and 5
    come next, and part from the others; those rows are 5 steps of one cluster. The second half begins with two, which
    have different pasts; after one step of it they hold the same at the same times: 3 steps of one, and on as before.
    """
    directives = "TemporalMap(2,2) K; SpatialMap(1,1) M; TemporalMap(1,1) N; Cluster(2, P); SpatialMap(1,1) K;"
    mapping = bound(directives, 8, M=6, N=5, K=4)
    found = simulate_mapping(mapping, array(8))
    assert found.steps == (20, 2 * 5 * (4 + 2))
    assert worked == {0: 1, 1: (4 + 2 + 5) + (2 + 3 + 2 + 5)}
    assert found == simulate_mapping(mapping, array(8), accelerate=False)


def test_units_whose_share_is_smaller_work_alone(worked: Counter[int]) -> None:
    """7 rows, two by two, on 4 clusters: the last has one row only. 2 columns: 2 steps of two kinds of units."""
    directives = "SpatialMap(2,2) M; TemporalMap(1,1) N; Cluster(2, P); SpatialMap(1,1) K;"
    simulate_mapping(bound(directives, 8, M=7, N=2, K=2), array(8))
    assert worked == {0: 1, 1: 2 * 2}


def test_units_whose_data_come_later_work_alone(worked: Counter[int]) -> None:
    """On a 2 × 2 mesh of clusters the weights of all arrive hop by hop: units 1 and 2 have theirs in the same cycle."""
    mesh = {"topology": "mesh", "bandwidth": 4}
    machine = Machine.model_validate({"pes": 8, "levels": [{"distribution": mesh, "collection": {"bandwidth": 4}}]})
    simulate_mapping(bound(FOUR_CLUSTERS, 8, M=4, K=2), machine)
    assert worked == {0: 1, 1: 3}


@pytest.mark.parametrize("pes", [4, 8, 12])
@pytest.mark.parametrize("rows", [4, 5, 7, 9])
@pytest.mark.parametrize(
    "directives",
    [
        FOUR_CLUSTERS,
        "TemporalMap(1,1) N; SpatialMap(1,1) M; Cluster(2, P); TemporalMap(1,1) K; Cluster(1, P); TemporalMap(1,1) K;",
        "TemporalMap(2,2) K; SpatialMap(3,3) M; Cluster(2, P); SpatialMap(1,1) N; TemporalMap(1,1) M;",
    ],
)
def test_nothing_changes(directives: str, rows: int, pes: int) -> None:
    """Not in folds that do not fill the array, and not where wires are all that is between the levels."""
    mapping = bound(directives, pes, M=rows, N=3, K=5)
    both_ways(mapping, array(pes))
    wires = {"distribution": {"bandwidth": 4}, "collection": {"bandwidth": None}}
    top = {"distribution": {"bandwidth": 3}, "collection": {"bandwidth": 1, "latency": 2}}
    both_ways(mapping, Machine.model_validate({"pes": pes, "levels": [top, wires]}))


def test_with_every_step_followed_the_share_is_none() -> None:
    found = simulate_mapping(bound(FOUR_CLUSTERS, 8, M=4, N=30, K=2), array(8), accelerate=False)
    assert found.accelerated == 0
