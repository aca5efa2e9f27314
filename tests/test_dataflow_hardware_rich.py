"""What hardware files say of more than the reference machine: units, wires, buffers of single tensors."""

from __future__ import annotations

from dataflow.hardware import Machine
from dataflow.hardware_files import parse_machine


def machine(*overrides: str) -> Machine:
    levels = "levels: [{distribution: {bandwidth: 16}, collection: {bandwidth: 8}}]"
    return parse_machine(f"pes: 256\n{levels}", overrides=overrides)


def test_every_bandwidth_takes_units() -> None:
    """8 GB/s of one-byte elements at 1 GHz are 8 elements a cycle."""
    found = machine(
        "dram={bandwidth: 8 GB/s}", "l2.port_bandwidth=16 GB/s", "levels.0.distribution.filter_bandwidth=4 GB/s"
    )
    assert found.dram is not None
    assert (found.dram.bandwidth, found.l2.port_bandwidth, found.network(0).distribution.filter_bandwidth) == (8, 16, 4)


def test_wires_are_no_bandwidth_and_a_machine_can_be_written_and_read_again() -> None:
    found = machine(
        "levels.0.distribution={topology: mesh, bandwidth: null, columns: 4}", "levels.0.collection.bandwidth=null"
    )
    assert found.network(0).distribution.width is None
    assert Machine.model_validate(found.to_dict()) == found


def test_buffers_of_single_tensors() -> None:
    found = machine("buffering=3")
    assert (found.filter_tiles, found.output_tiles) == (3, 3)
    found = machine("buffering=3", "filter_buffering=1", "output_buffering=9")
    assert (found.filter_tiles, found.output_tiles) == (1, 9)
    assert machine("filter_buffering=9").filter_tiles == 2
