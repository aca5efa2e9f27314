"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from metronome.main import app

NET = """\
Network net {
  Layer first {
    Type: CONV
    Dimensions { K: 8, C: 4, R: 3, S: 3, Y: 10, X: 10 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) Y'; TemporalMap(1,1) X'; }
  }
  Layer second {
    Type: GEMM
    Dimensions { M: 5, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }
  }
}
"""
HOLES = NET.replace("SpatialMap(1,1) M;", "SpatialMap(1,1) M; TemporalMap(1,2) N;")
HOLES_MESSAGE = (
    "holes.m:10:35: layer second misses work: point (M 0, N 1, K 0) is never computed because of "
    "TemporalMap(1,2) N; TemporalMap(1,1) N would compute every point of N once\n"
)
UP = """\
Network up {
  Layer u {
    Type: TRCONV
    Stride { X: 2, Y: 2 }
    Dimensions { K: 2, C: 2, R: 2, S: 2, Y: 4, X: 4 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; }
  }
}
"""
STRIDED = """\
Network strided {
  Layer s {
    Type: CONV
    Stride { X: 1, Y: 2 }
    Dimensions { K: 4, R: 3, Y: 9 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(5,3) Y; }
  }
}
"""
SMALL = """\
pes: 4
l1: {bytes: 1KiB}
levels: [{distribution: {bandwidth: 4, latency: 1}, collection: {bandwidth: 4, latency: 1}}]
"""
MACHINES = "eyeriss-168, maeri-64, reference-256, reference-36, tpu-like-16x16"
NETWORKS = "alexnet, bert_base_encoder, mobilenet_v2, resnet50, unet, vgg16"
DATAFLOWS = "gemm_nmk, kcp_ws, maeri, nlr, xp_ws, yr_rs, yxp_os"

FILES = {"net.m": NET, "holes.m": HOLES, "up.m": UP, "strided.m": STRIDED, "small.yaml": SMALL}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of small files."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def metronome(*arguments: str) -> Result:
    """Call the program in this process."""
    return CliRunner().invoke(app, arguments)


def small(command: str, workload: str, *arguments: str) -> Result:
    """Call the program with the small machine."""
    return metronome(command, workload, "--hardware", "small.yaml", *arguments)


def document(*arguments: str) -> dict[str, Any]:
    """Return the JSON of a run without findings."""
    result = small("run", *arguments, "--json", "-")
    assert (result.exit_code, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


# run


def test_a_run_prints_a_table_and_ends_with_0() -> None:
    result = small("run", "net.m")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].rstrip() == "net on small (4 PEs)"
    assert [name for name in ("first", "second", "2 layers") if any(f"│ {name} " in line for line in lines)] == [
        "first",
        "second",
        "2 layers",
    ]


def test_without_arguments_the_shipped_example_runs() -> None:
    result = metronome("run", "--layer", "fc")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].rstrip() == "resnet50 on reference-256 (256 PEs)"
    result = metronome("run", "--dataflow", "nlr", "--layer", "fc", "--quiet", "--json", "-")
    assert json.loads(result.stdout)["layers"][0]["units"] == [256]


def test_an_illegal_layer_is_reported_and_the_others_run() -> None:
    result = small("run", "holes.m", "--json", "result.json")
    assert (result.exit_code, result.stderr) == (1, HOLES_MESSAGE)
    assert "illegal" in result.stdout
    first, second = json.loads(Path("result.json").read_text(encoding="utf-8"))["layers"]
    assert (first["legal"], first["simulator"]["cycles"] > 0) == (True, True)
    assert (second["legal"], set(second)) == (
        False,
        {"name", "type", "macs", "legal", "units", "warnings", "error"},
    )
    assert second["error"]["text"] == HOLES_MESSAGE.rstrip()


def test_a_warning_is_told_and_is_no_finding() -> None:
    warning = "strided.m:6:35: TemporalMap(5,3) Y: offset 3 read as 4: a chunk of 5 holds 2 Y' at stride 2"
    for command in ("run", "check"):
        result = small(command, "strided.m", "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{warning} (warning)\n")
    result = small("run", "strided.m", "--json", "-")
    assert json.loads(result.stdout)["layers"][0]["warnings"] == [warning]


def test_json_on_standard_output_is_all_there_is() -> None:
    found = document("net.m")
    assert list(found) == ["schema", "metronome", "workload", "hardware", "technology", "layers"]
    assert [layer["name"] for layer in found["layers"]] == ["first", "second"]
    assert json.loads(small("run", "holes.m", "--json", "-").stdout)["layers"][1]["legal"] is False


def test_csv_has_a_row_per_layer_and_model() -> None:
    result = small("run", "net.m", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["layer"], row["model"]) for row in rows] == [
        (layer, model) for layer in ("first", "second") for model in ("simulator", "published", "refined")
    ]
    layers = document("net.m")["layers"]
    assert [int(row["cycles"]) for row in rows[::3]] == [layer["simulator"]["cycles"] for layer in layers]
    result = small("run", "net.m", "--csv", "result.csv")
    assert "net on small" in result.stdout
    assert list(csv.DictReader(io.StringIO(Path("result.csv").read_text(encoding="utf-8")))) == rows


