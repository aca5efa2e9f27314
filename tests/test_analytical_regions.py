"""How a level cuts a region: loops, active units, the largest unit and its neighbours."""

from analytical.cases import Loop
from analytical.regions import LevelRegion, Part
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from dataflow.regions import whole


def level_region(layer: Layer, directives: str, pes: int) -> LevelRegion:
    mapping = bind(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), pes)
    return LevelRegion(layer, mapping.levels[0], whole(layer))


def test_six_chunks_on_four_units_are_four_and_two() -> None:
    found = level_region(Layer.of("l", "GEMM", {"M": 6}), "SpatialMap(1,1) M;", 4)
    assert found.loops == (Loop(2, edge=True),)
    assert [found.active_units((fold,)) for fold in (0, 1)] == [4, 2]


def test_a_fold_of_full_units_is_no_edge_though_its_last_chunk_is_clipped() -> None:
    found = level_region(Layer.of("l", "GEMM", {"M": 15}), "SpatialMap(2,2) M;", 4)
    assert found.loops == (Loop(2, edge=False),)


def test_a_last_fold_of_one_clipped_chunk_is_an_edge() -> None:
    found = level_region(Layer.of("l", "GEMM", {"M": 7}), "SpatialMap(2,2) M;", 1)
    assert found.loops == (Loop(4, edge=True),)


def test_rows_of_a_diagonal_move_with_the_filter_only() -> None:
    """Row y = r on unit r: the same output row on every unit, the filter row one further on each."""
    layer = Layer.of("l", "CONV", {"Y'": 1, "R": 3})
    parts = level_region(layer, "SpatialMap(1,1) Y; SpatialMap(1,1) R;", 3).parts((0, 0), None)
    assert parts is not None
    assert Part(box=((0, 1), (0, 1)), other=None, shift=(0, 1)) in parts


def test_a_stride_leaves_every_other_unit_without_work() -> None:
    """Output rows y' = 2·y + r of a transposed convolution: tap 0 reaches only the even ones."""
    layer = Layer.of("l", "TRCONV", {"Y": 4, "R": 3}, stride=(2, 1))
    parts = level_region(layer, "SpatialMap(1,1) Y'; TemporalMap(1,1) R;", 9).parts((0, 0), None)
    assert parts is not None
    assert Part(box=((0, 1), (0, 1)), other=None, shift=(1, 0), spacing=2) in parts


def test_a_step_that_holds_no_window_is_empty() -> None:
    layer = Layer.of("l", "CONV", {"Y'": 2, "R": 3})
    assert level_region(layer, "TemporalMap(1,1) Y; TemporalMap(1,1) R;", 1).parts((3, 0), None) is None
