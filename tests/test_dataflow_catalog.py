"""Names and paths lead to networks, dataflows, machines and technologies, faulty files to messages that say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow import catalog
from dataflow.catalog import Kind
from dataflow.errors import InputError
from dataflow.network_files import read_network_table
from dataflow.technology import read_technology

NETWORKS = "alexnet, bert_base_encoder, mobilenet_v2, resnet50, unet, vgg16"
DATAFLOWS = "gemm_nmk, kcp_ws, maeri, nlr, xp_ws, yr_rs, yxp_os"
MACHINES = "eyeriss-168, maeri-64, reference-256, reference-36, tpu-like-16x16"
TECHNOLOGIES = "eyeriss-65nm, maestro-28nm"


def _written(folder: Path, text: str, name: str = "net.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# The catalog


def test_names_are_those_of_the_shipped_files() -> None:
    listed = {kind: ", ".join(catalog.names(kind)) for kind in catalog.kinds()}
    assert listed == {
        "networks": NETWORKS,
        "dataflows": DATAFLOWS,
        "hardware": MACHINES,
        "technology": TECHNOLOGIES,
    }


def test_everything_shipped_is_found_by_its_name_and_describes_itself() -> None:
    for name in catalog.names("networks"):
        assert catalog.network(name).name == name
    for name in catalog.names("dataflows"):
        assert catalog.dataflow(name).name == name
    for name in catalog.names("hardware"):
        assert catalog.machine(name).name == name
    for name in catalog.names("technology"):
        assert catalog.technology(name).name == name
    for kind in catalog.kinds():
        for name in catalog.names(kind):
            assert 20 <= len(catalog.describe(kind, name)) <= 118


def test_description_is_the_first_comment_line() -> None:
    assert catalog.describe("dataflows", "xp_ws") == "Weight stationary: output columns across the units (X-P)"
    assert catalog.describe("networks", "vgg16") == (
        "VGG-16: 13 convolutions of 3x3 and 3 fully connected layers, 224x224 input, batch 1"
    )


def test_layer_types_of_a_dataflow() -> None:
    assert catalog.layer_types("gemm_nmk") == ("GEMM",)
    assert catalog.layer_types("kcp_ws") == ("CONV", "NGCONV", "DSCONV", "TRCONV")


def test_a_users_own_files_are_found_by_path(tmp_path: Path) -> None:
    table = _written(tmp_path, "layers: [{name: a, type: GEMM, M: 2, N: 3, K: 4}]")
    maestro = _written(tmp_path, "Network own { Layer b { Type: GEMM Dimensions { M: 2 } } }", "net.m")
    template = _written(tmp_path, "Dataflow mine { SpatialMap(1,1) K; }", "mine.m")
    levels = "levels: [{distribution: {bandwidth: 4}, collection: {bandwidth: 4}}]"
    hardware = _written(tmp_path, f"pes: 4\n{levels}\n", "small.yaml")
    costs = _written(tmp_path, "l1: 1\nl2: 2.5\n", "costs.yaml")
    assert [mapped.layer.name for mapped in catalog.network(str(table)).layers] == ["a"]
    assert catalog.network(table).name == "net"
    assert catalog.network(maestro).layers[0].layer.name == "b"
    assert catalog.dataflow(template).name == "mine"
    assert catalog.machine(hardware, ["pes=8"]).pes == 8
    assert catalog.technology(costs).model_dump(exclude_none=True) == {
        "name": "costs", "mac": 1, "l1": 1, "network": 0, "l2": 2.5,
    }  # fmt: skip


def test_overrides_apply_to_shipped_machines() -> None:
    assert catalog.machine("reference-256", ["pes=64", "levels.0.distribution.bandwidth=32"]).pes == 64


def test_a_shipped_name_wins_over_a_file_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path, "", "vgg16")
    monkeypatch.chdir(tmp_path)
    assert catalog.network("vgg16").name == "vgg16"
    with pytest.raises(InputError):
        catalog.network("./vgg16")


def _message(error: pytest.ExceptionInfo[InputError]) -> str:
    return str(error.value)


def test_an_unknown_name_lists_the_shipped_ones_and_the_closest() -> None:
    with pytest.raises(InputError) as error:
        catalog.network("resnet")
    assert _message(error) == (
        f"'resnet': neither a shipped network nor a file; the shipped networks are {NETWORKS}; did you mean resnet50?"
    )
    with pytest.raises(InputError) as error:
        catalog.dataflow("output_stationary")
    assert _message(error) == (
        f"'output_stationary': neither a shipped dataflow nor a file; the shipped dataflows are {DATAFLOWS}"
    )
    with pytest.raises(InputError) as error:
        catalog.technology("maestro-28")
    assert _message(error) == (
        "'maestro-28': neither a shipped technology nor a file; "
        f"the shipped technologies are {TECHNOLOGIES}; did you mean maestro-28nm?"
    )


def test_a_missing_file_and_a_directory_say_so(tmp_path: Path) -> None:
    missing = str(tmp_path / "reference-256.yml")
    with pytest.raises(InputError) as error:
        catalog.machine(missing)
    assert _message(error) == (
        f"{missing!r}: neither a shipped machine nor a file; "
        f"the shipped machines are {MACHINES}; did you mean reference-256?"
    )
    with pytest.raises(InputError) as error:
        catalog.network(tmp_path)
    assert _message(error) == (
        f"{str(tmp_path)!r}: is a directory; a name or a file is needed; the shipped networks are {NETWORKS}"
    )


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "/", "~nobody/net.yaml"])
@pytest.mark.parametrize("find", [catalog.network, catalog.dataflow, catalog.machine, catalog.technology])
def test_odd_names_are_input_errors(name: str, find: object) -> None:
    with pytest.raises(InputError):
        find(name)  # type: ignore[operator]


@pytest.mark.parametrize("kind", catalog.kinds())
def test_only_shipped_things_are_described(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^'nothing': no \w+ of this name is shipped; the shipped \w+ are .*$"):
        catalog.describe(kind, "nothing")


# Layer tables


def test_a_row_states_sizes_stride_and_dilation(tmp_path: Path) -> None:
    """(12 − (2·(3 − 1) + 1)) / 3 + 1 = 3 and (9 − (2 − 1 + 1)) / 1 + 1 = 8 outputs."""
    text = "layers: [{name: a, type: CONV, K: 2, R: 3, S: 2, Y: 12, X: 9, stride: [3, 1], dilation: [2, 1]}]"
    (mapped,) = read_network_table(_written(tmp_path, text)).layers
    assert mapped.dataflow is None
    assert (mapped.layer.stride, mapped.layer.dilation) == ((3, 1), (2, 1))
    assert (mapped.layer.sizes["Y'"], mapped.layer.sizes["X'"], mapped.layer.sizes["C"]) == (3, 8, 1)


def test_one_number_is_the_stride_of_both_directions(tmp_path: Path) -> None:
    text = "layers: [{name: a, type: CONV, Y': 4, X': 5, stride: 2}]"
    layer = read_network_table(_written(tmp_path, text)).layers[0].layer
    assert (layer.stride, layer.sizes["Y"], layer.sizes["X"]) == ((2, 2), 7, 9)


def test_a_count_repeats_a_row_under_numbered_names(tmp_path: Path) -> None:
    text = "name: heads\nlayers: [{name: h, type: GEMM, M: 2, count: 3}, {name: o, type: GEMM, M: 2, count: 1}]"
    network = read_network_table(_written(tmp_path, text))
    assert network.name == "heads"
    assert [mapped.layer.name for mapped in network.layers] == ["h.1", "h.2", "h.3", "o.1"]


KEYS = "name type stride dilation count N G M K C R S Y X Y' X'"
TYPES = "CONV, NGCONV, DSCONV, TRCONV, GEMM"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{name: a, type: CONV, K: 0}", "layers[1].K: 0 should be at least 1 and less than 1000000000000000000"),
        ("{name: a, type: CONV, K: two}", "layers[1].K: 'two' should be a whole number"),
        ("{name: a, type: CONV, K: true}", "layers[1].K: True should be a whole number"),
        ("{name: a, type: CONV, K: 1.5}", "layers[1].K: 1.5 should be a whole number"),
        ("{name: a, type: CONV, pad: 1}", f"layers[1].pad: unknown key; the keys are {KEYS}"),
        (
            "{name: a, type: CONV, strides: 1}",
            f"layers[1].strides: unknown key; the keys are {KEYS}; did you mean stride?",
        ),
        ("{name: a, type: CNV}", f"layers[1].type: unknown layer type CNV; the types are {TYPES}; did you mean CONV?"),
        ("{name: a, type: [1]}", f"layers[1].type: unknown layer type [1]; the types are {TYPES}"),
        ("{name: a}", "layers[1].type: is missing"),
        ("{type: CONV}", "layers[1].name: is missing"),
        ("{name: a b, type: CONV}", "layers[1].name: 'a b' is no name; a name is a text of letters, digits and _ . -"),
        ("{name: 3, type: CONV}", "layers[1].name: 3 is no name; a name is a text of letters, digits and _ . -"),
        ("{name: first, type: CONV}", "layers[1].name: a second layer first; the first is layers[0]"),
        (
            "{name: a, type: CONV, stride: 0}",
            "layers[1].stride: 0 should be at least 1 and less than 1000000000000000000",
        ),
        (
            "{name: a, type: CONV, stride: [1]}",
            "layers[1].stride: should be one number, or two: [vertical, horizontal]",
        ),
        ("{name: a, type: CONV, dilation: [1, x]}", "layers[1].dilation[1]: 'x' should be a whole number"),
        ("{name: a, type: GEMM, count: 10000}", "layers[1].count: 10000 should be at least 1 and less than 10000"),
        ("a", "layers[1]: a row {name: …, type: …, sizes} should stand here"),
        (
            "{name: a, type: GEMM, C: 3}",
            "layers[1]: layer a: a GEMM has no dimension C; its dimensions are M N K",
        ),
        (
            "{name: a, type: CONV, R: 3, Y: 2}",
            "layers[1]: layer a: Y is 2, less than the 3 that one window of R = 3 and dilation 1 reaches over",
        ),
    ],
)
def test_a_faulty_row_is_named_by_its_key_path(row: str, fault: str, tmp_path: Path) -> None:
    path = _written(tmp_path, f"layers:\n  - {{name: first, type: GEMM}}\n  - {row}\n")
    with pytest.raises(InputError) as error:
        read_network_table(path)
    assert _message(error) == f"{path}: {fault}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ": a layer table has the keys name and layers"),
        ("[1]", ": a layer table has the keys name and layers"),
        ("name: a", ": layers: a list of at least one layer should stand here"),
        ("layers: []", ": layers: a list of at least one layer should stand here"),
        ("layer: []", ": layer: unknown key; the keys are name layers; did you mean layers?"),
        ("name: 'a/b'\nlayers: [1]", ": name: 'a/b' is no name; a name is a text of letters, digits and _ . -"),
        ("layers:\n  - {name: a, type: CONV, K: 1, K: 2}", ":2:33: the key K is stated a second time"),
    ],
)
def test_a_faulty_table_says_what_should_stand_there(text: str, fault: str, tmp_path: Path) -> None:
    path = _written(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_network_table(path)
    assert _message(error) == f"{path}{fault}"


# Technology files

ENERGIES = "name mac l1 network cluster_buffer l2 dram mac_pj pe_um2 sram_um2_per_byte bus_um2 arbiter_um2"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f": a technology file has the keys {ENERGIES}"),
        ("l1: 1", ": l2: is missing; an energy relative to one MAC should stand here"),
        ("l1: 1\nl2: -1", ": l2: -1 should be a number of at least 0, the energy relative to one MAC"),
        ("l1: x\nl2: 1", ": l1: 'x' should be a number of at least 0, the energy relative to one MAC"),
        ("l1: true\nl2: 1", ": l1: True should be a number of at least 0, the energy relative to one MAC"),
        ("l1: 1\nl2: 1\nname: 3", ": name: 3 should be a text"),
        ("l1: 1\nl2: 1\nram: 1", f": ram: unknown key; the keys are {ENERGIES}; did you mean dram?"),
    ],
)
def test_a_faulty_technology_says_what_should_stand_there(text: str, fault: str, tmp_path: Path) -> None:
    path = _written(tmp_path, text, "costs.yaml")
    with pytest.raises(InputError) as error:
        read_technology(path)
    assert _message(error) == f"{path}{fault}"