def test_quiet_prints_no_table_and_still_writes_files() -> None:
    result = small("run", "net.m", "--quiet", "--json", "a.json", "--csv", "a.csv")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert json.loads(Path("a.json").read_text(encoding="utf-8")) == document("net.m")
    assert Path("a.csv").exists()


def test_layers_are_chosen_by_patterns() -> None:
    def chosen(*patterns: str) -> list[str]:
        options = [argument for pattern in patterns for argument in ("--layer", pattern)]
        return [layer["name"] for layer in document("net.m", *options)["layers"]]

    assert chosen("f*") == ["first"]
    assert chosen("second", "f*") == ["first", "second"]
    assert chosen("[!f]*") == ["second"]


def test_hardware_values_are_set_by_their_keys() -> None:
    changes = ("--set", "levels.0.distribution.bandwidth=32", "--set", "pes=8", "--set", "l1=null")
    hardware = document("net.m", *changes)["hardware"]
    assert hardware["levels"][0]["distribution"]["bandwidth"] == 32
    assert (hardware["pes"], hardware["l1"], hardware["name"]) == (8, {"bytes": None}, "small")
    assert document("net.m", "--set", "pes=8", "--set", "pes=6")["hardware"]["pes"] == 6


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_workers_and_acceleration_change_no_number() -> None:
    """But for the share of steps that were not followed one by one."""
    expected = small("run", "net.m", "--json", "-").stdout
    assert small("run", "net.m", "--json", "-", "--workers", "2").stdout == expected
    accelerated = re.compile(r'"accelerated": [\d.]+')
    for options in (("--no-acceleration",), ("--workers", "2", "--no-acceleration")):
        found = small("run", "net.m", "--json", "-", *options).stdout
        assert found == accelerated.sub('"accelerated": 0.0', expected)


def test_compatibility_with_maestro_reads_a_transposed_convolution_as_a_convolution() -> None:
    """For 2·2 pairs of channels, 2·2 taps meet each of 4·4 inputs, or of 2·2 windows of a convolution of stride 2."""
    (plain,) = document("up.m")["layers"]
    (compatible,) = document("up.m", "--compat", "maestro")["layers"]
    assert [(layer["type"], layer["macs"]) for layer in (plain, compatible)] == [("TRCONV", 256), ("CONV", 64)]
    assert small("check", "up.m", "--compat", "maestro").exit_code == 0


def test_tiles_that_do_not_fit_are_found_unless_allowed() -> None:
    """A step of a PE is one output of one K: 4·3·3 inputs, as many weights and 1 output; two of each take 146 B."""
    message = (
        "net.m:5:5: layer first: its tiles take 146 B in the L1 of a PE, which holds 145 B; map smaller tiles, "
        "enlarge it (--set l1.bytes=146), or allow it with --allow-overflow\n"
    )
    for command in ("run", "check"):
        result = small(command, "net.m", "--set", "l1.bytes=145", "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)
        result = small(command, "net.m", "--quiet", "--set", "l1.bytes=146")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
        allowed = ("--quiet", "--allow-overflow")
        result = small(command, "net.m", *allowed, "--set", "l1.bytes=145")
        warning = "net.m:5:5: layer first: its tiles take 146 B in the L1 of a PE, which holds 145 B (warning)\n"
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", warning)


# check and list


def test_a_check_says_how_many_layers_are_illegal() -> None:
    for workload, status, verdict, message in (
        ("net.m", 0, "net: 2 layers, none illegal\n", ""),
        ("holes.m", 1, "net: 2 layers, 1 illegal\n", HOLES_MESSAGE),
        ("up.m", 0, "up: 1 layer, none illegal\n", ""),
    ):
        result = small("check", workload)
        assert (result.exit_code, result.stdout, result.stderr) == (status, verdict, message)
        result = small("check", workload, "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (status, "", message)


def test_a_check_writes_the_verdicts_as_json() -> None:
    result = small("check", "holes.m", "--json", "-")
    assert (result.exit_code, result.stderr) == (1, HOLES_MESSAGE)
    found = json.loads(result.stdout)
    assert list(found) == ["schema", "metronome", "workload", "hardware", "layers"]
    assert [(layer["legal"], layer["error"] is None) for layer in found["layers"]] == [(True, True), (False, False)]
    assert small("check", "holes.m", "--json", "verdict.json").stdout == "net: 2 layers, 1 illegal\n"
    assert json.loads(Path("verdict.json").read_text(encoding="utf-8")) == found


def test_a_network_is_checked_under_a_dataflow() -> None:
    result = metronome("check", "alexnet", "--dataflow", "yr_rs")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "alexnet: 8 layers, none illegal\n", "")


def test_the_list_names_what_is_shipped() -> None:
    result = metronome("list")
    assert (result.exit_code, result.stderr) == (0, "")
    listed: dict[str, list[str]] = {}
    for line in result.stdout.splitlines():
        if line.startswith("  "):
            listed[list(listed)[-1]].append(line.split()[0])
        else:
            listed[line] = []
    assert list(listed) == ["networks", "dataflows", "hardware", "technology"]
    assert [", ".join(listed[kind]) for kind in ("networks", "dataflows", "hardware")] == [
        NETWORKS,
        DATAFLOWS,
        MACHINES,
    ]
    only = metronome("list", "hardware").stdout.splitlines()
    assert (only[0], [line.split()[0] for line in only[1:]]) == ("hardware", listed["hardware"])
