"""Claims about what is counted: the models against each other, and the work that is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dataflow.legality import check
from dataflow.metrics import L1
from validation.claims.claim import OUTSIDE, Claim, Outcome, none_of
from validation.claims.observation import REFERENCE_LIMIT, Observation, differing
from validation.reference import computed_points

_TIMES = ("cycles", "compute_end", "utilization", "stalls")


def _refined_counts(case: Observation) -> Outcome:
    return none_of(differing(case.refined, case.simulated, leave_out=_TIMES))


def _reference(case: Observation) -> Outcome:
    return OUTSIDE if case.reference is None else none_of(differing(case.simulated, case.reference))


def _work_at_the_pes(case: Observation) -> Outcome:
    return none_of(_wrong_work(case))


def _wrong_work(case: Observation) -> Iterator[str]:
    macs, found = case.layer.macs, case.simulated
    if found.l1 != L1.of(macs):
        yield f"{found.l1} for {macs} MACs"
    received = found.boundaries[-1].downstream
    for name in ("input_write", "filter_write", "output_drained"):
        if getattr(received, name) > macs:
            yield f"innermost {name} {getattr(received, name)} for {macs} MACs"
    if found.steps[-1] > macs:
        yield f"{found.steps[-1]} innermost steps for {macs} MACs"


def _every_mac_once(case: Observation) -> Outcome:
    if case.layer.macs > REFERENCE_LIMIT:
        return OUTSIDE
    times = Counter(computed_points(case.mapping).values())
    times[0] = case.layer.macs - times.total()
    return none_of(f"{points} points computed {n} times" for n, points in sorted(times.items()) if n != 1 and points)


def _legal(case: Observation) -> Outcome:
    violation = check(case.mapping)
    return none_of([] if violation is None else [violation.message])


CLAIMS = (
    Claim(
        "refined counts",
        "The refined model gives every count of the simulator: steps, traffic of every boundary, L1 and buffer needs.",
        "legal dataflows",
        "equal",
        _refined_counts,
    ),
    Claim(
        "simulator is reference",
        "The simulator gives every number of the naive reference: counts, cycles and stalls.",
        f"legal dataflows, layers of at most {REFERENCE_LIMIT} MACs",
        "equal",
        _reference,
    ),
    Claim(
        "legality",
        "The legality check accepts the dataflow.",
        "dataflows that are legal by construction",
        "equal",
        _legal,
    ),
    Claim(
        "every MAC once",
        "The PEs compute every point of the iteration space exactly once.",
        f"legal dataflows, layers of at most {REFERENCE_LIMIT} MACs",
        "equal",
        _every_mac_once,
    ),
    Claim(
        "work at the PEs",
        "L1 accesses of each kind are the MACs; no PE receives an element, drains one or takes a step without a MAC.",
        "legal dataflows",
        "equal; at most",
        _work_at_the_pes,
    ),
)
