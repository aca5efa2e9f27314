"""A run judges, simulates and analyses every layer; its record has the shape that users hold on to."""

from __future__ import annotations

import pytest

import metronome as mt
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.hardware_files import parse_machine
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow, parse_network
from metronome.runs import Options, Run, check, run
from metronome.workload import Task, Workload

NETWORK = """\
Network net {
  Layer conv {
    Type: CONV
    Dimensions { K: 4, C: 2, R: 3, S: 3, Y: 6, X: 6 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(1,1) Y'; TemporalMap(1,1) X'; }
  }
  Layer holes {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(1,2) N; }
  }
  Layer deep {
    Type: GEMM
    Dimensions { M: 5, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }
  }
  Layer deep {
    Type: GEMM
    Dimensions { M: 5, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(1,1) M; }
  }
}
"""
RESULTS = ["accelerated", "simulator", "analytical", "energy", "cost"]
HOLES = (
    "layer holes misses work: point (M 0, N 1, K 0) is never computed because of TemporalMap(1,2) N; "
    "TemporalMap(1,1) N would compute every point of N once"
)
MACHINE = """\
name: small
pes: 4
levels: [{distribution: {bandwidth: 4, latency: 1}, collection: {bandwidth: 4, latency: 1}}]
"""

BOUNDARY = {
    "upstream": {"input_read", "filter_read", "output_write", "output_read"},
    "downstream": {"input_write", "filter_write", "output_drained"},
    "network": {"distributed", "collected"},
    "per_step": {"distributed", "collected", "macs", "busiest_macs"},
}
METRICS = {"cycles", "compute_end", "steps", "boundaries", "l1", "buffers", "utilization", "stalls", "dram"}


def _workload() -> Workload:
    mapped = parse_network(NETWORK, "net.m").layers
    return Workload("net", tuple(Task(each.layer, each.dataflow) for each in mapped if each.dataflow is not None))


def _machine(*overrides: str) -> Machine:
    return parse_machine(MACHINE, overrides=overrides)


def _one_mac() -> Workload:
    """Return one MAC: tiles of one element each."""
    return Workload(
        "one", (Task(Layer.of("a", "GEMM", {}), parse_dataflow("Dataflow { TemporalMap(1,1) M; }", "one.m")),)
    )


#: From Python 3.12 on, a fork warns where another thread runs: the test runner has some.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(scope="module")
def finished() -> Run:
    """Return a run of legal and illegal layers, of one level and of two."""
    return run(_workload(), _machine())


# The result


def test_a_single_mac_takes_what_can_be_counted() -> None:
    """2 elements arrive in cycle ⌈2/4⌉ + 1 = 2, the MAC ends in 3, its output leaves in 4 and arrives in 5."""
    layer = run(_one_mac(), _machine("pes=1")).layers[0]
    assert layer.simulator is not None
    assert (layer.simulator.compute_end, layer.simulator.cycles, layer.simulator.utilization) == (3, 5, 1 / 5)
    assert layer.analytical["published"].cycles == 5


def test_the_record_has_the_keys_of_the_interface(finished: Run) -> None:
    record = finished.to_dict()
    assert list(record) == ["schema", "metronome", "workload", "hardware", "technology", "layers"]
    assert (record["schema"], record["workload"]) == (1, "net")
    assert record["hardware"] == _machine().to_dict()
    for layer in record["layers"]:
        assert list(layer)[:6] == ["name", "type", "macs", "legal", "units", "warnings"]
        assert list(layer)[6:] == (RESULTS if layer["legal"] else ["error"])
    legal = [layer for layer in record["layers"] if layer["legal"]]
    assert [layer["units"] for layer in legal] == [[4], [2, 2], [4]]
    assert [set(layer["analytical"]) for layer in legal] == [{"published", "refined"}] * 3


