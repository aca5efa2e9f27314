"""A DRAM and the single port of the L2 as bounds, and what of a machine the analysis simplifies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytical import PUBLISHED, REFINED, Assumptions, analyze
from analytical.memory import simplified
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.metrics import Dram, Metrics
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate
from validation.strategies import Case, cases


def machine(topology: str = "bus", sums: str = "accumulate", **others: object) -> Machine:
    distribution = {"bandwidth": 4, "latency": 1, "topology": topology}
    level = {"distribution": distribution, "collection": {"bandwidth": 4, "partial_sums": sums}}
    return Machine.model_validate({"pes": 1, "levels": [level], **others})


def analysed(directives: str, described: Machine) -> Metrics:
    layer = Layer.of("product", "GEMM", {"M": 6, "N": 2, "K": 3})
    return analyze(layer, parse_dataflow(f"Dataflow d {{ {directives} }}"), described)


ROWS = "TemporalMap(1,1) M;"  # a row of 3 inputs and 2 outputs at a time, the 6 weights stay
TERMS = "TemporalMap(1,1) K; TemporalMap(1,1) M;"  # 2 weights for 6 inputs one by one, 2 outputs come and go each time


@pytest.mark.parametrize(
    ("directives", "resident", "expected"),
    [
        (ROWS, None, Dram(18, 6, 0, 12, ("filter",))),
        (ROWS, (), Dram(18, 6, 0, 12, ())),
        (TERMS, None, Dram(18, 6, 0, 12, ("output",))),
        (TERMS, ("input",), Dram(18, 6, 24, 36, ("input",))),
    ],
)
def test_what_passes_between_dram_and_l2(directives: str, resident: tuple[str, ...] | None, expected: Dram) -> None:
    """18 inputs, 6 weights, 12 outputs; streamed, 12 outputs leave for each of 3 terms, and 24 of them come back.

    Weights that all rows need are no more than two of their tiles, so that they stay without any need for room.
    """
    l2 = {} if resident is None else {"resident": resident}
    assert analysed(directives, machine(dram={"bandwidth": 1}, l2=l2)).dram == expected


@pytest.mark.parametrize(("size", "resident", "needed"), [(17, (), 10), (18, ("output",), 18), (None, ("output",), 18)])
def test_an_l2_that_is_small_keeps_what_saves_most_per_byte(
    size: int | None, resident: tuple[str, ...], needed: int
) -> None:
    """Two tiles each: 2 · (1 + 2 + 2) B pass through. Outputs whole take 12 - 4 B more; they save 60 - 12 elements."""
    found = analysed(TERMS, machine(dram={"bandwidth": 1}, l2={"bytes": size}))
    assert found.dram is not None
    assert (found.dram.resident, found.buffers.l2_bytes) == (resident, needed)


@given(cases(max_macs=400, max_pes=1), st.none() | st.integers(1, 400))
def test_one_unit_fetches_what_it_is_sent(case: Case, size: int | None) -> None:
    """Nobody else has anything then: the counts are the simulator's, and its time is never shorter than the bound."""
    layer, dataflow, plain = case
    described = Machine.model_validate(
        plain.to_dict() | {"dram": {"bandwidth": 2, "latency": 3}, "l2": {"bytes": size}}
    )
    analysis, simulated = analyze(layer, dataflow, described), simulate(layer, dataflow, described)
    assert analysis.dram == simulated.dram
    assert analysis.buffers == simulated.buffers
    assert analysis.cycles <= simulated.cycles


@pytest.mark.parametrize("assumptions", [REFINED, PUBLISHED])
@pytest.mark.parametrize(("bandwidth", "latency"), [(1, 0), (1, 9), (2, 0), (2, 23)])
def test_the_longer_of_memory_and_rest_hides_the_other(assumptions: Assumptions, bandwidth: int, latency: int) -> None:
    """36 elements pass the DRAM's bus."""
    plain, behind = machine(), machine(dram={"bandwidth": bandwidth, "latency": latency})
    layer, dataflow = Layer.of("product", "GEMM", {"M": 6, "N": 2, "K": 3}), parse_dataflow(f"Dataflow d {{ {ROWS} }}")
    without, found = (analyze(layer, dataflow, each, assumptions) for each in (plain, behind))
    assert found.cycles == max(without.cycles, 36 // bandwidth + latency)
    assert found.compute_end == without.compute_end


def test_all_that_takes_the_single_port_is_counted() -> None:
    """24 elements down and 12 up, one a cycle; with a DRAM they come in and go out by the same port."""
    quick = {"lanes": 6}
    assert analysed(ROWS, machine(**quick)).cycles < 24 + 12
    assert analysed(ROWS, machine(l2={"port_bandwidth": 1}, **quick)).cycles == 24 + 12
    behind = machine(l2={"port_bandwidth": 1}, dram={"bandwidth": 9}, **quick)
    assert analysed(ROWS, behind).cycles == 2 * (24 + 12)


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (machine(), []),
        (machine("mesh"), ["topology mesh for a bus"]),
        (machine(sync="dataflow"), ["sync: dataflow for a barrier"]),
        (machine(sums="return"), ["partial sums that return for sums that are added where they went"]),
        (machine(dram={"bandwidth": 1}), ["the DRAM for a bound, hidden behind the rest"]),
        (
            machine(dram={"bandwidth": 1, "row_buffer": {"row_elements": 8, "miss": 3}}),
            ["the DRAM for a bound, hidden behind the rest, without row buffers"],
        ),
        (machine(l2={"port_bandwidth": 1}), ["the single port of the L2 for a bound, hidden behind the rest"]),
    ],
)
def test_what_is_taken_for_something_simpler(described: Machine, expected: list[str]) -> None:
    assert simplified(described, 1) == expected
