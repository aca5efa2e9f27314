"""Why a PE waits: a chain of things that happened, down to a root."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from switched import rich_cases

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from metronome.moments.causes import why
from metronome.moments.mapped import MappedLayer, mapped_layer
from metronome.moments.recording import Recording, record
from simulator.events import Window
from validation.strategies import Case


def recorded(layer: Layer, directives: str, pes: int, **machine: object) -> Recording:
    found = Machine.model_validate({"pes": pes, **machine})
    mapping = bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)
    return record(MappedLayer(layer.name, mapping, found), Window())


def ports(down: tuple[int, int], up: tuple[int, int]) -> dict[str, object]:
    distribution, collection = ({"bandwidth": bandwidth, "latency": latency} for bandwidth, latency in (down, up))
    return {"levels": [{"distribution": distribution, "collection": collection}]}


@settings(max_examples=60, deadline=None)
@given(rich_cases(), st.data())
def test_every_wait_has_a_root(case: Case, data: st.DataObject) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    recording = record(MappedLayer("layer", mapping, machine), Window())
    for _ in range(12):
        pe = tuple(data.draw(st.integers(0, units - 1)) for units in mapping.units)
        chain = why(recording, pe, data.draw(st.integers(0, recording.metrics.cycles - 1)))
        assert chain[-1].startswith("root: "), chain
        assert Counter(line.startswith("root: ") for line in chain)[True] == 1


def test_a_narrow_port_is_the_root_of_a_wait() -> None:
    """A weight and an input a step, on a port of one element a cycle: two cycles a step, one of them computing."""
    layer = Layer.of("gemm", "GEMM", {"K": 40})
    recording = recorded(layer, "TemporalMap(1,1) K;", 1, buffering=4, **ports((1, 1), (1, 1)))
    waiting = next(cycle for cycle in range(20, 60) if recording.computes((0,)).at(cycle) is None)
    chain = why(recording, (0,), waiting)
    assert chain[0].startswith("PE 0 does not compute: the top waits, in cycles ")
    assert chain[0].endswith(": distribution")
    assert chain[-1].startswith("root: that port is busy without a pause since 0: ")
    assert chain[-1].endswith(" elements, 1 a cycle")


def test_a_full_output_buffer_is_followed_to_the_collection_port() -> None:
    """Every step makes a row of five outputs, which take five cycles to drain: PEs wait for room."""
    layer = Layer.of("gemm", "GEMM", {"M": 30, "N": 5})
    recording = recorded(layer, "TemporalMap(1,1) M; TemporalMap(5,5) N;", 1, lanes=5, **ports((64, 0), (1, 0)))
    cycle = next(cycle for cycle in range(60, 90) if recording.computes((0,)).at(cycle) is None)
    chain = why(recording, (0,), cycle)
    assert chain[0].endswith(": slot")
    assert chain[1].startswith("no room for new outputs until ")
    assert chain[-1].startswith("root: the collection port of the top is busy in cycles ")
    assert chain[-1].endswith(", 1 a cycle")


def test_an_idle_pe_waits_for_the_busiest_one() -> None:
    """Three rows on two PEs with chunks of two: the second has half of the work."""
    layer = Layer.of("gemm", "GEMM", {"M": 3, "K": 9})
    recording = recorded(layer, "SpatialMap(2,2) M; TemporalMap(9,9) K;", 2, **ports((64, 0), (64, 0)))
    busy = recording.computes((0,)).at(12)
    assert busy is not None
    assert why(recording, (0,), 12) == [f"root: PE 0 is computing 18 MACs in cycles {busy.begin} to {busy.end}"]
    assert why(recording, (1,), busy.end - 1) == [
        f"PE 1 is done with its part of step 0 0 since {busy.begin + 9}",
        f"root: PE 0 computes until {busy.end}: 18 MACs in step 0 0, PE 1 only 9",
    ]


def test_what_lies_before_the_window_is_said_to() -> None:
    layer = mapped_layer("conv2_1b", "resnet50", "kcp_ws", "reference-256", None)
    assert why(record(layer, Window(5015, 5025)), (0, 12), 5020)[-1].startswith(
        "what was before is outside of the cycles"
    )
    rounds = why(record(layer, Window(4500, 5100)), (0, 12), 5020)
    assert rounds[-1] == (
        "root: this goes round, one after the other, in 35 cycles: 13 until data are over the port of cluster 0, "
        "13 until data are over the port of the top, 9 computing"
    )
