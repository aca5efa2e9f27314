"""Every element that moves is listed: as many as are counted, and by the pencil."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from switched import rich_cases

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.accesses import Accesses
from simulator.events import Window
from simulator.simulate import simulate_mapping
from validation.strategies import Case


def test_a_window_slides() -> None:
    """Outputs X' = 0, 1 of a window of 2 on one PE, an output a step: ports (1, 1) down and (1, 2) up.

    Step 0: inputs 0 and 1 and both weights cross in cycles 0 to 3 and are in the PE at 5; it computes 5..7, and output
    0 drains 7..8 and is in the L2 at 10. Step 1: input 2 crosses in cycle 4, is there at 6, is computed 7..9; output 1
    is in the L2 at 12.
    """
    layer = Layer.of("conv", "CONV", {"X'": 2, "S": 2})
    dataflow = parse_dataflow("Dataflow d { TemporalMap(1,1) X'; TemporalMap(2,2) S; }")
    ports = {"distribution": {"bandwidth": 1, "latency": 1}, "collection": {"bandwidth": 1, "latency": 2}}
    machine = Machine.model_validate({"pes": 1, "levels": [ports]})
    accesses = Accesses(layer)
    simulate_mapping(bind(layer, dataflow, 1), machine, probe=accesses)
    found = [
        (access.buffer, access.tensor, access.write, access.cycles.tolist(), access.elements.tolist())
        for access in accesses.found()
    ]
    assert sorted(found) == [
        ((), "filter", False, [2, 3], [0, 1]),
        ((), "input", False, [0, 1], [0, 1]),
        ((), "input", False, [4], [2]),
        ((), "output", True, [10], [0]),
        ((), "output", True, [12], [1]),
        ((0,), "filter", True, [5, 5], [0, 1]),
        ((0,), "input", True, [5, 5], [0, 1]),
        ((0,), "input", True, [6], [2]),
    ]
    narrow = Accesses(layer, Window(4, 6))
    simulate_mapping(bind(layer, dataflow, 1), machine, probe=narrow)
    assert sum(len(access.cycles) for access in narrow.found()) == 6


@settings(max_examples=150)
@given(rich_cases())
def test_as_many_accesses_as_are_counted(case: Case) -> None:
    layer, dataflow, machine = case
    accesses = Accesses(layer)
    metrics = simulate_mapping(bind(layer, dataflow, machine.pes), machine, probe=accesses)
    number: Counter[tuple[int, str, bool]] = Counter()
    for access in accesses.found():
        assert access.cycles.max() <= metrics.cycles
        number[len(access.buffer), access.tensor, access.write] += len(access.elements)
    for level, boundary in enumerate(metrics.boundaries):
        above, below = boundary.upstream, boundary.downstream
        assert number[level, "input", False] == above.input_read
        assert number[level, "filter", False] == above.filter_read
        returned = metrics.boundaries[level - 1].network.returned if level else 0
        assert number[level, "output", True] == above.output_write + returned
        assert number[level, "output", False] == above.output_read
        assert number[level + 1, "input", True] == below.input_write
        assert number[level + 1, "filter", True] == below.filter_write
