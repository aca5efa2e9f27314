"""Claims about time: the refined model against the simulator, and what no schedule can beat."""

from __future__ import annotations

from collections.abc import Iterator

from validation.claims.claim import Claim, Outcome
from validation.claims.observation import Observation


def _refined_runtime(case: Observation) -> Outcome:
    found, expected = case.refined, case.simulated
    pairs = {"cycles": (found.cycles, expected.cycles), "compute_end": (found.compute_end, expected.compute_end)}
    detail = "; ".join(f"{key}: {one}, {other}" for key, (one, other) in pairs.items() if one != other)
    return Outcome(not detail, found.cycles / expected.cycles, detail)


def _lower_bounds(case: Observation) -> Outcome:
    cycles = case.simulated.cycles
    bounds = dict(_bounds(case))
    largest = max(bounds.values())
    detail = "; ".join(f"{cycles} cycles, {name} {bound}" for name, bound in bounds.items() if bound > cycles)
    return Outcome(cycles >= largest, cycles / largest, detail)


def _bounds(case: Observation) -> Iterator[tuple[str, int]]:
    """Yield what takes how long at least, if it is spread evenly over all PEs or all ports of a level.

    Nothing is computed before the last data have arrived, nor drained before a first cycle of computing.
    """
    machine = case.machine
    yield "compute", -(-case.layer.macs // (machine.pes * machine.lanes))
    yield "compute_end", case.simulated.compute_end
    for level, boundary in enumerate(case.simulated.boundaries):
        network, ports = machine.network(level), case.clusters(level)
        for name, port, moved in (
            ("distribution", network.distribution, boundary.network.distributed),
            ("collection", network.collection, boundary.network.collected),
        ):
            if port.width is not None:
                yield f"level {level} {name}", -(-moved // (ports * port.width)) + port.latency + 1


CLAIMS = (
    Claim(
        "refined runtime",
        "The refined model gives the simulated cycles and compute end.",
        "legal dataflows",
        "equal",
        _refined_runtime,
    ),
    Claim(
        "lower bounds",
        "No layer takes fewer cycles than ⌈MACs / (PEs · lanes)⌉, than its compute end, or than any level's ports need "
        "for what crosses them: ⌈elements / (ports · bandwidth)⌉ + latency + 1.",
        "legal dataflows",
        "at least",
        _lower_bounds,
    ),
)