def test_every_model_fills_in_the_same_record(finished: Run) -> None:
    for layer in finished.to_dict()["layers"]:
        for metrics in (layer["simulator"], *layer["analytical"].values()) if layer["legal"] else ():
            assert set(metrics) == METRICS
            assert len(metrics["steps"]) == len(metrics["boundaries"]) == len(layer["units"])
            assert [{side: set(counts) for side, counts in each.items()} for each in metrics["boundaries"]] == (
                [BOUNDARY] * len(layer["units"])
            )
            assert metrics["l1"] == dict.fromkeys(
                ("input_read", "filter_read", "output_read", "output_write"), layer["macs"]
            )
            assert set(metrics["buffers"]) == {"l1_bytes", "l2_bytes"}


def test_an_illegal_layer_has_its_error_and_no_results(finished: Run) -> None:
    assert [layer.legal for layer in finished.layers] == [True, False, True, True]
    illegal = finished.layers[1]
    assert (illegal.simulator, illegal.analytical) == (None, {})
    assert illegal.to_dict() == {
        "name": "holes",
        "type": "GEMM",
        "macs": 24,
        "legal": False,
        "units": [4],
        "warnings": [],
        "error": {
            "layer": "holes",
            "point": {"M": 0, "N": 1, "K": 0},
            "times": 0,
            "directives": ["TemporalMap(1,2) N"],
            "position": {"file": "net.m", "line": 10, "column": 35},
            "reason": "of TemporalMap(1,2) N",
            "suggestion": "TemporalMap(1,1) N would compute every point of N once",
            "message": HOLES,
            "text": f"net.m:10:35: {HOLES}",
        },
    }


def test_layers_of_one_name_stand_side_by_side(finished: Run) -> None:
    deep = [layer for layer in finished.layers if layer.name == "deep"]
    assert [layer.units for layer in deep] == [(2, 2), (4,)]
    assert deep[1].warnings == (
        "net.m:20:35: TemporalMap(1,1) M ignored: M is already mapped at this level (first: line 20)",
    )


def test_the_frame_has_a_row_per_layer_and_model_and_whole_counts(finished: Run) -> None:
    frame = finished.frame()
    assert list(frame["layer"]) == ["conv"] * 3 + ["holes"] + ["deep"] * 6
    assert list(frame["model"].dropna()) == ["simulator", "published", "refined"] * 3
    simulated = [layer.simulator for layer in finished.layers if layer.simulator is not None]
    rows = frame[frame["model"] == "simulator"]
    assert list(rows["cycles"]) == [metrics.cycles for metrics in simulated]
    assert list(rows["boundary[0].upstream.input_read"]) == [m.boundaries[0].upstream.input_read for m in simulated]
    assert list(rows["difference_percent"]) == [0.0] * 3
    others = ["layer", "type", "legal", "model", "error", "difference_percent", "utilization"]
    costs = frame.columns[frame.columns.str.match(r"(energy|cost)\.")]
    counts = frame.columns.difference([*others, *costs])
    assert {str(kind) for kind in frame[counts].dtypes} == {"Int64"}
    assert list(frame["error"].dropna()) == [HOLES]
    assert frame.loc[frame["layer"] == "holes", "cycles"].isna().all()


def test_counts_beyond_64_bits_stay_exact() -> None:
    size = 10**10 + 1
    whole = parse_dataflow("Dataflow { TemporalMap(Sz(M),Sz(M)) M; }", "whole.m")
    large = Workload("large", (Task(Layer.of("a", "GEMM", {"M": size, "N": size}), whole),))
    frame = run(large, _machine("pes=1")).frame()
    assert list(frame["macs"]) == [size**2] * 3


# Options


@forks
def test_more_workers_and_no_acceleration_give_the_same_result(finished: Run) -> None:
    """But for the share of steps that were not followed one by one."""
    expected = finished.to_dict()
    assert run(_workload(), _machine(), workers=2).to_dict() == expected
    assert expected["layers"][0]["accelerated"] > 0
    for layer in expected["layers"]:
        if layer["legal"]:
            layer["accelerated"] = 0
    assert run(_workload(), _machine(), options=Options(accelerate=False)).to_dict() == expected


def test_progress_hears_of_every_layer_in_order() -> None:
    heard: list[str] = []
    run(_workload(), _machine(), progress=lambda layer: heard.append(layer.name))
    assert heard == ["conv", "holes", "deep", "deep"]


