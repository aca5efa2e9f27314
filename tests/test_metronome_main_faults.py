"""Whatever is wrong with the input, or goes wrong meanwhile: one message, a status, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dataflow.hardware import Machine
from metronome.main import app
from metronome.runs import LayerRun, Options, run_task
from metronome.workload import Task

NET = """\
Network net {
  Layer first {
    Type: CONV
    Dimensions { K: 4, R: 3, Y: 6 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) Y'; }
  }
  Layer second {
    Type: GEMM
    Dimensions { M: 5, N: 2, K: 3 }
    Dataflow { SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K; }
  }
}
"""
SMALL = """\
pes: 4
levels: [{distribution: {bandwidth: 4, latency: 1}, collection: {bandwidth: 4, latency: 1}}]
"""
MACHINES = "eyeriss-168, maeri-64, reference-256, reference-36, tpu-like-16x16"
NETWORKS = "alexnet, bert_base_encoder, mobilenet_v2, resnet50, unet, vgg16"
DATAFLOWS = "gemm_nmk, kcp_ws, maeri, nlr, xp_ws, yr_rs, yxp_os"
TOP_KEYS = (
    "name, pes, lanes, element_bytes, clock_ghz, buffering, filter_buffering, output_buffering, multicast, l1, l2, "
    "levels, dram, sync, technology"
)

FILES = {
    "net.m": NET,
    "empty.m": "",
    "bare.m": "Network bare {\n  Layer a { Type: GEMM Dimensions { M: 2 } }\n}\n",
    "layerless.m": "Network layerless { }\n",
    "syntax.m": NET.replace("SpatialMap(1,1) K; Temp", "SpatialMap(1;1) K; Temp"),
    "misspelt.m": NET.replace("SpatialMap(1,1) K; Temp", "SpatialMap(1,1) Q; Temp"),
    "table.yaml": "layers: [{name: a, type: GEMM, M: 4}]",
    "no-layers.yaml": "name: nothing\nlayers: []\n",
    "small.yaml": SMALL,
    "typo.yaml": SMALL.replace("pes:", "pse:"),
    "zero.yaml": SMALL.replace("bandwidth: 4", "bandwidth: 0", 1),
    "folder/file": "",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of files, most of them bad."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("binary", "binary.m"):
        (tmp_path / name).write_bytes(b"\x7fELF\x02\x01\n\x00\xd0\xff")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def metronome(*arguments: str) -> Result:
    """Call the program in this process."""
    return CliRunner().invoke(app, arguments)


def refusal(*arguments: str) -> str:
    """Return the one message on standard error with which the program refuses its input, and nothing is written."""
    before = sorted(Path().rglob("*"))
    result = metronome(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert isinstance(result.exception, SystemExit)
    assert sorted(Path().rglob("*")) == before
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    return lines[0].removeprefix("metronome: ")


RUN_AND_CHECK = [
    (["gone.m"], "gone.m: no such file"),
    (["folder"], f"'folder': is a directory; a name or a file is needed; the shipped networks are {NETWORKS}"),
    (["binary"], "binary:2:2: not a text file in UTF-8: the byte 0xd0 cannot stand here"),
    (["binary.m"], "binary.m:2:2: not a text file in UTF-8: the byte 0xd0 cannot stand here"),
    (["empty.m"], "empty.m: there is no network in the file"),
    (["layerless.m"], "layerless.m:1:1: network layerless has no layers"),
    (["no-layers.yaml"], "no-layers.yaml: layers: a list of at least one layer should stand here"),
    (["syntax.m"], "syntax.m:5:28: found ';' where an operator or ',' should stand"),
    (
        ["misspelt.m"],
        "misspelt.m:5:16: SpatialMap(1,1) Q: a CONV has no dimension Q; its dimensions are N G K C Y' X' R S Y X",
    ),
    (
        ["net.m", "--set", "pes=1"],
        "net.m:10:35: second: clusters of 2 PEs are larger than the array of 1; 2 PEs are needed",
    ),
    (
        ["resnet-50"],
        f"'resnet-50': neither a shipped network nor a file; the shipped networks are {NETWORKS}; "
        "did you mean resnet50?",
    ),
    (
        ["alexnet", "--dataflow", "kcp-ws"],
        f"'kcp-ws': neither a shipped dataflow nor a file; the shipped dataflows are {DATAFLOWS}; did you mean kcp_ws?",
    ),
    (["alexnet", "--dataflow", "net.m"], "net.m:1:1: network net where only a dataflow should stand"),
    (["bare.m"], f"bare.m:2:3: layer a has no dataflow; choose one with --dataflow: {DATAFLOWS}, or a file"),
    (["table.yaml"], f"table.yaml: layer a has no dataflow; choose one with --dataflow: {DATAFLOWS}, or a file"),
    (
        ["net.m", "--hardware", "reference256"],
        f"'reference256': neither a shipped machine nor a file; the shipped machines are {MACHINES}; "
        "did you mean reference-256?",
    ),
    (["net.m", "--hardware", "binary"], "binary:2:2: not a text file in UTF-8: the byte 0xd0 cannot stand here"),
    (
        ["net.m", "--hardware", "typo.yaml"],
        f"typo.yaml: pse: unknown key pse; the keys here are {TOP_KEYS}; did you mean pes?",
    ),
    (["net.m", "--hardware", "zero.yaml"], "zero.yaml: levels[0].distribution.bandwidth: 0 is less than 1"),
    (["net.m", "--set", "pes"], "override pes: an override has the form key=value, for example pes=64"),
    (["net.m", "--set", "pes=many"], "override pes=many: 'many' is not a whole number"),
    (
        ["net.m", "--set", "pse=4"],
        f"override pse=4: unknown key pse; the keys here are {TOP_KEYS}; did you mean pes?",
    ),
    (
        ["net.m", "--set", "levels.1.collection.latency=2"],
        "override levels.1.collection.latency=2: levels has no entry 1; its entries are 0",
    ),
    (["net.m", "--layer", "third"], "--layer: no layer of net matches third; its layers are first, second"),
    (
        ["net.m", "--layer", "first", "--layer", "third"],
        "--layer: no layer of net matches third; its layers are first, second",
    ),
    (["net.m", "--json", "folder"], "folder: is a directory; a file name is needed"),
    (["net.m", "--json", "gone/a.json"], "gone/a.json: cannot be written: no such file or directory"),
    (["net.m", "--json", "net.m/a.json"], "net.m/a.json: cannot be written: not a directory"),
]
RUN_ONLY = [
    (["net.m", "--workers", "0"], "--workers: 0 workers; at least 1 is needed"),
    (["net.m", "--json", "a.json", "--csv", "gone/a.csv"], "gone/a.csv: cannot be written: no such file or directory"),
    (["net.m", "--json", "-", "--csv", "-"], "-: --json and --csv write to the same place; name two"),
    (["net.m", "--json", "a", "--csv", "a"], "a: --json and --csv write to the same place; name two"),
]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *((["run", *arguments], message) for arguments, message in RUN_AND_CHECK + RUN_ONLY),
        *((["check", *arguments], message) for arguments, message in RUN_AND_CHECK),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused_with_one_message(arguments: list[str], message: str) -> None:
    assert refusal(*arguments) == message


def test_no_layer_is_simulated_when_the_result_could_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("metronome.runs.run_task")
    assert refusal("run", "net.m", "--json", "folder") == "folder: is a directory; a file name is needed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "net.m", "--frobnicate"], "No such option: --frobnicate"),
        (["run", "net.m", "--workers", "two"], "Invalid value for '--workers'"),
        (["run", "net.m", "--compat", "timeloop"], "Invalid value for '--compat'"),
        (["run", "net.m", "--json"], "Option '--json' requires an argument."),
        (["check"], "Missing argument"),
        (["list", "dogs"], "Invalid value for 'kind'"),
        (["simulate"], "No such command 'simulate'."),
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2(arguments: list[str], words: str) -> None:
    result = metronome(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert isinstance(result.exception, SystemExit)
    assert words in result.stderr


# Faults while it runs


def test_an_interrupt_ends_with_130_and_leaves_an_old_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object, **_options: object) -> LayerRun:
        raise KeyboardInterrupt

    Path("a.json").write_text("old", encoding="utf-8")
    before = sorted(Path().iterdir())
    monkeypatch.setattr("metronome.runs.run_task", interrupted)
    result = metronome("run", "net.m", "--set", "pes=4", "--json", "a.json")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "metronome: interrupted\n")
    assert Path("a.json").read_text(encoding="utf-8") == "old"
    assert sorted(Path().iterdir()) == before


def test_a_folder_that_vanishes_meanwhile_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def vanish(task: Task, machine: Machine, options: Options) -> LayerRun:
        Path("new").rmdir()
        return run_task(task, machine, options)

    Path("new").mkdir()
    monkeypatch.setattr("metronome.runs.run_task", vanish)
    result = metronome("run", "net.m", "--set", "pes=4", "--layer", "second", "--json", "new/a.json")
    assert (result.exit_code, result.stdout, result.stderr) == (
        2,
        "",
        "metronome: new/a.json: cannot be written: no such file or directory\n",
    )
