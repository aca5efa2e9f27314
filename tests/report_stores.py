"""Campaign stores with rows that are written by hand, for tests of reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from validation.campaign import Plan, begin
from validation.store import CaseRecord, Store

MACHINE = json.dumps({"pes": 4, "levels": [{"distribution": {"bandwidth": 2}, "collection": {"bandwidth": 1}}]})
DATAFLOW = """\
Network case_NUMBER {
\tLayer gemm {
\t\tType: GEMM
\t\tDimensions { M: 4, N: 2, K: 3 }
\t\tDataflow {
\t\t\tTemporalMap(1,1) N;
\t\t\tSpatialMap(1,1) M;
\t\t}
\t}
}
"""


def case(
    number: int,
    simulated: int | None,
    published: int | None,
    refined: int | None = None,
    family: str = "plain-1",
    failed: Mapping[str, str] | None = None,
    **other: object,
) -> CaseRecord:
    """Return a row; ``failed`` has what is wrong by claim, the refined model is exact if nothing else is said."""
    refined = simulated if refined is None else refined
    claims = {"refined runtime": {"holds": True, "measure": 1.0, "detail": ""}}
    claims |= {name: {"holds": False, "measure": 1.0, "detail": detail} for name, detail in (failed or {}).items()}
    record = CaseRecord(
        number,
        layer_type="GEMM",
        family=family,
        levels=1,
        macs=24,
        pes=4,
        dataflow=DATAFLOW.replace("NUMBER", str(number)),
        machine=MACHINE,
        simulated_cycles=simulated,
        refined_cycles=refined,
        published_cycles=published,
        assumptions=json.dumps({"lockstep": published, "restart_reuse": simulated}),
        claims=json.dumps(claims),
    )
    return replace(record, **other)  # type: ignore[arg-type]


def store(path: Path, records: list[CaseRecord], examples: int | None = None) -> Path:
    """Make a campaign store of rows; ``examples`` were asked for, as many as there are rows if nothing is said."""
    with Store(path, create=True) as made:
        begin(made, Plan(7, examples or max(1, len(records)), sources="0123456789abcdef"))
        made.add(records)
    return path
