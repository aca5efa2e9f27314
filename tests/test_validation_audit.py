"""Another tool's numbers against the simulation: reading, matching, differences and explanations."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import pytest

from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_network, read_network
from validation.audit import COLUMNS, TOOL, LayerAudit, Subject, audit, check_array, match, outliers, statistics
from validation.audit_explanations import near, output_sizes, top_trips, without_latency
from validation.maestro_results import HEADINGS, Results, parse_results, read_results

NET = """\
Network net {
  Layer a {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { TemporalMap(1,1) N; SpatialMap(1,1) M; TemporalMap(3,3) K; }
  }
}
"""
HEAD = "Layer Number, NumPEs, Runtime (Cycles), Num MACs, input l2 read, filter l2 read, output l2 read, input l1 write"


def machine(pes: int, bandwidth: int, latency: int) -> Machine:
    port = {"bandwidth": bandwidth, "latency": latency}
    return Machine.model_validate({"pes": pes, "levels": [{"distribution": port, "collection": port}]})


def audited(row: str, text: str = NET, head: str = HEAD) -> LayerAudit:
    """Audit the first layer of a network on 4 PEs with bandwidth 3 and no latency."""
    (entry,) = parse_network(text).layers
    assert entry.dataflow is not None
    results = parse_results(f"{head}\n{row}\n", "r.csv")
    (layer,) = audit([Subject(entry.layer, entry.dataflow, results.rows[0])], machine(4, 3, 0))
    return layer


def test_columns_against_a_layer_counted_by_hand() -> None:
    """4 PEs take a row of M each, N goes by in two steps, K is whole.

    Step 1 sends all 12 inputs and the 3 filters of n = 0: 15 at bandwidth 3 are 5 cycles; 3 MACs: computed at 8.
    Step 2 sends 3 filters meanwhile and computes 8 to 11. 4 outputs leave after each: 2 cycles, 8-10 and 11-13.
    No partial sum comes back, so any output read differs beyond measure.
    """
    layer = audited("a,4,26,24,12,3,8,6")
    cells = layer.cells
    assert {column: cell.simulated for column, cell in cells.items()} == {
        "cycles": 13,
        "l2_read": 18,
        "input_l2_read": 12,
        "filter_l2_read": 6,
        "output_l2_read": 0,
        "input_l1_write": 12,
    }
    assert {column: cell.difference(TOOL) for column, cell in cells.items()} == {
        "cycles": 100.0,
        "l2_read": pytest.approx(-100 / 6),
        "input_l2_read": 0.0,
        "filter_l2_read": -50.0,
        "output_l2_read": math.inf,
        "input_l1_write": -50.0,
    }
    assert {column: cell.values["refined"] for column, cell in cells.items()} == {
        column: cell.simulated for column, cell in cells.items()
    }
    assert cells["output_l2_read"].explanation == "the size of the output"
    assert (cells["cycles"].explanation, cells["input_l2_read"].explanation) == (None, None)


def test_l1_writes_that_repeat_the_l2_reads_are_told() -> None:
    """Each of the 4 PEs writes the 6 filters that the L2 sends once: 24; the tool says 6 twice."""
    head = "Layer Number,filter l2 read,filter l1 write"
    cell = audited("a,6,6", head=head).cells["filter_l1_write"]
    assert (cell.simulated, cell.values[TOOL], cell.explanation) == (24, 6, "the L2 reads again")


def test_multicast_that_is_ignored_is_told() -> None:
    """Without multicast each of the 4 PEs has the 6 filters read for itself."""
    cell = audited("a,24", head="Layer Number,filter l2 read").cells["filter_l2_read"]
    assert cell.explanation == "multicast ignored or published, multicast ignored"


def test_other_work_is_told() -> None:
    cell = audited("a,500,99", head="Layer Number,Runtime (Cycles),Num MACs").cells["cycles"]
    assert cell.explanation == "the row is for 99 MACs, the layer has 24"


def test_utilization_comes_from_the_throughput() -> None:
    """24 MACs in 13 cycles on 4 PEs; the tool says 2 MACs a cycle, half of what 4 PEs could do."""
    cell = audited("a,2.0", head="Layer Number,Throughput (MACs/Cycle)").cells["utilization"]
    assert (cell.simulated, cell.values[TOOL]) == (24 / 52, 0.5)


def test_illegal_layers_are_not_compared() -> None:
    layer = audited("a,4,26,24,12,3,8,6", NET.replace("TemporalMap(1,1) N", "TemporalMap(1,2) N"))
    assert layer.cells == {}
    assert layer.illegal is not None
    assert layer.illegal.startswith("<string>:5:16: layer a misses work: point (M 0, N 1, K 0) is never computed")


def test_equal_layers_with_equal_rows_are_simulated_once() -> None:
    (entry,) = parse_network(NET).layers
    assert entry.dataflow is not None
    rows = parse_results(f"{HEAD}\na,4,13,24,12,6,8,12\na,4,13,24,12,6,8,12\na,4,14,24,12,6,8,12\n").rows
    calls = []
    found = audit(
        [Subject(entry.layer, entry.dataflow, row) for row in rows],
        machine(4, 3, 0),
        progress=lambda _: calls.append(1),
    )
    assert ([layer.line for layer in found], len(calls)) == ([2, 3, 4], 2)


def test_subjects_and_verdicts_travel_between_processes() -> None:
    (entry,) = parse_network(NET).layers
    assert entry.dataflow is not None
    subject = Subject(entry.layer, entry.dataflow, parse_results(f"{HEAD}\na,4,26,24,12,3,8,6\n").rows[0])
    assert pickle.loads(pickle.dumps(subject)) == subject
    layer = audited("a,4,26,24,12,3,8,6")
    assert pickle.loads(pickle.dumps(layer)).cells == layer.cells


def test_statistics_and_outliers() -> None:
    """Off by 0, 1 and 100 %, worst last; 1 % is no outlier yet."""
    (entry,) = parse_network(NET.replace("K: 3", "K: 300")).layers
    assert entry.dataflow is not None
    exact = audited("a,4,13,24,12,6,8,12").cells["cycles"].simulated
    assert exact == 13
    layers = [audited(f"a,4,{cycles},24,12,6,8,12") for cycles in (13, 13, 26)]
    found = statistics(layers, "cycles", TOOL)
    assert found is not None
    assert (found.layers, found.median, found.percentile95, found.worst, found.worst_layer) == (3, 0, 100, 100, "a")
    assert [(reason, len(off)) for reason, off in outliers(layers, "cycles")] == [(None, 1)]
    assert statistics(layers, "utilization", TOOL) is None


def test_rows_find_their_layers() -> None:
    """Layers of one name in order, a name that lost what stands before its hyphen, and what is left over."""
    found = match(["b", "x", "a", "1", "a", "-2"], ["a", "b", "a", "Conv2d-1", "Conv2d-2", "c"])
    assert found.pairs == ((0, 1), (2, 2), (3, 3), (4, 0), (5, 4))
    assert (found.rows, found.layers) == ((1,), (5,))


def test_exact_names_go_before_shortened_ones() -> None:
    assert match(["1", "1"], ["Conv2d-1", "1"]).pairs == ((0, 1), (1, 0))


def test_results_for_another_array_are_refused() -> None:
    results = parse_results("Layer Number,NumPEs\na,8\n", "r.csv")
    check_array(results, machine(8, 1, 0))
    with pytest.raises(InputError) as caught:
        check_array(results, machine(4, 1, 0))
    assert str(caught.value) == (
        "r.csv:2: layer a: the results are for 8 PEs, machine has 4; "
        "choose the machine that they are for, or its size: --set pes=8"
    )


def test_reader_takes_what_there_is() -> None:
    """Spaces, blank lines, a repeated head, unknown columns, and a whole number in scientific notation."""
    text = "X, Runtime (Cycles), Layer Number\n\n-nan, 1e+06, CONV 1\nX, Runtime (Cycles), Layer Number\n1, 7, b,\n"
    results = parse_results(text)
    assert [(row.name, row.line, dict(row.numbers)) for row in results.rows] == [
        ("CONV 1", 3, {"cycles": 1_000_000}),
        ("b", 5, {"cycles": 7}),
    ]
    assert isinstance(results.rows[0].numbers["cycles"], int)
    assert results.missing == tuple(name for name in HEADINGS if name != "cycles")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.csv: no results: a line of headings and a line for each layer are needed"),
        ("Layer Number,NumPEs\n", "r.csv: no results: a line of headings and a line for each layer are needed"),
        ("NumPEs\n3\n", "r.csv:1: no column Layer Number, which names the layers, among the headings"),
        (
            "Layer Number,Cycles\na,3\n",
            f"r.csv:1: none of the columns that can be compared is here: {', '.join(HEADINGS.values())}",
        ),
        ("Layer Number,NumPEs\na,3\nb\n", "r.csv:3: 1 values in a row of a table with 2 headings"),
        ("Layer Number,NumPEs\na,\n", "r.csv:2: NumPEs is ''; a number is needed"),
        ("Layer Number,NumPEs\na,nan\n", "r.csv:2: NumPEs is nan; a number that is not negative is needed"),
        ("Layer Number,NumPEs\na,-1\n", "r.csv:2: NumPEs is -1; a number that is not negative is needed"),
        ("Layer Number,NumPEs\na,1.5\n", "r.csv:2: NumPEs is 1.5; a whole number is needed"),
    ],
)
def test_faults_of_a_table_are_told_with_their_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_results(text, "r.csv")
    assert str(caught.value) == message


def test_output_sizes_with_and_without_stride() -> None:
    """9 rows, 3 taps: 7 windows, of which every second is 4; 2 filters."""
    layer = Layer.of("s", "CONV", {"K": 2, "R": 3, "Y": 9}, stride=(2, 1))
    assert output_sizes(layer) == (8, 14)


def test_trips_and_latency_of_the_top_level() -> None:
    """4 chunks of M take 2 folds of 3 units."""
    (entry,) = parse_network(NET).layers
    assert entry.dataflow is not None
    mapping = bind(entry.layer, entry.dataflow, 3)
    assert (top_trips(mapping, 3), top_trips(mapping, 1)) == (2, 4)
    assert without_latency(machine(4, 3, 7)) == machine(4, 3, 0)


def test_same_is_within_one_percent() -> None:
    assert [near(value, 100) for value in (98.9, 99, 101, 101.1)] == [False, True, True, False]


def reference(folder: Path, name: str, array: str, on: Machine) -> tuple[Results, tuple[LayerAudit, ...]]:
    results = read_results(folder / "maestro" / "results" / f"{name}__{array}.csv")
    entries = read_network(folder / "maestro" / "mappings" / f"{name}.m").layers
    found = match([row.name for row in results.rows], [entry.layer.name for entry in entries])
    assert (found.rows, found.layers) == ((), ())
    pairs = [(entries[layer], results.rows[row]) for row, layer in found.pairs]
    subjects = [Subject(entry.layer, entry.dataflow, row) for entry, row in pairs if entry.dataflow is not None]
    return results, audit(subjects, on)


@pytest.mark.reference
def test_released_program_on_vgg16_kcp(reference_material: Path) -> None:
    """Its runtime is some 408 % too long; all of it follows from the published model."""
    results, layers = reference(reference_material, "vgg16_ckp_ws", "pe256_bw16", machine(256, 16, 1))
    assert results.missing == ()
    assert all(set(layer.cells) == set(COLUMNS) for layer in layers)
    found = statistics(layers, "cycles", TOOL)
    assert found is not None
    assert (round(found.median, 1), round(found.worst, 1), found.worst_layer) == (408.1, 411.0, "CONV1")
    assert [(reason, len(off)) for reason, off in outliers(layers, "cycles")] == [
        ("published, latency and the last drain of a cluster ignored", 13)
    ]
    refined = statistics(layers, "cycles", "refined")
    assert refined is not None
    assert refined.worst == 0


@pytest.mark.reference
def test_released_program_on_a_matrix_product(reference_material: Path) -> None:
    """Runtime 70019 for 65921."""
    _, (layer,) = reference(reference_material, "GEMM_Example", "pe256_bw16", machine(256, 16, 1))
    cell = layer.cells["cycles"]
    assert (cell.simulated, cell.values[TOOL], cell.explanation) == (65921, 70019, "lockstep alone")
