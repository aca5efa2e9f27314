"""What a probe is told of a simulation, and when."""

from __future__ import annotations

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.cluster import Cluster
from simulator.deliveries import Delivery
from simulator.simulate import simulate_mapping


class Diary:
    """Notes every call with the level and the place of its step."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, tuple[int, ...]]] = []

    def note(self, call: str, cluster: Cluster, delivery: Delivery) -> None:
        """Note a call."""
        self.calls.append((call, cluster.level, delivery.planned.step.origin))

    def sent(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that a step was sent."""
        self.note("sent", cluster, delivery)

    def computed(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that a step was computed."""
        self.note("computed", cluster, delivery)

    def drained(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that a step was drained."""
        self.note("drained", cluster, delivery)

    def left(self, cluster: Cluster, delivery: Delivery) -> None:
        """Note that it is known when its outputs leave."""
        self.note("left", cluster, delivery)


@pytest.mark.parametrize("sync", ["barrier", "dataflow"])
def test_calls_come_after_all_that_they_depend_on(sync: str) -> None:
    """Two products of two terms, one by one: a PE's sum leaves after its second term, then its cluster's."""
    network = {"distribution": {"bandwidth": 1}, "collection": {"bandwidth": 1}}
    machine = Machine.model_validate({"pes": 1, "buffering": 1, "sync": sync, "levels": [network]})
    dataflow = parse_dataflow("Dataflow d { TemporalMap(1,1) M; Cluster(1, P); TemporalMap(1,1) K; }")
    mapping, diary = bind(Layer.of("g", "GEMM", {"M": 2, "K": 2}), dataflow, 1), Diary()
    simulate_mapping(mapping, machine, probe=diary)
    pe = {m: [(call, (m, 0, k)) for k in (0, 1) for call in ("sent", "computed")] for m in (0, 1)}
    for m in (0, 1):
        pe[m] += [("drained", (m, 0, 1)), ("left", (m, 0, 1))]
    assert [(call, at) for call, level, at in diary.calls if level == 1] == pe[0] + pe[1]
    for m in (0, 1):
        cluster = [diary.calls.index((call, 0, (m, 0, 0))) for call in ("sent", "computed", "drained", "left")]
        inner = [index for index, (_, level, at) in enumerate(diary.calls) if level == 1 and at[0] == m]
        assert cluster[0] < min(inner) < max(inner) < cluster[1] < cluster[2] < cluster[3]


def test_with_a_probe_nothing_is_skipped() -> None:
    """400 steps alike are sent one by one, and take as long as when they are not."""
    network = {"distribution": {"bandwidth": 2}, "collection": {"bandwidth": 1}}
    machine = Machine.model_validate({"pes": 1, "levels": [network]})
    mapping = bind(Layer.of("g", "GEMM", {"M": 400}), parse_dataflow("Dataflow d { TemporalMap(1,1) M; }"), 1)
    diary = Diary()
    assert simulate_mapping(mapping, machine, probe=diary) == simulate_mapping(mapping, machine)
    assert sum(call == "sent" for call, _, _ in diary.calls) == 400