@pytest.mark.parametrize(("pad", "label"), [("l1", "L1 of a PE"), ("l2", "L2")])
def test_tiles_that_do_not_fit_are_an_error_unless_allowed(pad: str, label: str) -> None:
    """Two tiles of each of the three tensors, an element each, take 6 B; 5 are too few."""
    message = (
        f"layer a: its tiles take 6 B in the {label}, which holds 5 B; map smaller tiles, enlarge it "
        f"(--set {pad}.bytes=6), or allow it with --allow-overflow"
    )
    small = _machine("pes=1", f"{pad}.bytes=5")
    error = {
        "message": message,
        "position": {"file": "one.m", "line": 1, "column": 1},
        "text": f"one.m:1:1: {message}",
    }
    for layers in (run(_one_mac(), small).layers, tuple(check(_one_mac(), small))):
        assert [layer.error for layer in layers] == [error]
    allowed = Options(allow_overflow=True)
    warning = f"one.m:1:1: layer a: its tiles take 6 B in the {label}, which holds 5 B"
    for machine, options, warnings in (
        (small, allowed, (warning,)),
        (_machine("pes=1", f"{pad}.bytes=6"), Options(), ()),
    ):
        for layers in (
            run(_one_mac(), machine, options=options).layers,
            tuple(check(_one_mac(), machine, options=options)),
        ):
            assert [(layer.legal, layer.warnings) for layer in layers] == [(True, warnings)]


def test_a_warning_names_every_scratchpad_that_is_too_small() -> None:
    both = _machine("pes=1", "l1.bytes=5", "l2.bytes=4")
    (layer,) = run(_one_mac(), both, options=Options(allow_overflow=True)).layers
    assert layer.to_dict()["warnings"] == [
        "one.m:1:1: layer a: its tiles take 6 B in the L1 of a PE, which holds 5 B, and 6 B in the L2, which holds 4 B"
    ]


def test_a_check_judges_like_a_run_and_simulates_nothing(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("metronome.runs.simulate_mapping")
    verdicts = list(check(_workload(), _machine()))
    assert [(v.name, v.units, v.warnings, v.error) for v in verdicts] == [
        (layer.name, layer.units, layer.warnings, layer.error) for layer in finished.layers
    ]
    assert {verdict.simulator for verdict in verdicts} == {None}


# What cannot be run


def test_what_cannot_be_bound_is_refused_before_anything_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("metronome.runs.run_task")
    with pytest.raises(InputError) as error:
        run(_workload(), _machine("pes=1"))
    assert str(error.value) == ("net.m:15:35: deep: clusters of 2 PEs are larger than the array of 1; 2 PEs are needed")


def test_a_dataflow_for_many_layers_is_refused_with_the_layer() -> None:
    layers = (Layer.of("first", "GEMM", {"N": 2}), Layer.of("second", "CONV", {"K": 2}))
    dataflow = parse_dataflow("Dataflow rows { SpatialMap(1,1) M; }", "rows.m")
    with pytest.raises(InputError) as error:
        list(check(Workload("two", tuple(Task(layer, dataflow) for layer in layers)), _machine()))
    assert str(error.value) == (
        "rows.m:1:17: layer second: SpatialMap(1,1) M: a CONV has no dimension M; "
        "its dimensions are N G K C Y' X' R S Y X"
    )


# The Python interface


def test_the_names_of_the_interface_work_together() -> None:
    workload = mt.load("resnet50", dataflow="kcp_ws", layers=["fc"])
    machine = mt.hardware("reference-256", pes=128)
    result = mt.run(workload, machine)
    assert isinstance(workload, mt.Workload)
    assert isinstance(result, mt.Run)
    assert result.machine.pes == 128
    simulated = result.layers[0].simulator
    assert simulated is not None
    analysed = result.layers[0].analytical
    assert result.frame()["cycles"].tolist() == [simulated.cycles, analysed["published"].cycles, simulated.cycles]
    assert analysed["refined"].cycles == simulated.cycles


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"^module 'metronome' has no attribute 'emulate'$"):
        mt.emulate  # noqa: B018
