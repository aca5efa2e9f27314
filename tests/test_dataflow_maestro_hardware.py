"""MAESTRO's hardware files, read as ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.errors import InputError
from dataflow.hardware import Collection, Distribution, LevelNetwork
from dataflow.hardware_files import parse_machine, read_machine


def test_maestro_file() -> None:
    text = (
        "num_pes: 168 // PEs\nl1_size_cstr: 100;\nnoc_bw_cstr: 14,\n# comment\n\noffchip_bw_cstr: 50\nNoC_NumHops: 2\n"
    )
    found = parse_machine(text, "folder/eyeriss.m")
    assert (found.name, found.pes, found.l1.bytes, found.l2.bytes) == ("eyeriss", 168, 100, None)
    assert found.levels == (
        LevelNetwork(
            distribution=Distribution(bandwidth=14, latency=2), collection=Collection(bandwidth=14, latency=2)
        ),
    )


def test_maestro_file_is_known_by_its_keys_and_overridden_by_ours() -> None:
    found = parse_machine("num_pes: 8\nnoc_bw_cstr: 4\n", "machine.yaml", ["pes=3", "levels.0.collection.latency=0"])
    assert (found.pes, found.levels[0].distribution.latency, found.levels[0].collection.latency) == (3, 1, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_pes: 4", ": noc_bw_cstr is missing; a MAESTRO hardware file states num_pes and noc_bw_cstr"),
        (
            "num_pes: 4\n  noc_bw: 3",
            ":2:3: unknown key noc_bw; the keys of a MAESTRO hardware file are num_pes, l1_size_cstr, l2_size_cstr, "
            "noc_bw_cstr, offchip_bw_cstr, NoC_NumHops; did you mean noc_bw_cstr?",
        ),
        ("num_pes: 0", ":1:1: num_pes: 0 is less than 1"),
        ("num_pes: many", ":1:1: num_pes: many is not a whole number of at most 18 digits"),
        ("num_pes: 4\nnum_pes: 4", ":2:1: num_pes is stated a second time"),
        ("num_pes: 4\nNetwork n {", ":2:1: found 'Network n {' where a line such as 'num_pes: 256' should stand"),
    ],
)
def test_maestro_files_that_are_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_machine(text, "machine.yaml")
    assert str(caught.value) == f"machine.yaml{message}"


@pytest.mark.reference
def test_maestro_file_in_use(reference_material: Path) -> None:
    found = read_machine(reference_material / "maestro" / "accelerator_1.m")
    assert (found.name, found.pes, found.l1.bytes, found.l2.bytes) == ("accelerator_1", 256, 100, 3000)
    assert (found.levels[0].distribution.bandwidth, found.levels[0].distribution.latency) == (1000, 1)
