"""What each assumption does to a layer, counted by hand, and that the parts make up the whole."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical import NAMES, PUBLISHED, Assumptions, analyze, analyze_mapping
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate
from validation.strategies import Case as Drawn
from validation.strategies import cases
from validation.study import (
    MEASURES,
    MODEL,
    Case,
    Family,
    Finding,
    LeftOut,
    Summary,
    effective,
    families,
    study,
    summary,
)

PORT = {"bandwidth": 1}
FOUR = Machine.model_validate({"pes": 4, "levels": [{"distribution": PORT, "collection": PORT}]})
TWO = "SpatialMap(1,1) M; TemporalMap(1,1) N; Cluster(2, P); SpatialMap(1,1) K;"


def case(
    sizes: dict[str, int], directives: str = TWO, machine: Machine = FOUR, places: int = 1, name: str = "d"
) -> Case:
    dataflow = parse_dataflow(f"Dataflow {name} {{ {directives} }}")
    names = tuple(("net", f"layer{number}") for number in range(places))
    return Case(Layer.of("layer", "GEMM", sizes), dataflow, machine, names, name, "four")


def finding(studied: Case, *, simulate: bool = False) -> Finding:
    found = study(studied, simulate=simulate)
    assert isinstance(found, Finding)
    return found


WIDE = {"M": 2, "N": 3, "K": 2}


def test_two_levels_counted_by_hand() -> None:
    """Two clusters take a row of M each and its two PEs a k each; N goes by in three steps; all ports move 1 a cycle.

    Traffic: the L2 sends 4 inputs and 2 filters, then 2 filters a step: 10; a cluster passes 2 inputs and 2 filters
    on, then 2 filters a step: 8, both 16; 6 sums come out of clusters, and reach the L2: 38 crossings. Tiles that are
    fetched again cost 2 inputs a cluster in each of two steps: 46. The L1s are accessed 4 times for each of 12 MACs,
    take 4 inputs and 12 filters, and give 12 sums away.

    Time: 6 elements are in the clusters at 6, 4 of them in the PEs at 10, computed at 11. The filters of step 3 set out
    when step 1 is done with its buffer: in the clusters at 13, in the PEs at 15, computed at 16. The sum takes a cycle
    on the adders and one on the port: 18; two of them on the port of the L2: 20. Published: 6 to the clusters, then
    4 to the PEs, 1 to compute, 1 for the sum to leave: 12, and these 6 twice more: 24, and 2 for the last drain.
    """
    found = finding(case(WIDE))
    assert dict(found.yardstick) == {
        "cycles": 20,
        "l2_reads": 10,
        "l2_accesses": 16,
        "network": 38,
        "l1_accesses": 4 * 12 + 4 + 12 + 12,
    }
    assert found.published["cycles"] == 26
    assert found.error("cycles") == 30
    assert found.error("network") == Fraction(800, 38)
    assert found.contributions("network") == {
        name: Fraction(800, 38) if name == "restart_reuse" else 0 for name in NAMES
    }
    assert found.error("l2_reads") == found.error("l2_accesses") == 0
    assert (found.alone["no_reduction_delay"]["cycles"], found.alone_error("no_reduction_delay", "cycles")) == (19, -5)


def test_one_level_counted_by_hand() -> None:
    """4 PEs take a row of M each, N goes by in two steps, K is whole; 3 elements a cycle, 1 to arrive, 4 to leave.

    15 elements arrive at 6, computed at 9, and those of step 2 meanwhile: 12; its 4 outputs take 2 cycles and 4 to
    arrive: 18. Hand in hand, step 2 lasts until the outputs of step 1 are upstream: 15, and the last drain ends at 21.
    """
    network = {"distribution": {"bandwidth": 3, "latency": 1}, "collection": {"bandwidth": 3, "latency": 4}}
    machine = Machine.model_validate({"pes": 4, "levels": [network]})
    directives = "TemporalMap(1,1) N; SpatialMap(1,1) M; TemporalMap(3,3) K;"
    found = finding(case({"M": 4, "N": 2, "K": 3}, directives, machine))
    assert found.yardstick["cycles"] == 18
    assert found.added("cycles") == {name: 3 if name == "lockstep" else 0 for name in NAMES}
    assert found.error("cycles") == found.alone_error("lockstep", "cycles") == Fraction(300, 18)


def test_the_worst_unit_counted_by_hand() -> None:
    """Two rows of M and a third one: of two clusters, one has a PE for each of two rows, the other for one; K is 2.

    All share a column of 2 filters: the L2 sends 6 inputs and them, the clusters pass 6 and 4 on, and 3 outputs come
    up through both networks: 24 crossings. Were the second cluster like the first, it would be 2 inputs and 1 output
    more.
    """
    found = finding(case({"M": 3, "K": 2}, "SpatialMap(2,2) M; Cluster(2, P); SpatialMap(1,1) M;"))
    assert found.yardstick["network"] == 24
    assert {name: counts["network"] for name, counts in found.alone.items() if counts["network"] != 24} == {
        "worst_unit": 27
    }


def test_the_steady_drain_counted_by_hand() -> None:
    """Two PEs take a row of M each, N goes by in two steps, K is 4; a single buffer, and outputs leave one a cycle.

    Data arrive at 1, computed at 5, two outputs leave until 7. Step 2 has its data at 6, and a place for its outputs at
    7: computed at 11, they are upstream at 13. It is 12 if nothing waits for that place.
    """
    network = {"distribution": {"bandwidth": 64}, "collection": {"bandwidth": 1}}
    machine = Machine.model_validate({"pes": 2, "buffering": 1, "levels": [network]})
    found = finding(case({"M": 2, "N": 2, "K": 4}, "TemporalMap(1,1) N; SpatialMap(1,1) M;", machine))
    assert (found.yardstick["cycles"], found.alone["steady_drain"]["cycles"]) == (13, 12)


@given(cases(max_macs=400, max_pes=12), st.booleans())
@settings(max_examples=60)
def test_contributions_add_up_to_the_error(drawn: Drawn, simulated: bool) -> None:
    layer, dataflow, machine = drawn
    found = finding(Case(layer, dataflow, machine, (("net", "layer"),), "d", "m"), simulate=simulated)
    truth, published = simulate(*drawn), analyze(*drawn, PUBLISHED)
    for measure, count in MEASURES.items():
        assert (found.yardstick[measure], found.published[measure]) == (count(truth), count(published))
        assert sum(found.contributions(measure).values()) == found.error(measure)
        assert sum(found.added(measure).values()) == count(published) - count(truth)
        assert found.contributions(measure).get(MODEL, 0) == 0
    assert list(found.in_order) == [MODEL, *NAMES] if simulated else list(NAMES)


@given(cases(max_macs=200, max_pes=8))
@settings(max_examples=15)
def test_assumptions_that_are_dropped_change_nothing(drawn: Drawn) -> None:
    """All 64 sets of assumptions, on nests of one level and more."""
    layer, dataflow, machine = drawn
    mapping = bind(layer, dataflow, machine.pes)
    for made in product((False, True), repeat=len(NAMES)):
        assumptions = Assumptions(*made)
        needed = effective(assumptions, len(mapping.levels))
        if needed != assumptions:
            assert analyze_mapping(mapping, machine, assumptions) == analyze_mapping(mapping, machine, needed)


def test_the_refined_model_is_first_where_the_simulator_is_the_yardstick() -> None:
    simulated, refined = finding(case(WIDE), simulate=True), finding(case(WIDE))
    assert (simulated.yardstick, simulated.alone) == (refined.yardstick, refined.alone)
    assert dict(simulated.in_order) == {MODEL: refined.yardstick, **refined.in_order}


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([3], Summary(Fraction(3), Fraction(3), Fraction(3))),
        ([4, -6, 1, 3], Summary(Fraction(2), Fraction(6), Fraction(-6))),
        ([-100, *range(1, 20)], Summary(Fraction(19, 2), Fraction(19), Fraction(-100))),
        ([-100, *range(1, 21)], Summary(Fraction(10), Fraction(20), Fraction(-100))),
    ],
    ids=["one", "even", "one of 20 is left out of 95 %", "one of 21 is not more"],
)
def test_summaries(errors: list[int], expected: Summary) -> None:
    assert summary([Fraction(error) for error in errors]) == expected


def test_layers_count_as_often_as_they_occur() -> None:
    """Three layers of WIDE are 30 % off, the one with a single column is 14 cycles instead of 15."""
    family = Family("d", "four", (finding(case(WIDE, places=3)), finding(case(WIDE | {"N": 1}))))
    assert family.layers == 4
    error = Fraction(-100, 15)
    assert family.mean_error("cycles") == (3 * 30 + error) / 4
    assert sum(family.contributions("cycles").values()) == family.mean_error("cycles")
    assert family.error("cycles") == Summary(Fraction(30), Fraction(30), Fraction(30))
    assert family.alone_error("lockstep", "cycles").worst == -15
    assert family.worst("cycles") is family.findings[0]


def test_families_are_dataflows_on_machines() -> None:
    found = [finding(case(WIDE, name=name)) for name in ("b", "a", "b")]
    assert families(found) == [Family("b", "four", (found[0], found[2])), Family("a", "four", (found[1],))]


def test_what_cannot_be_studied_is_left_out_with_the_reason() -> None:
    small = FOUR.model_copy(update={"l1": FOUR.l1.model_copy(update={"bytes": 5})})
    tiny = FOUR.model_copy(update={"l2": FOUR.l2.model_copy(update={"bytes": 1})})
    holes = "SpatialMap(1,1) M; TemporalMap(1,2) N;"
    reasons = {
        study_reason(case(WIDE, machine=small)): "its tiles take 6 B in the L1 of a PE, which holds 5 B",
        study_reason(case(WIDE, machine=tiny)): "its tiles take 16 B in the L2, which holds 1 B",
        study_reason(case(WIDE, holes)): (
            "<string>:1:33: layer layer misses work: point (M 0, N 1, K 0) is never computed because of "
            "TemporalMap(1,2) N; TemporalMap(1,1) N would compute every point of N once"
        ),
        study_reason(case(WIDE, TWO.replace("2, P", "5, P"))): (
            "<string>:1:53: d: clusters of 5 PEs are larger than the array of 4; 5 PEs are needed"
        ),
    }
    assert list(reasons) == list(reasons.values())
    assert isinstance(study(case(WIDE, machine=small), allow_overflow=True), Finding)


def study_reason(studied: Case) -> str:
    left_out = study(studied)
    assert isinstance(left_out, LeftOut)
    assert left_out.case is studied
    return left_out.reason
