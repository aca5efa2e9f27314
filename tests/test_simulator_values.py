"""Numbers in the simulated machine: NumPy's for every layer, dataflow and machine, unless something is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator.dataplane
import simulator.elements
import simulator.movements
import simulator.network
import simulator.tiles
from dataflow.errors import InputError
from dataflow.hardware import Distribution, LevelNetwork, Machine
from dataflow.layers import OPERATIONS, Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate_mapping
from simulator.topologies import TOPOLOGIES
from simulator.values import execute, operands
from validation.reference_values import output
from validation.strategies import Case, dataflows, illegal_cases, layers, machines
from validation.values import verify

Patch = pytest.MonkeyPatch

#: 4 rows of 2 taps each: row y' is y' + 1 + 10 · (y' + 2).
ROWS = Layer.of("rows", "CONV", {"Y'": 4, "R": 2})
ROWS_INPUT, ROWS_FILTER = np.arange(1, 6).reshape(1, 1, 1, 5, 1), np.array([1, 10]).reshape(1, 1, 1, 2, 1)
SUMS = [21, 32, 43, 54]


def array(pes: int, levels: int = 1, reduction: str = "tree", **distribution: Any) -> Machine:
    port = {"bandwidth": 4, "latency": 1}
    network = {"distribution": port | distribution, "collection": port | {"reduction": reduction}}
    return Machine.model_validate({"pes": pes, "levels": [network] * levels})


def rows(directives: str, machine: Machine) -> tuple[list[int], list[str]]:
    """Return what becomes of `ROWS`, and what is said about its wrong elements."""
    mapping = bind(ROWS, parse_dataflow(f"Dataflow d {{ {directives} }}"), machine.pes)
    verdict = verify(mapping, machine, ROWS_INPUT, ROWS_FILTER)
    return verdict.output.ravel().tolist(), [str(wrong) for wrong in verdict.wrong]


@st.composite
def networks(draw: st.DrawFn, topology: str) -> Distribution:
    keys: dict[str, Any] = {"bandwidth": draw(st.integers(1, 8)), "latency": draw(st.integers(0, 2))}
    if draw(st.booleans()):
        keys["filter_bandwidth"] = draw(st.integers(1, 8))
    if topology == "tree":
        keys["fanout"] = draw(st.integers(2, 4))
    if topology == "mesh" and draw(st.booleans()):
        keys["columns"] = draw(st.integers(1, 4))
    return Distribution(topology=topology, **keys)


@st.composite
def cases_on(draw: st.DrawFn, topology: str = "bus", sync: str = "barrier", types: tuple[str, ...] = ()) -> Case:
    layer = draw(layers(max_macs=300, types=types or tuple(OPERATIONS)))
    machine = draw(machines(pes=st.integers(1, 20)))
    levels = [LevelNetwork(distribution=draw(networks(topology)), collection=n.collection) for n in machine.levels]
    tiles = {
        "output_buffering": draw(st.sampled_from((None, 1, 3))),
        "filter_buffering": draw(st.sampled_from((None, 1))),
    }
    machine = machine.model_copy(update={"sync": sync, "levels": tuple(levels), **tiles})
    return layer, draw(dataflows(layer, machine)), machine


def assert_exact(case: Case) -> None:
    layer, dataflow, machine = case
    found = execute(layer, dataflow, machine)
    assert np.array_equal(found.output, output(layer, *operands(layer)))
    assert found.missing_operands == 0
    assert found.metrics == simulate_mapping(bind(layer, dataflow, machine.pes), machine)


@pytest.mark.parametrize("type_", OPERATIONS)
@given(data=st.data())
@settings(max_examples=25)
def test_outputs_are_numpys_for_every_type_of_layer(type_: str, data: st.DataObject) -> None:
    """And time and traffic are what they are without numbers, skipping what repeats."""
    assert_exact(data.draw(cases_on(types=(type_,))))


@pytest.mark.parametrize("sync", ["barrier", "dataflow"])
@pytest.mark.parametrize("topology", TOPOLOGIES)
@given(data=st.data())
@settings(max_examples=12)
def test_outputs_are_numpys_on_every_topology(topology: str, sync: str, data: st.DataObject) -> None:
    assert_exact(data.draw(cases_on(topology, sync)))


@given(cases_on())
@settings(max_examples=30)
def test_large_regions_are_multiplied_in_pieces(case: Case) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator.elements, "PIECE", 3)
        patch.setattr(simulator.movements, "PIECE", 3)
        assert_exact(case)


@given(illegal_cases(max_macs=200))
@settings(max_examples=40)
def test_every_illegal_dataflow_shows(case: Case) -> None:
    """Also those that leave whole clusters without work: drawn numbers are never 0."""
    layer, dataflow, machine = case
    verdict = verify(bind(layer, dataflow, machine.pes), machine, *operands(layer))
    assert not verdict.equal
    assert verdict.wrong_elements > 0


def test_a_product_summed_in_the_reduction_network_and_in_the_buffers() -> None:
    """(1 2 3 4 5) · (10 20 30 40 50), K on 2 clusters of 2 PEs: 10 + 40 and 90 + 160 in the clusters, then 250."""
    machine = array(4, levels=2)
    layer = Layer.of("dot", "GEMM", {"K": 5})
    dataflow = parse_dataflow("Dataflow d { SpatialMap(2,2) K; Cluster(2, P); SpatialMap(1,1) K; }")
    left, right = np.array([[1, 2, 3, 4, 5]]), np.array([[10], [20], [30], [40], [50]])
    found = execute(layer, dataflow, machine, inputs=left, filters=right)
    assert found.output.tolist() == [[10 + 40 + 90 + 160 + 250]]


@pytest.mark.parametrize(
    "directives", ["SpatialMap(2,1) Y;", "TemporalMap(2,1) Y;", "TemporalMap(1,1) R; SpatialMap(1,1) Y';"]
)
@pytest.mark.parametrize("reduction", ["tree", "chain", "none"])
def test_a_window_that_slides(directives: str, reduction: str) -> None:
    assert rows(directives, array(1 if "Spatial" not in directives else 4, reduction=reduction)) == (SUMS, [])


def test_a_gap_in_the_dataflow_shows_at_its_elements() -> None:
    """Every other row only: what is left out is 0."""
    assert rows("TemporalMap(1,2) Y';", array(1)) == (
        [21, 0, 43, 0],
        [
            "O[n 0, k 0, y' 1, x' 0]: 0, should be 32, the sum of 2 products; no PE made any product of it",
            "O[n 0, k 0, y' 3, x' 0]: 0, should be 54, the sum of 2 products; no PE made any product of it",
        ],
    )


def test_work_that_is_repeated_shows_at_its_elements() -> None:
    """Rows 0-1 on PE 0, 1-2 on PE 1, 2-3 on PE 2: the two in the middle count twice."""
    assert rows("SpatialMap(2,1) Y';", array(3)) == (
        [21, 64, 86, 54],
        [
            f"O[n 0, k 0, y' {row}, x' 0]: {2 * SUMS[row]}, should be {SUMS[row]}, the sum of 2 products; "
            f"PE {row - 1} made 2; PE {row} made 2"
            for row in (1, 2)
        ],
    )


def test_a_dataflow_that_leaves_all_work_out_gives_zeros() -> None:
    """No window of 2 rows fits into chunks of 1."""
    found, wrong = rows("TemporalMap(2,2) Y'; Cluster(1, P); TemporalMap(1,1) Y;", array(1, levels=2))
    assert (found, len(wrong)) == ([0, 0, 0, 0], 4)
    found, wrong = rows("TemporalMap(1,1) Y;", array(1))
    assert (found, len(wrong)) == ([0, 0, 0, 0], 4)


# Seeded bugs


def without_last(topology: str) -> Callable[..., Any]:
    """Return a topology whose links do not reach the last unit."""

    def wiring(units: int, *arguments: Any) -> Any:
        made = TOPOLOGIES[topology](units, *arguments)
        return replace(made, links=tuple(replace(link, reach=link.reach & ~(1 << units - 1)) for link in made.links))

    return wiring


@pytest.mark.parametrize("multicast", [True, False])
@pytest.mark.parametrize("sync", ["barrier", "dataflow"])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_topology_that_forgets_its_last_unit(topology: str, sync: str, multicast: bool, monkeypatch: Patch) -> None:
    monkeypatch.setattr(simulator.network, "TOPOLOGIES", {topology: without_last(topology)})
    machine = array(4, topology=topology).model_copy(update={"sync": sync, "multicast": multicast})
    lost = "F[k 0, c 0, r 0, s 0], F[k 0, c 0, r 1, s 0], I[n 0, c 0, y 3, x 0] and 1 more"
    assert rows("SpatialMap(2,1) Y;", machine) == (
        [21, 32, 43, 0],
        [f"O[n 0, k 0, y' 3, x' 0]: 0, should be 54, the sum of 2 products; PE 3 made 2 without {lost}"],
    )


def changed_movements(patch: Patch, tensor: str, change: Callable[[tuple[tuple[int, int], ...]], Any]) -> None:
    """Let the simulator move other sets of elements of ``tensor`` than it should."""
    moved = simulator.tiles.Comparison.moved

    def wrongly(self: Any, name: str) -> Any:
        found = moved(self, name)
        return replace(found, groups=change(found.groups)) if name == tensor else found

    patch.setattr(simulator.tiles.Comparison, "moved", wrongly)


def test_a_lost_halo(monkeypatch: Patch) -> None:
    """PEs 0 and 1 hold rows 0-2 and 2-4; row 2, which both need, is never sent: 1 + 20, 2, 40 and 4 + 50 are left."""
    changed_movements(monkeypatch, "input", lambda groups: [g for g in groups if g[0].bit_count() == 1])
    assert rows("SpatialMap(3,2) Y;", array(2)) == (
        [21, 2, 40, 54],
        [
            "O[n 0, k 0, y' 1, x' 0]: 2, should be 32, the sum of 2 products; "
            "PE 0 made 2 without I[n 0, c 0, y 2, x 0]",
            "O[n 0, k 0, y' 2, x' 0]: 40, should be 43, the sum of 2 products; "
            "PE 1 made 2 without I[n 0, c 0, y 2, x 0]",
        ],
    )


def test_what_one_unit_is_not_sent_lacks_there_only(monkeypatch: Patch) -> None:
    """Row 2 goes to PE 0 alone."""
    changed_movements(monkeypatch, "input", lambda groups: [(g & -g, n) for g, n in groups])
    assert rows("SpatialMap(3,2) Y;", array(2))[0] == [21, 32, 40, 54]


def test_a_reduction_that_passes_one_summand_on(monkeypatch: Patch) -> None:
    """PE r multiplies by tap r; only PE 0's products leave."""
    changed_movements(monkeypatch, "output", lambda groups: [(g & -g, n) for g, n in groups])
    found, wrong = rows("TemporalMap(1,1) Y'; SpatialMap(1,1) R;", array(2))
    assert found == [1, 2, 3, 4]
    assert wrong[3] == ("O[n 0, k 0, y' 3, x' 0]: 4, should be 54, the sum of 2 products; PE 0 made 1; PE 1 made 1")


