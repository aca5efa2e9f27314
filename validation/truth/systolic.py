"""Systolic arrays of any size: their machines and dataflows, the published closed form, and published cycles.

The published schedule (SCALE-Sim) clocks every fold through the whole array, also one that fills only part of it: it is
the schedule of the product padded to whole folds, and that is what is simulated (`whole_folds`).
"""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.directives import Dataflow
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.metrics import Metrics
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate
from validation.truth.published import Gemm, Stationary, SystolicCase, machine, published
from validation.truth.rows import Row


def roles(gemm: Gemm, stationary: Stationary) -> tuple[int, int, int]:
    """Return the sizes that lie along the rows, along the columns, and stream through the array."""
    if stationary == "output":
        return gemm.M, gemm.N, gemm.K
    return (gemm.K, gemm.N, gemm.M) if stationary == "filter" else (gemm.K, gemm.M, gemm.N)


def closed_form(gemm: Gemm, stationary: Stationary, rows: int, columns: int) -> int:
    """Return the published cycles: (2R + C + T − 2) a fold, T the stream, for every fold of rows and columns."""
    down, across, stream = roles(gemm, stationary)
    return (2 * rows + columns + stream - 2) * (-(-down // rows)) * (-(-across // columns))


def systolic_machine(stationary: Stationary, rows: int, columns: int, *, registered: bool = False) -> Machine:
    """Return an array of rows × columns PEs; an input-stationary one is a filter-stationary one, transposed."""
    size = [f"pes={rows * columns}", f"buffering={rows + columns}"]
    if registered:
        return machine("systolic-rtl", size)
    if stationary == "output":
        return machine("systolic-os", [*size, f"levels.0.collection.bandwidth={columns}"])
    skew, width = f"output_buffering={rows + columns}", f"levels.0.distribution.filter_bandwidth={columns}"
    return machine("systolic-ws", [*size, skew, width])


def systolic_dataflow(stationary: Stationary, columns: int) -> Dataflow:
    """Return the dataflow of an array with so many columns; its rows are what the PEs are enough for."""
    top = {
        "output": f"SpatialMap(1,1) M; TemporalMap({columns},{columns}) N; TemporalMap(1,1) K;",
        "filter": f"TemporalMap({columns},{columns}) N; SpatialMap(1,1) K; TemporalMap(1,1) M;",
    }["output" if stationary == "output" else "filter"]
    return parse_dataflow(f"Dataflow systolic {{ {top} Cluster({columns}, P); SpatialMap(1,1) N; }}")


def whole_folds(gemm: Gemm, stationary: Stationary, rows: int, columns: int) -> Layer:
    """Return the product padded to whole folds, transposed where inputs are stationary."""
    down, across, stream = roles(gemm, stationary)
    down, across = -(-down // rows) * rows, -(-across // columns) * columns
    sizes = {"M": down, "N": across, "K": stream} if stationary == "output" else {"K": down, "N": across, "M": stream}
    return Layer.of("product", "GEMM", sizes)


def run(gemm: Gemm, stationary: Stationary, rows: int, columns: int, *, registered: bool = False) -> Metrics:
    """Simulate a product, padded to whole folds, on an array of rows × columns."""
    return simulate(
        whole_folds(gemm, stationary, rows, columns),
        systolic_dataflow(stationary, columns),
        systolic_machine(stationary, rows, columns, registered=registered),
    )


def measure(case: SystolicCase) -> int:
    """Return the simulated cycles, counted as the source does.

    A schedule without drains goes fold by fold, too: the time of one to its last sum, for every fold.
    """
    rows, columns = case.array
    if case.drains and not case.registered:
        cycles = run(case.gemm, case.stationary, rows, columns).cycles
    else:
        down, across, _ = roles(case.gemm, case.stationary)
        one = case.gemm.model_copy(update={"M": rows, "N": columns})
        fold = run(one, case.stationary, rows, columns, registered=case.registered)
        cycles = (fold.cycles if case.registered else fold.compute_end) * (-(-down // rows)) * (-(-across // columns))
    return cycles - 1 + case.first_cycle


def systolic_rows() -> Iterator[Row]:
    """Yield published cycles of systolic arrays, each with what is simulated."""
    for case in published().systolic:
        measured = measure(case)
        yield Row("systolic", case.name, "cycles", "", measured, case.cycles, case.source, case.limit, case.note)
