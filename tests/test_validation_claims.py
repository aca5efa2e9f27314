"""Every claim holds for a case worked out by hand, and fails, in these words, when one number of it is wrong.

The GEMM, M = N = K = 2, on two clusters (M) of two PEs (K), step by step over N, without multicast:

* L2 to clusters: each gets its row of inputs once (2 · 2 = 4) and a column of filters per step (2 · 2 · 2 = 8), so
  12 cross; each drains an output per step, 4.
* Clusters to PEs: each PE keeps its input (4) and gets a filter per step (8). It drains a partial sum per step (8);
  the tree adds those of two PEs, so 4 are collected.

The convolution, 4 columns and a filter of 2 taps: three windows, one per PE, 2 inputs and 2 filters each.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.reader import parse_dataflow
from validation.claims import CLAIMS, REFERENCE_LIMIT, Claim, Observation, Outcome
from validation.store import COLUMNS

PORT = {"bandwidth": 1, "latency": 1}
MACHINE = Machine.model_validate({"pes": 4, "multicast": False, "levels": [{"distribution": PORT, "collection": PORT}]})
GEMM = Layer.of("gemm", "GEMM", {"M": 2, "N": 2, "K": 2})
CLUSTERS = "TemporalMap(1,1) N; SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K;"
CONV = Layer.of("conv", "CONV", {"S": 2, "X": 4})
WINDOWS = "SpatialMap(2,1) X;"


def observed(layer: Layer, directives: str, machine: Machine = MACHINE) -> Observation:
    return Observation(layer, parse_dataflow(f"Dataflow given {{ {directives} }}"), machine)


def gemm() -> Observation:
    return observed(GEMM, CLUSTERS)


def conv() -> Observation:
    return observed(CONV, WINDOWS)


def named(name: str) -> Claim:
    (claim,) = [claim for claim in CLAIMS if claim.name == name]
    return claim


def changed(record: Any, path: str, value: int) -> Any:  # noqa: ANN401 — records and tuples of all kinds
    """Return the record with the number at ``path``, such as ``boundaries.0.upstream.input_read``, replaced."""
    key, _, rest = path.partition(".")
    if isinstance(record, tuple):
        index = int(key)
        new = changed(record[index], rest, value) if rest else value
        return (*record[:index], new, *record[index + 1 :])
    return replace(record, **{key: changed(getattr(record, key), rest, value) if rest else value})


def wrong(case: Observation, model: str, path: str, value: int) -> Observation:
    """Return the case with one number of what a model found replaced."""
    vars(case)[model] = changed(getattr(case, model), path, value)
    return case


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.name for claim in CLAIMS])
def test_every_claim_holds(claim: Claim) -> None:
    found = claim.check(conv() if claim.name == "mirrored" else gemm())
    assert (found.holds, found.detail) == (True, "")
    assert found.measure is not None


SIMULATED, REFINED = "simulated", "refined"
#: Claim, what is wrong: the model, the number and its value, and what the claim says.
FAULTS: tuple[tuple[str, str, str, int, str], ...] = (
    ("refined counts", REFINED, "boundaries.1.downstream.output_drained", 7, (
        "boundaries[1].downstream.output_drained: 7, 8")),
    ("refined counts", REFINED, "buffers.l2_bytes", 17, "buffers.l2_bytes: 17, 16"),
    ("refined counts", REFINED, "steps.1", 5, "steps[1]: 5, 4"),
    ("refined runtime", REFINED, "cycles", 24, "cycles: 24, 23"),
    ("refined runtime", REFINED, "compute_end", 16, "compute_end: 16, 17"),
    ("simulator is reference", SIMULATED, "cycles", 24, "cycles: 24, 23"),
    ("simulator is reference", SIMULATED, "boundaries.0.upstream.output_read", 1, (
        "boundaries[0].upstream.output_read: 1, 0")),
    # 12 elements cross the L2's port in 12 cycles, and take one more to arrive, when a MAC begins.
    ("lower bounds", SIMULATED, "cycles", 13, "13 cycles, compute_end 17; 13 cycles, level 0 distribution 14"),
    ("lower bounds", SIMULATED, "compute_end", 24, "23 cycles, compute_end 24"),
    ("distribution", SIMULATED, "boundaries.0.network.distributed", 13, "simulated level 0: 13 distributed, 12 read"),
    ("distribution", REFINED, "boundaries.1.downstream.input_write", 5, (
        "refined level 1: input 4 read, 5 written by 2 units")),
    ("distribution", REFINED, "boundaries.1.downstream.filter_write", 7, (
        "refined level 1: filter 8 read, 7 written by 2 units")),
    ("collection", SIMULATED, "boundaries.0.network.collected", 5, (
        "simulated level 0: 5 collected, 4 written; simulated level 0: 4 drained, 5 collected from 2 units")),
    # Two PEs per cluster make at most two partial sums of one that is collected.
    ("collection", REFINED, "boundaries.1.downstream.output_drained", 9, (
        "refined level 1: 9 drained, 4 collected from 2 units")),
    ("stays", SIMULATED, "boundaries.0.upstream.output_read", 1, "simulated level 0: 3 first copies for 4 stays"),
    ("stays", REFINED, "boundaries.1.upstream.output_write", 5, "refined level 1: 5 first copies for 4 stays"),
    ("compulsory reads", SIMULATED, "boundaries.0.upstream.input_read", 3, "input: 3 read, 4 needed"),
    ("compulsory reads", SIMULATED, "boundaries.0.upstream.filter_read", 3, "filter: 3 read, 4 needed"),
    ("passed on", SIMULATED, "boundaries.1.upstream.input_read", 3, "level 1: 3 input read, 4 received"),
    ("work at the PEs", SIMULATED, "l1.output_read", 7, (
        "L1(input_read=8, filter_read=8, output_read=7, output_write=8) for 8 MACs")),
    ("work at the PEs", SIMULATED, "boundaries.1.downstream.filter_write", 9, "innermost filter_write 9 for 8 MACs"),
    ("work at the PEs", SIMULATED, "steps.1", 9, "9 innermost steps for 8 MACs"),
    # The better machines take at least 22, 21, 23, 23 and 21 cycles.
    ("more bandwidth", REFINED, "cycles", 21, "more bandwidth: 21 cycles become 22"),
    ("less latency", REFINED, "cycles", 20, "less latency: 20 cycles become 21"),
    ("deeper buffers", REFINED, "cycles", 22, "deeper buffers: 22 cycles become 23"),
    ("more lanes", REFINED, "cycles", 22, "more lanes: 22 cycles become 23"),
    ("multicast", REFINED, "cycles", 20, "multicast: 20 cycles become 21"),
    ("transposed", REFINED, "boundaries.0.upstream.input_read", 5, "boundaries[0].upstream.input_read: 4, 5"),
    ("transposed", REFINED, "cycles", 24, "cycles: 23, 24"),
    # The last boundary's traffic is what the new one passes on, so both are not what they were.
    ("inner cluster of one", REFINED, "boundaries.1.downstream.output_drained", 9, (
        "{found.boundaries}, {wrong.boundaries}; new boundary: (4, 8, 8, 0), (4, 8, 9, 0); "
        "new boundary: {found.boundaries[1].downstream}, {wrong.boundaries[1].downstream}")),
    ("split level", REFINED, "boundaries.1.downstream.output_drained", 9, (
        "below the cut: {found.boundaries}, {wrong.boundaries}")),
    ("split level", REFINED, "steps.0", 3, "steps (2, 4), (3, 4)"),
    ("split level", REFINED, "boundaries.0.upstream.input_read", 3, (
        "below the cut: {found.boundaries}, {wrong.boundaries}; L2 input_read 4, 3")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "model", "path", "value", "detail"), FAULTS)
def test_a_claim_fails_where_a_number_is_wrong(name: str, model: str, path: str, value: int, detail: str) -> None:
    case = wrong(gemm(), model, path, value)
    found = named(name).check(case)
    assert found.holds is False
    assert found.detail == detail.format(found=getattr(gemm(), model), wrong=getattr(case, model))


def test_mirrored_fails_where_a_number_is_wrong() -> None:
    found = named("mirrored").check(wrong(conv(), REFINED, "steps.0", 2))
    assert found == Outcome(False, 1.0, "steps[0]: 1, 2")


def test_claims_about_legality_fail_for_an_illegal_dataflow() -> None:
    """Every other column of filters is left out, with 4 of the 8 MACs."""
    case = observed(GEMM, "TemporalMap(1,2) N;", MACHINE.model_copy(update={"pes": 1}))
    assert named("every MAC once").check(case).detail == "4 points computed 0 times"
    assert named("legality").check(case).detail == (
        "layer gemm misses work: point (M 0, N 1, K 0) is never computed because of TemporalMap(1,2) N; "
        "TemporalMap(1,1) N would compute every point of N once"
    )


def test_every_claim_has_a_fault() -> None:
    """Those that are not about the GEMM's numbers have a test of their own."""
    assert {claim.name for claim in CLAIMS} == {name for name, *_ in FAULTS} | {
        "mirrored", "legality", "every MAC once",
    }  # fmt: skip