def test_partial_sums_that_are_not_drained_are_lost(monkeypatch: Patch) -> None:
    """Tap by tap, row by row: no row is given away, and the PE has no room for more than one."""
    changed_movements(monkeypatch, "output", lambda groups: [(g, 0) for g, _ in groups])
    assert rows("TemporalMap(1,1) R; TemporalMap(1,1) Y';", array(1))[0] == [0, 0, 0, 0]


def test_a_buffer_that_overwrites_instead_of_adding(monkeypatch: Patch) -> None:
    """Tap by tap, row by row: whatever reaches the L2 is all that it has, in the end row 3's product with tap 1."""

    def overwrite(self: Any, cluster: Any, delivery: Any) -> None:
        self._flat_output[:] = 0
        drained(self, cluster, delivery)

    drained = simulator.dataplane.DataPlane.drained
    monkeypatch.setattr(simulator.dataplane.DataPlane, "drained", overwrite)
    assert rows("TemporalMap(1,1) R; TemporalMap(1,1) Y';", array(1))[0] == [0, 0, 0, 50]


# Operands


def test_drawn_operands_hide_nothing_and_depend_on_the_seed() -> None:
    layer = Layer.of("gemm", "GEMM", {"M": 50, "K": 50})
    one, again, other = operands(layer, seed=1), operands(layer, seed=1), operands(layer, seed=2)
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[0], other[0])
    assert (int(abs(one[0]).min()), int(abs(one[0]).max())) == (1, 127)


