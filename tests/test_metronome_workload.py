"""Names, files and patterns lead to layers with their dataflows, and what leads nowhere says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow import catalog
from dataflow.errors import InputError
from metronome.workload import hardware, load

NETWORKS = "alexnet, bert_base_encoder, mobilenet_v2, resnet50, unet, vgg16"
DATAFLOWS = "gemm_nmk, kcp_ws, maeri, nlr, xp_ws, yr_rs, yxp_os"

MAPPED = """\
Network net {
  Layer a { Type: GEMM Dimensions { M: 2 } Dataflow { SpatialMap(1,1) M; } }
  Layer b { Type: GEMM Dimensions { N: 2 } Dataflow { SpatialMap(1,1) N; } }
  Layer a { Type: GEMM Dimensions { K: 2 } Dataflow { SpatialMap(1,1) K; } }
}
"""
UP = "Network up { Layer u { Type: TRCONV Dimensions { K: 1, Y: 4, X: 4 } Dataflow { SpatialMap(1,1) K; } } }"
BARE = "Network bare {\n  Layer a { Type: GEMM Dimensions { M: 2 } }\n}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a few files."""
    for name, text in (("net.m", MAPPED), ("up.m", UP), ("bare.m", BARE), ("folder.m/file", "")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _names(workload: str, *layers: str) -> list[str]:
    return [task.layer.name for task in load(workload, layers=layers).tasks]


# What is found


def test_a_mapping_file_brings_its_own_dataflows(folder: Path) -> None:
    for file in ("net.m", folder / "net.m"):
        workload = load(file)
        assert workload.name == "net"
        assert [task.dataflow.directives[0].dimension for task in workload.tasks] == ["M", "N", "K"]  # type: ignore[union-attr]


def test_a_dataflow_that_is_given_computes_every_layer(folder: Path) -> None:
    given = catalog.dataflow("gemm_nmk")
    (folder / "mine.m").write_text("Dataflow mine { SpatialMap(1,1) M; }", encoding="utf-8")
    for choice, name in (
        ("gemm_nmk", "gemm_nmk"),
        (given, "gemm_nmk"),
        (folder / "mine.m", "mine"),
        ("mine.m", "mine"),
    ):
        assert {task.dataflow.name for task in load("net.m", dataflow=choice).tasks} == {name}


def test_a_shipped_network_takes_a_dataflow() -> None:
    workload = load("vgg16", dataflow="kcp_ws")
    assert (workload.name, len(workload.tasks)) == ("vgg16", 16)


def test_layers_are_kept_in_the_order_of_the_file_however_often_patterns_match(folder: Path) -> None:
    assert _names("net.m") == ["a", "b", "a"]
    assert _names("net.m", "a") == ["a", "a"]
    assert _names("net.m", "b", "?", "[ab]") == ["a", "b", "a"]
    kept = load("resnet50", dataflow="kcp_ws", layers=["fc", "conv2_1?"]).tasks
    assert [task.layer.name for task in kept] == ["conv2_1a", "conv2_1b", "conv2_1c", "fc"]


def test_compatibility_with_maestro_reads_a_transposed_convolution_as_a_convolution(folder: Path) -> None:
    assert [load("up.m", compat_maestro=compat).tasks[0].layer.type for compat in (False, True)] == ["TRCONV", "CONV"]


def test_hardware_values_are_replaced_whatever_their_kind() -> None:
    machine = hardware(
        "reference-256",
        pes=128,
        multicast=False,
        l1=None,
        l2={"bytes": 4096},
        **{"levels.0.distribution.bandwidth": 32, "levels[0].collection.reduction": "chain", "clock_ghz": 0.5},
    )
    assert (machine.pes, machine.multicast, machine.l1.bytes, machine.l2.bytes) == (128, False, None, 4096)
    assert (machine.levels[0].distribution.bandwidth, machine.levels[0].collection.reduction) == (32, "chain")
    assert machine.clock_ghz == 0.5
    assert hardware("reference-256").pes == 256


# What is not


def _refusal(workload: str, **options: object) -> str:
    with pytest.raises(InputError) as error:
        load(workload, **options)  # type: ignore[arg-type]
    return str(error.value)


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        ("gone.m", "gone.m: no such file"),
        ("folder.m", "folder.m: is a directory; a file is needed"),
        (
            "resnet",
            f"'resnet': neither a shipped network nor a file; the shipped networks are {NETWORKS}; "
            "did you mean resnet50?",
        ),
        (".", f"'.': is a directory; a name or a file is needed; the shipped networks are {NETWORKS}"),
        ("bare.m", f"bare.m:2:3: layer a has no dataflow; choose one with --dataflow: {DATAFLOWS}, or a file"),
        ("vgg16", f"vgg16: layer conv1_1 has no dataflow; choose one with --dataflow: {DATAFLOWS}, or a file"),
    ],
)
def test_a_workload_that_cannot_be_used_is_refused(workload: str, message: str, folder: Path) -> None:
    assert _refusal(workload) == message


def test_network_and_dataflow_are_not_to_be_swapped(folder: Path) -> None:
    (folder / "mine.m").write_text("Dataflow mine { SpatialMap(1,1) M; }", encoding="utf-8")
    assert _refusal("mine.m") == "mine.m:1:1: dataflow mine where only a network should stand"
    assert _refusal("bare.m", dataflow="net.m") == "net.m:1:1: network net where only a dataflow should stand"


def test_every_pattern_has_to_match_a_layer(folder: Path) -> None:
    assert _refusal("net.m", layers=["a", "c*"]) == "--layer: no layer of net matches c*; its layers are a, b"
    assert _refusal("net.m", layers=["A"]) == "--layer: no layer of net matches A; its layers are a, b"


def test_the_list_of_layers_ends_after_twenty() -> None:
    first = load("resnet50", dataflow="kcp_ws").tasks[:20]
    names = ", ".join(task.layer.name for task in first)
    assert _refusal("resnet50", layers=["conv6"]) == (
        f"--layer: no layer of resnet50 matches conv6; its layers are {names}, …"
    )


def test_a_file_that_vanishes_once_it_is_found_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = folder / "table.yaml"
    table.write_text("layers: [{name: a, type: GEMM}]", encoding="utf-8")

    def vanish(_mode: int) -> bool:
        table.unlink()
        return False

    monkeypatch.setattr("dataflow.catalog.S_ISDIR", vanish)
    assert _refusal("table.yaml") == "table.yaml: no such file"


def test_a_hardware_value_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError) as error:
        hardware("reference-256", pes=0)
    assert str(error.value) == "override pes=0: 0 is less than 1"
    with pytest.raises(InputError) as error:
        hardware("reference-256", pes=None)
    assert str(error.value) == "override pes=null: null is not a whole number"
