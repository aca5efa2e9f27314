"""A layer on many machines at once: the numbers are those of each machine by itself."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical import analyze_mapping, sweep
from analytical.assumptions import PUBLISHED, REFINED, Assumptions
from dataflow import catalog
from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.levels import Mapping, bind
from validation.strategies import Case, cases

LANES = {"lanes": [1, 2]}

#: up to how many machines are looked at one by one, and up to how many together with numbers of full width
WAYS = [(0, 0), (0, 9), (6, 9)]


def changed(machine: Machine, key: str, value: int) -> Machine:
    """Return a machine with another value of a key."""
    content: Any = machine.to_dict()
    place = content
    *path, last = key.split(".")
    for part in path:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    return Machine.model_validate(content)


@st.composite
def values_of(draw: st.DrawFn, machine: Machine) -> dict[str, list[int]]:
    """Draw arrays for some of the keys of a machine."""
    ports = ["distribution.bandwidth", "distribution.filter_bandwidth", "distribution.latency"]
    ports += ["collection.bandwidth", "collection.latency"]
    keys = [f"levels.{level}.{port}" for level in range(len(machine.levels)) for port in ports]
    keys += ["lanes", "buffering", "filter_buffering", "output_buffering"]
    number = draw(st.integers(1, 6))
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=6, unique=True))
    found = {}
    for key in chosen:
        numbers = st.integers(0, 9) if key.endswith("latency") else st.integers(1, 4 if "buffering" in key else 20)
        found[key] = draw(st.lists(numbers, min_size=number, max_size=number))
    return found


def assert_alike(mapping: Mapping, machine: Machine, values: dict[str, list[int]], assumptions: Assumptions) -> None:
    found = sweep(mapping, machine, values, assumptions)
    for design in range(len(found.cycles)):
        one = machine
        for key, array in values.items():
            one = changed(one, key, array[design])
        alone = analyze_mapping(mapping, one, assumptions)
        assert found.cycles[design] == alone.cycles
        assert found.compute_end[design] == alone.compute_end
        assert (found.l1_bytes[design], found.l2_bytes[design]) == (alone.buffers.l1_bytes, alone.buffers.l2_bytes)


@settings(max_examples=60, deadline=None)
@given(
    cases(max_macs=4000), st.data(), st.sampled_from([REFINED, PUBLISHED]), st.sampled_from([(0, 0), (0, 9), (6, 9)])
)
def test_every_machine_has_its_own_numbers(
    case: Case, data: st.DataObject, assumptions: Assumptions, numbers: tuple[int, int]
) -> None:
    """Looked at one by one, together, and together with numbers of half the width."""
    layer, dataflow, machine = case
    values = data.draw(values_of(machine))
    with patch("analytical.sweeping.SINGLE", numbers[0]), patch("analytical.sweeping.FEW", numbers[1]):
        assert_alike(bind(layer, dataflow, machine.pes), machine, values, assumptions)


@settings(max_examples=60, deadline=None)
@given(cases(max_macs=4000), st.data(), st.sampled_from([REFINED, PUBLISHED]))
def test_nothing_faster_makes_a_machine_slower(case: Case, data: st.DataObject, assumptions: Assumptions) -> None:
    """More lanes, more bandwidth and less latency, each by itself or together: what excludes ranges relies on it."""
    layer, dataflow, machine = case
    values = {key: array for key, array in data.draw(values_of(machine)).items() if "buffering" not in key} or LANES
    number = len(next(iter(values.values())))
    fastest = {k: [(min if k.endswith("latency") else max)(v)] * number for k, v in values.items()}
    slowest = {k: [(max if k.endswith("latency") else min)(v)] * number for k, v in values.items()}
    mapping = bind(layer, dataflow, machine.pes)
    fast, given_, slow = (sweep(mapping, machine, each, assumptions).cycles for each in (fastest, values, slowest))
    assert (fast <= given_).all()
    assert (given_ <= slow).all()


@patch("analytical.sweeping.SINGLE", 0)
@patch("analytical.sweeping.FEW", 0)
@pytest.mark.parametrize("dataflow", ["kcp_ws", "yr_rs", "xp_ws"])
def test_long_loops_go_on_evenly_at_the_pace_of_each_machine(dataflow: str) -> None:
    """Wide and narrow ports, so that another part of the machine is the slowest on each; half the width will not do."""
    machine = catalog.machine("reference-256")
    layer = next(mapped.layer for mapped in catalog.network("vgg16").layers if mapped.layer.name == "conv4_2")
    values = {
        "levels.0.distribution.bandwidth": [1, 3, 16, 500, 7, 2],
        "levels.0.collection.bandwidth": [64, 1, 2, 9, 1, 5],
        "levels.0.distribution.latency": [0, 1, 40, 3, 500, 2],
        "lanes": [1, 2, 3, 16, 1, 4],
    }
    mapping = bind(layer, catalog.dataflow(dataflow), machine.pes)
    assert_alike(mapping, machine, values, REFINED)
    many = sweep(mapping, machine, {key: array * 5000 for key, array in values.items()})
    assert many.cycles.tolist() == sweep(mapping, machine, values).cycles.tolist() * 5000


def test_what_stands_behind_the_top_level_is_a_bound_on_every_machine() -> None:
    """A single port of the L2, one element wide, is slower than everything that is swept but the narrowest port."""
    machine = catalog.machine("reference-256", ["l2.port_bandwidth=1"])
    layer = next(mapped.layer for mapped in catalog.network("alexnet").layers if mapped.layer.name == "conv3")
    mapping = bind(layer, catalog.dataflow("xp_ws"), machine.pes)
    assert_alike(mapping, machine, {"levels.0.distribution.bandwidth": [1, 2, 64], "buffering": [1, 2, 2]}, REFINED)


def test_machines_on_which_everything_takes_as_long_are_one() -> None:
    """No step has more than a few thousand elements: a port of 10,000 is as good as one of 100,000."""
    machine = catalog.machine("reference-256")
    layer = next(mapped.layer for mapped in catalog.network("alexnet").layers if mapped.layer.name == "conv3")
    mapping = bind(layer, catalog.dataflow("xp_ws"), machine.pes)
    found = sweep(mapping, machine, {"levels.0.collection.bandwidth": np.arange(10_000, 110_000)})
    assert len(found.cycles) == 100_000
    assert set(found.cycles.tolist()) == {found.cycles[0]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "values: nothing is swept; give arrays of values"),
        (
            {"pes": [4]},
            "pes: cannot be swept; lanes, buffering, filter_buffering, output_buffering, "
            "bandwidths and latencies of levels can",
        ),
        (
            {"levels.7.distribution.bandwidth": [4]},
            "levels.7.distribution.bandwidth: cannot be swept; lanes, buffering, filter_buffering, output_buffering, "
            "bandwidths and latencies of levels can",
        ),
        ({"lanes": [0, 1]}, "lanes: 0 is below 1"),
        ({"levels.0.distribution.latency": [-1]}, "levels.0.distribution.latency: -1 is below 0"),
        ({"lanes": [1.5]}, "lanes: whole numbers in one row are needed"),
        ({"lanes": [[1]]}, "lanes: whole numbers in one row are needed"),
        ({**LANES, "buffering": [1]}, "values: the arrays have different lengths: {'lanes': 2, 'buffering': 1}"),
    ],
)
def test_what_cannot_be_swept_is_said(values: dict[str, Any], message: str) -> None:
    machine = catalog.machine("reference-36")
    layer = next(mapped.layer for mapped in catalog.network("alexnet").layers if mapped.layer.name == "conv3")
    with pytest.raises(InputError) as raised:
        sweep(bind(layer, catalog.dataflow("xp_ws"), machine.pes), machine, values)
    assert str(raised.value) == message