LARGE = Layer.of("large", "GEMM", {"M": REFERENCE_LIMIT + 1})
FAST = Machine.model_validate(
    {"pes": 1, "levels": [{"distribution": {"bandwidth": 64}, "collection": {"bandwidth": 64}}]}
)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("mirrored", gemm()),
        ("transposed", conv()),
        ("passed on", conv()),
        ("split level", conv()),
        ("less latency", observed(GEMM, "", FAST)),
        ("multicast", observed(GEMM, "", FAST)),
        ("simulator is reference", observed(LARGE, "TemporalMap(100,100) M;", FAST)),
        ("every MAC once", observed(LARGE, "TemporalMap(100,100) M;", FAST)),
    ],
)
def test_a_case_outside_the_domain_says_nothing(name: str, case: Observation) -> None:
    assert named(name).check(case) == Outcome(None)


def test_the_measure_says_by_how_much() -> None:
    """23 cycles, 22 with a wider port, at least 17."""
    assert named("more bandwidth").check(gemm()).measure == 22 / 23
    assert named("lower bounds").check(gemm()).measure == 23 / 17
    assert named("refined runtime").check(wrong(gemm(), REFINED, "cycles", 24)).measure == 24 / 23
    assert named("collection").check(wrong(gemm(), SIMULATED, "boundaries.0.network.collected", 5)).measure == 2


def test_names_are_unique_and_every_claim_is_a_sentence() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.statement.endswith(".") and claim.domain and claim.limit for claim in CLAIMS)


def test_the_documentation_lists_every_claim() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "validation.md").read_text(encoding="utf-8")
    table = text.partition("\n## Claims\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows == [f"| {claim.name} | {claim.statement} | {claim.domain} | {claim.limit} |" for claim in CLAIMS]


def test_the_documentation_lists_every_column_of_the_store() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "validation.md").read_text(encoding="utf-8")
    store = text.partition("\n## The store\n")[2].partition("\n## ")[0]
    assert [name for name in COLUMNS if f"`{name}`" not in store] == []
