"""Space files: what they say is resolved, and what is wrong with them is said in one message."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from spaces import TILED

from dataflow.errors import InputError
from exploration.space import Limits, Space
from exploration.space_files import parse_space, read_space

SMALL = """\
workload: vgg16
layers: [conv5_1]
dataflows: [kcp_ws]
ranges:
  pes: [64, 128]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiled.m").write_text(TILED)
    return tmp_path


def parsed(text: str, folder: Path) -> Space:
    return parse_space(text, "s.yaml", folder)


def test_a_space_has_a_digit_per_axis(folder: Path) -> None:
    """2 layers x (2·2 + 1) dataflows x 3 PEs x 2 buffers x 2 bandwidths x 3 latencies x 4 L1 x 3 L2 = 4320."""
    text = """
name: all
workload: vgg16
layers: ["conv5_[12]"]
dataflows:
  - template: tiled.m
    parameters: {tile_k: [1, 2], tile_c: {from: 2, to: 4, times: 2}}
  - kcp_ws
ranges:
  l2.bytes: {from: 8KiB, to: 32KiB, times: 2}
  levels.0.distribution.bandwidth: [4, 8]
  levels.0.collection.latency: {from: 0, to: 2}
  buffering: [1, 2]
  pes: {from: 64, to: 128, step: 32}
  l1.bytes: [64, null, 1KiB, 2048]
constraints: {area_mm2: 1.5, power_mw: 450, buffers: ignore}
objectives: [throughput, energy]
"""
    space = parsed(text, folder)
    assert [axis.key for axis in space.axes] == [
        "pes",
        "buffering",
        "lanes",
        "levels.0.distribution.bandwidth",
        "levels.0.collection.latency",
        "l1.bytes",
        "l2.bytes",
    ]
    assert space.radices == (2, 5, 3, 2, 1, 2, 3, 4, 3)
    assert space.designs == 4320
    assert space.limits == Limits(Fraction(1_500_000), Fraction(450), fit=False)
    assert [instance.name for instance in space.instances] == [
        "tiled(tile_k=1, tile_c=2)",
        "tiled(tile_k=1, tile_c=4)",
        "tiled(tile_k=2, tile_c=2)",
        "tiled(tile_k=2, tile_c=4)",
        "kcp_ws",
    ]
    for number in (0, 1, 1234, 4319):
        assert space.number(space.digits(number)) == number
    last = space.design(4319)
    assert (last.target, last.instance) == (1, 4)
    assert last.values == {
        "pes": 128,
        "buffering": 2,
        "lanes": 1,
        "levels.0.distribution.bandwidth": 8,
        "levels.0.collection.latency": 2,
        "l1.bytes": 2048,
        "l2.bytes": 32768,
    }
    machine = space.machine_of(last.values)
    assert (machine.pes, machine.l1.bytes, machine.levels[0].distribution.bandwidth) == (128, 2048, 8)


def test_the_least_space_is_a_workload_a_dataflow_and_ranges(folder: Path) -> None:
    space = parsed(SMALL, folder)
    assert space.designs == 2
    assert (space.objectives, space.limits, space.model) == (("runtime", "energy"), Limits(), "refined")


def test_a_network_is_one_target(folder: Path) -> None:
    space = parsed(SMALL.replace("[conv5_1]", "[conv5_*]") + "scope: network\ndataflow_per_layer: energy\n", folder)
    ((name, layers),) = space.targets
    assert (name, len(layers), space.groups, space.designs) == ("vgg16", 3, 1, 2)


