"""What more of a resource would gain: measured by simulating with it, and from when on more is of no use."""

from __future__ import annotations

from hypothesis import given, settings

from dataflow.hardware import Dram, Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping
from validation.strategies import Case, cases
from validation.whatif import Gain, gains

PORTS = {"distribution": {"bandwidth": 1, "latency": 2}, "collection": {"bandwidth": 1}}


def tall() -> Mapping:
    text = "Dataflow { TemporalMap(1,1) K; SpatialMap(1,1) M; }"
    return bind(Layer.of("tall", "GEMM", {"M": 2, "K": 3}), parse_dataflow(text), 2)


def found(**machine: object) -> tuple[int, dict[str, Gain]]:
    metrics, gained = gains(tall(), Machine.model_validate({"pes": 2, "levels": [PORTS], **machine}))
    return metrics.cycles, {gain.key: gain for gain in gained}


def test_what_each_resource_gains() -> None:
    """Three steps of 3 elements, 1 a cycle, two cycles away: sent 0..3, 3..6, 6..9, the last computed 11..12, out 14.

    With 3 a cycle: sent 0..1, 1..2, and when step 0 has ended 4..5, computed 3..4, 4..5, 7..8, out 8..10; with 2 a
    cycle 0..2, 2..4, 5..7, there at 4, 6, 9, out 10..12. Without latency 11..12 becomes 9..10, and the outputs are out
    at 12. Outputs two at a time: 13. A third buffer changes nothing, as the port is never free; nor does a second lane.
    """
    cycles, by_key = found()
    assert cycles == 14
    assert by_key["levels.0.distribution.bandwidth"] == Gain("levels.0.distribution.bandwidth", 1, 3, 10, 3)
    assert by_key["levels.0.distribution.latency"] == Gain("levels.0.distribution.latency", 2, 0, 12, 0)
    assert by_key["levels.0.collection.bandwidth"] == Gain("levels.0.collection.bandwidth", 1, 2, 13, 2)
    assert (by_key["buffering"].cycles, by_key["buffering"].enough) == (14, 2)
    assert (by_key["lanes"].cycles, by_key["lanes"].enough) == (14, 1)
    assert by_key["sync"] == Gain("sync", "barrier", "dataflow", 14, None)
    assert next(iter(by_key)) == "levels.0.distribution.bandwidth"


def test_what_stands_behind_the_l2_is_asked_for_where_it_is() -> None:
    cycles, by_key = found(dram={"bandwidth": 1, "latency": 5}, l2={"port_bandwidth": 2}, multicast=False)
    assert {"dram.bandwidth", "dram.latency", "l2.port_bandwidth", "multicast"} <= set(by_key)
    assert by_key["dram.latency"].cycles < cycles


@settings(max_examples=25)
@given(cases(max_macs=100, max_pes=6))
def test_enough_is_the_least_that_gains_all(case: Case) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    rich = machine.model_copy(update={"dram": Dram(bandwidth=2)})
    metrics, gained = gains(mapping, rich)
    assert metrics == simulate_mapping(mapping, rich)
    for gain in gained:
        assert gain.cycles <= metrics.cycles
        if gain.key == "lanes" and isinstance(gain.now, int) and gain.enough is not None:
            assert simulate_mapping(mapping, rich.model_copy(update={"lanes": gain.enough})).cycles == gain.cycles
            if gain.enough > gain.now:
                less = rich.model_copy(update={"lanes": gain.enough - 1})
                assert simulate_mapping(mapping, less).cycles > gain.cycles
