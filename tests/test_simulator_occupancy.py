"""How full buffers are over time follows from the steps that have their data in them."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given, settings
from switched import rich_cases

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.events import BufferLevel, Path, Step
from simulator.occupancy import buffer_levels
from simulator.recorder import Recorder
from simulator.simulate import simulate_mapping
from validation.strategies import Case


def test_a_window_slides_with_two_buffers() -> None:
    """Outputs X' = 0, 1, 2 of a window of 3 on one PE, an output a step: ports (1, 1) down, two buffers.

    Step 0: three inputs and three weights, 0..6, there at 7, computed 7..10. Step 1: one input more, 6..7 (a buffer is
    free): seven elements. It begins when step 0 has ended, at 10, which frees input 0; step 2's transfer begins then,
    and input 4 comes in. Input 1 goes with the end of step 1 at 13.
    """
    layer = Layer.of("conv", "CONV", {"X'": 3, "S": 3})
    dataflow = parse_dataflow("Dataflow d { TemporalMap(1,1) X'; TemporalMap(3,3) S; }")
    port = {"bandwidth": 1, "latency": 1}
    machine = Machine.model_validate({"pes": 1, "levels": [{"distribution": port, "collection": port}]})
    recorder = Recorder(layer)
    simulate_mapping(bind(layer, dataflow, 1), machine, probe=recorder)
    assert buffer_levels(recorder.events) == [
        BufferLevel(0, 6, (), 0, 0, (3, 3, 0)),
        BufferLevel(6, 7, (), 1, 0, (4, 3, 0)),
        BufferLevel(7, 10, (), 1, 0, (4, 3, 1)),
        BufferLevel(10, 13, (), 2, 0, (4, 3, 1)),
        BufferLevel(13, 16, (), 2, 0, (3, 3, 1)),
    ]


@settings(max_examples=100)
@given(rich_cases())
def test_no_buffer_holds_more_than_there_is_room_for(case: Case) -> None:
    layer, dataflow, machine = case
    recorder = Recorder(layer)
    simulate_mapping(bind(layer, dataflow, machine.pes), machine, probe=recorder)
    largest: dict[tuple[Path, int], tuple[int, ...]] = {}
    for event in recorder.events:
        if isinstance(event, Step):
            for unit, tile in event.tiles.items():
                known = largest.get((event.cluster, unit), (0, 0, 0))
                largest[event.cluster, unit] = tuple(map(max, known, tile))
    levels: dict[tuple[Path, int], list[BufferLevel]] = defaultdict(list)
    for level in buffer_levels(recorder.events):
        levels[level.cluster, level.unit].append(level)
    assert levels.keys() == largest.keys()
    for unit, of_unit in levels.items():
        assert all(before.end <= after.begin for before, after in pairwise(of_unit))
        for level in of_unit:
            for held, tile in zip(level.elements, largest[unit], strict=True):
                assert 0 <= held <= machine.buffering * tile