def test_there_is_no_design_beyond_the_last(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        parsed(SMALL, folder).design(2)
    assert str(error.value) == "s: there is no design 2; there are 2, numbered from 0"


@pytest.mark.parametrize(
    ("changed", "to", "message"),
    [
        (
            SMALL,
            "",
            "a space file has the keys workload, dataflows and ranges at least",
        ),
        (
            "workload: vgg16\n",
            "",
            "workload: this key is missing; a space file has the keys workload, dataflows and ranges at least",
        ),
        (
            "layers:",
            "layer:",
            "layer: unknown key; the keys here are name, workload, layers, scope, dataflows, "
            "dataflow_per_layer, hardware, technology, model, ranges, constraints, objectives; did you mean "
            "layers?",
        ),
        (
            "conv5_1",
            "conv9",
            "layers[0]: no layer of vgg16 matches conv9; its layers are conv1_1, conv1_2, conv2_1, conv2_2, "
            "conv3_1, conv3_2, conv3_3, conv4_1, conv4_2, conv4_3, conv5_1, conv5_2, conv5_3, fc6, fc7, fc8",
        ),
        (
            "vgg16",
            "vgg61",
            "workload: 'vgg61': neither a shipped network nor a file; the shipped networks are alexnet, "
            "bert_base_encoder, mobilenet_v2, resnet50, unet, vgg16; did you mean vgg16?",
        ),
        (
            "[kcp_ws]",
            "[]",
            "dataflows: a list of dataflows, names or files, should stand here",
        ),
        (
            "[kcp_ws]",
            "[{template: tiled.m, parameters: {tile: [1]}}]",
            "tiled.m: no constant tile; its constants are tile_k, tile_c; did you mean tile_k?",
        ),
        (
            "[kcp_ws]",
            "[{template: tiled.m, parameters: {tile_k: [1, x]}}]",
            "dataflows[0].parameters.tile_k: 'x' should be a whole number of at least 0; an axis is a value, "
            "a list of values, {from, to, step} or {from, to, times}",
        ),
        (
            "[64, 128]",
            "[64, 64]",
            "ranges.pes: 64 is there twice",
        ),
        (
            "[64, 128]",
            "[]",
            "ranges.pes: the list is empty; it needs one value at least: a value, a list of values, {from, "
            "to, step} or {from, to, times}",
        ),
        (
            "[64, 128]",
            "{from: 8}",
            "ranges.pes: should be a value, a list of values, {from, to, step} or {from, to, times}",
        ),
        (
            "[64, 128]",
            "{from: 8, to: 4}",
            "ranges.pes.to: 4 should be a whole number of at least 8; an axis is a value, a list of values, "
            "{from, to, step} or {from, to, times}",
        ),
        (
            "[64, 128]",
            "{from: 1, to: 1000000}",
            "ranges.pes: 1000000 values are more than 100000",
        ),
        (
            "pes:",
            "pse:",
            "ranges.pse: is no range; pes, lanes, buffering, filter_buffering, output_buffering, l1.bytes, "
            "l2.bytes, and bandwidths and latencies of the machine's levels are; did you mean pes?",
        ),
        (
            "pes: [64, 128]",
            "levels.7.distribution.bandwidth: 1",
            "ranges.levels.7.distribution.bandwidth: is no range; pes, lanes, buffering, filter_buffering, "
            "output_buffering, l1.bytes, l2.bytes, and bandwidths and latencies of the machine's levels are; "
            "did you mean levels.N.distribution.bandwidth?",
        ),
        (
            "pes: [64, 128]",
            "l1.bytes: 1kB",
            "ranges.l1.bytes: '1kB' is not a size; write bytes such as 512, 64B, 108KiB or 1MiB",
        ),
        (
            "dataflows",
            "objectives: [speed]\ndataflows",
            "objectives[0]: unknown objective speed; the objectives are runtime, throughput, energy, "
            "energy_delay, throughput_per_area, area, power",
        ),
        (
            "dataflows",
            "objectives: [energy, energy]\ndataflows",
            "objectives[1]: energy is an objective already",
        ),
        (
            "dataflows",
            "constraints: {area: 3}\ndataflows",
            "constraints.area: unknown key; the keys here are area_mm2, power_mw, buffers; did you mean area_mm2?",
        ),
        (
            "dataflows",
            "constraints: {area_mm2: -3}\ndataflows",
            "constraints.area_mm2: -3 should be a number above 0",
        ),
        (
            "dataflows",
            "constraints: {buffers: some}\ndataflows",
            "constraints.buffers: 'some' should be fit or ignore",
        ),
        (
            "dataflows",
            "technology: eyeriss-65nm\nconstraints: {power_mw: 3}\ndataflows",
            "constraints.power_mw: technology eyeriss-65nm does not state mac_pj, the energy of a MAC",
        ),
        (
            "dataflows",
            "technology: eyeriss-65nm\nobjectives: [area]\ndataflows",
            "objectives[0]: technology eyeriss-65nm does not state pe_um2",
        ),
        (
            "dataflows",
            "scope: layers\ndataflows",
            "scope: 'layers' should be layer or network; did you mean layer?",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_message(changed: str, to: str, message: str, folder: Path) -> None:
    with pytest.raises(InputError) as error:
        parsed(SMALL.replace(changed, to), folder)
    assert str(error.value).removeprefix("s.yaml: ").removeprefix(f"{folder}/") == message


def test_the_area_of_wires_is_not_known(folder: Path) -> None:
    (folder / "wires.yaml").write_text(
        "pes: 64\nlevels: [{distribution: {bandwidth: null}, collection: {bandwidth: 8}}]\n"
    )
    with pytest.raises(InputError) as error:
        parsed(SMALL + "hardware: wires.yaml\nobjectives: [area]\n", folder)
    message = "machine wires has a bandwidth of null: the area of any number of wires is not known"
    assert str(error.value) == f"s.yaml: objectives[0]: {message}"
    assert parsed(SMALL + "hardware: wires.yaml\n", folder).designs == 2


def test_a_dataflow_for_other_layers_is_told_with_the_layer(folder: Path) -> None:
    with pytest.raises(InputError) as error:
        parsed(SMALL.replace("kcp_ws", "gemm_nmk"), folder)
    assert error.value.message.startswith("layer conv5_1: ")
    assert "a CONV has no dimension M" in error.value.message


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InputError) as error:
        read_space("nowhere.yaml")
    assert str(error.value) == "nowhere.yaml: no such file"


def test_a_template_with_faults_is_told_also_where_layers_could_choose_others(folder: Path) -> None:
    (folder / "broken.m").write_text("Dataflow broken { SpatialMap(1,1) K }")
    with pytest.raises(InputError) as error:
        parsed(SMALL.replace("[kcp_ws]", "[kcp_ws, broken.m]") + "dataflow_per_layer: energy\n", folder)
    assert str(error.value) == f"{folder}/broken.m:1:37: found '}}' where ';' should stand"
