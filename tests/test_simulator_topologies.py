"""Distribution networks: when every unit has its data, on examples that can be followed link by link."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.hardware import Distribution, Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.fabric import Fabric, Link, Stream, Wiring
from simulator.simulate import simulate_mapping
from simulator.topologies import TOPOLOGIES
from validation.strategies import Case, cases


def arrivals(topology: str, units: int, streams: list[Stream], **port: object) -> tuple[int, dict[int, int]]:
    """Return when the port is free and the units have their data, if the transfer starts at cycle 0."""
    described = Distribution(topology=topology, **port)  # type: ignore[arg-type]  # named by the parameters
    fabric = Fabric(TOPOLOGIES[topology](units, described, described.bandwidth), {})
    sent = fabric.send(0, "step", lambda: streams)
    return sent.free, sent.arrivals


@pytest.mark.parametrize(("bandwidth", "last"), [(1, 5), (2, 3), (4, 2), (5, 1)])
def test_a_bus_has_one_link_for_all(bandwidth: int, last: int) -> None:
    """Two elements for unit 0 and three for both: five cross the only link, the last ones are for both."""
    free, found = arrivals("bus", 2, [(0b01, 2), (0b11, 3)], bandwidth=bandwidth)
    assert (free, max(found.values())) == (last, last)


@pytest.mark.parametrize(("port_width", "first", "second"), [(1, 6, 3), (2, 3, 2), (3, 2, 2), (None, 2, 2)])
def test_a_crossbar_is_as_slow_as_the_busiest_port(port_width: int | None, first: int, second: int) -> None:
    """Six elements for unit 0 and two for unit 1 enter four a cycle: in cycles 0 and 1, those for unit 1 in cycle 1.

    A port takes one, two or three of its own a cycle: unit 0 has its six at 6, 3, 2; unit 1 its two, which come in
    cycle 1, at 3 or 2.
    """
    free, found = arrivals("crossbar", 2, [(0b01, 6), (0b10, 2)], bandwidth=4, port_width=port_width)
    assert (free, found) == (2, {0: first, 1: second})


def test_a_tree_copies_at_its_switches() -> None:
    """Four leaves, a cycle a switch, links of one element. One element for all takes the root once, two hops: 0, 1, 2.

    The next, for leaves 2 and 3, follows through the root in cycle 1, and through the right half in 2 and 3.
    """
    free, found = arrivals("tree", 4, [(0b1111, 1), (0b1100, 1)], bandwidth=1)
    assert (free, found) == (2, {0: 3, 1: 3, 2: 4, 3: 4})


def test_a_tree_with_narrow_links_below() -> None:
    """Four elements for leaf 0 enter at once, and cross two links one by one: cycles 1..4 and 2..5."""
    assert arrivals("tree", 4, [(0b0001, 4)], bandwidth=4, link_widths=(1,)) == (1, {0: 6})
    assert arrivals("tree", 4, [(0b0001, 4)], bandwidth=4, link_widths=(4, 1)) == (1, {0: 6})
    assert arrivals("tree", 4, [(0b0001, 4)], bandwidth=4, link_widths=(4,)) == (1, {0: 3})


def test_a_tree_of_any_fanout_reaches_every_leaf_at_the_same_depth() -> None:
    """Five leaves under switches of three: two levels of links."""
    assert arrivals("tree", 5, [(0b11111, 1)], bandwidth=1, fanout=3) == (1, dict.fromkeys(range(5), 3))


@pytest.mark.parametrize("hop", [0, 1, 2])
def test_a_chain_hands_data_on(hop: int) -> None:
    """One element for all: unit u sees it u hops after unit 0, which has it at 1."""
    assert arrivals("systolic", 3, [(0b111, 1)], bandwidth=1, hop=hop) == (1, {0: 1, 1: 1 + hop, 2: 1 + 2 * hop})


def test_a_chain_is_filled_from_its_far_end() -> None:
    """An element for each: the one for unit 2 goes first and arrives after two hops, as the last for unit 0 does."""
    assert arrivals("systolic", 3, [(0b001, 1), (0b010, 1), (0b100, 1)], bandwidth=1) == (3, {2: 3, 1: 3, 0: 3})


def test_on_wires_only_hops_take_time() -> None:
    assert arrivals("systolic", 3, [(0b111, 100)], bandwidth=None) == (0, {0: 0, 1: 1, 2: 2})
    assert arrivals("mesh", 4, [(0b1111, 100)], bandwidth=None, columns=2) == (0, {0: 0, 1: 1, 2: 1, 3: 2})


def test_a_mesh_routes_along_the_row_and_down_the_column() -> None:
    """Six units in two rows of three. Unit 5 is two hops to the right and one down: 1 + 3; unit 3 one down: 1 + 1.

    Two elements for 3 and 5: both enter, in cycles 0 and 1, and split at the corner.
    """
    assert arrivals("mesh", 6, [(0b101000, 2)], bandwidth=1, columns=3) == (2, {3: 2 + 1, 5: 2 + 3})


def test_links_of_a_mesh_are_shared() -> None:
    """Units 1 and 2 get an element each over the link from 0 to 1, one at a time: 1 at 2, 2 in cycles 1, 2, 3: at 4."""
    streams = [(0b010, 1), (0b100, 1)]
    assert arrivals("mesh", 3, streams, bandwidth=2, link_widths=(1,), columns=3) == (1, {1: 2, 2: 4})
    assert arrivals("mesh", 3, streams, bandwidth=2, columns=3) == (1, {1: 2, 2: 3})


def test_what_is_still_on_the_way_delays_the_next_transfer() -> None:
    """Three elements enter in cycle 0 and leave the port of unit 0 in cycles 0..2; the next, sent at 1, in cycle 3."""
    port = Distribution(topology="crossbar", bandwidth=3, port_width=1)
    fabric = Fabric(TOPOLOGIES["crossbar"](2, port, 3), {})
    assert fabric.send(0, "first", lambda: [(0b01, 3)]).arrivals == {0: 3}
    assert fabric.send(1, "second", lambda: [(0b01, 1)]).arrivals == {0: 4 - 1}
    assert fabric.send(9, "third", lambda: [(0b01, 1)]).arrivals == {0: 1}


def ring(units: int, port: Distribution, width: int | None) -> Wiring:
    """Return a ring that is entered at unit 0 and runs both ways: a topology that is not shipped."""
    links, exits = [Link("in", width, (1 << units) - 1)], {0: 0}
    ways = [range(1, units // 2 + 1), range(units - 1, units // 2, -1)]
    for way in ways:
        before = 0
        for place, unit in enumerate(way):
            links.append(Link(f"to {unit}", width, sum(1 << later for later in way[place:]), before, port.hop))
            exits[unit] = before = len(links) - 1
    return Wiring(tuple(links), tuple(exits[unit] for unit in range(units)))


def test_a_new_topology_is_a_table_of_links() -> None:
    fabric = Fabric(ring(3, Distribution(bandwidth=1), 1), {})
    assert fabric.send(0, "step", lambda: [(0b111, 1)]).arrivals == {0: 1, 1: 2, 2: 2}


def test_a_new_topology_is_a_line_in_two_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """One product on each of five PEs of a ring: all enters in a cycle, and PEs 2 and 3 have it two hops later.

    An input for each PE and a weight for all: 6 enter; PEs 1 and 2 are the one way, 4 and 3 the other.
    """
    monkeypatch.setattr("dataflow.hardware.KEYS_OF_TOPOLOGIES", {"ring": ("hop",)})
    monkeypatch.setattr("simulator.network.TOPOLOGIES", {"ring": ring})
    level = {"distribution": {"topology": "ring", "bandwidth": 6, "hop": 3}, "collection": {"bandwidth": 5}}
    machine = Machine.model_validate({"pes": 5, "levels": [level]})
    mapping = bind(Layer.of("product", "GEMM", {"M": 5}), parse_dataflow("Dataflow { SpatialMap(1,1) M; }"), 5)
    found = simulate_mapping(mapping, machine)
    assert found.compute_end == 1 + 2 * 3 + 1
    assert found.boundaries[0].network.links == {"in": 6, "to 1": 3, "to 2": 2, "to 4": 3, "to 3": 2}


@settings(max_examples=120)
@given(cases(max_macs=300, max_pes=12), st.sampled_from(["crossbar", "tree", "systolic", "mesh"]))
def test_skipping_what_repeats_changes_nothing_on_any_network(case: Case, topology: str) -> None:
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    networks = [
        level.model_copy(update={"distribution": level.distribution.model_copy(update={"topology": topology})})
        for level in machine.levels
    ]
    rich = machine.model_copy(update={"levels": tuple(networks)})
    found = simulate_mapping(mapping, rich)
    assert found == simulate_mapping(mapping, rich, accelerate=False)
    for boundary, plain in zip(found.boundaries, simulate_mapping(mapping, machine).boundaries, strict=True):
        assert replace(boundary, network=replace(boundary.network, links={})) == plain


@settings(max_examples=120)
@given(cases(max_macs=300, max_pes=12))
def test_a_crossbar_whose_ports_take_all_is_never_slower_than_a_bus(case: Case) -> None:
    """On a bus units see nothing of a step before all of it has passed."""
    layer, dataflow, machine = case
    mapping = bind(layer, dataflow, machine.pes)
    networks = [
        level.model_copy(update={"distribution": level.distribution.model_copy(update={"topology": "crossbar"})})
        for level in machine.levels
    ]
    crossbar = simulate_mapping(mapping, machine.model_copy(update={"levels": tuple(networks)}))
    assert crossbar.cycles <= simulate_mapping(mapping, machine).cycles