@pytest.mark.parametrize(
    ("given_input", "message"),
    [
        (np.ones((2, 2)), "layer g: inputs are of type float64; integers are needed"),
        (np.ones((2, 3), bool), "layer g: inputs are of type bool; integers are needed"),
        (np.ones((3, 2), np.int8), "layer g: inputs have the shape (3, 2), not (2, 3) (M 2, K 3)"),
        (
            np.full((2, 3), 2**63, np.uint64),
            "layer g: inputs are up to 9223372036854775808, which takes more than 64 bits",
        ),
        (
            np.full((2, 3), -(2**63)),
            "layer g: inputs up to 9223372036854775808 and filters up to 1: sums of 3 products could exceed 64 bits",
        ),
        (
            np.full((2, 3), 2**63 // 3 + 1),
            "layer g: inputs up to 3074457345618258603 and filters up to 1: sums of 3 products could exceed 64 bits",
        ),
    ],
)
def test_operands_that_do_not_fit_are_refused(given_input: Any, message: str) -> None:
    layer = Layer.of("g", "GEMM", {"M": 2, "K": 3})
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        operands(layer, given_input, np.ones((3, 1), np.int64))


def test_the_largest_sum_is_exact() -> None:
    """3 · ⌊(2⁶³ − 1) / 3⌋ = 2⁶³ − 2, in whichever integers the operands come."""
    layer, dataflow = Layer.of("g", "GEMM", {"K": 3}), parse_dataflow("Dataflow d { SpatialMap(1,1) K; }")
    inputs, filters = np.full((1, 3), 2**63 // 3, np.uint64), np.ones((3, 1), np.int8)
    found = execute(layer, dataflow, array(3), inputs=inputs, filters=filters)
    assert found.output.tolist() == [[3 * (2**63 // 3)]]
