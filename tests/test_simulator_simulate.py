"""Simulating a layer as a whole: what is refused, and what it costs."""

from __future__ import annotations

import gc
import re
import tracemalloc

import pytest

from dataflow.errors import InputError
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import bind
from dataflow.reader import parse_dataflow
from simulator.simulate import simulate, simulate_mapping


def array(pes: int) -> Machine:
    port = {"bandwidth": 4, "latency": 1}
    return Machine.model_validate({"pes": pes, "levels": [{"distribution": port, "collection": port}]})


def test_a_dataflow_that_does_not_bind_is_refused() -> None:
    dataflow = parse_dataflow("Dataflow d { TemporalMap(1,1) C; }")
    message = "<string>:1:14: TemporalMap(1,1) C: a GEMM has no dimension C; its dimensions are M N K"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        simulate(Layer.of("gemm", "GEMM", {"M": 2}), dataflow, array(1))


def test_memory_does_not_grow_with_the_number_of_steps() -> None:
    """1,728 and 8 · 1,728 steps, every one simulated; only what is known about single loops, twice as long, grows."""
    directives = "TemporalMap(1,1) M; TemporalMap(1,1) N; SpatialMap(1,1) K; Cluster(1, P);"
    dataflow = parse_dataflow(f"Dataflow d {{ {directives} }}")

    def peak(size: int) -> int:
        mapping = bind(Layer.of("gemm", "GEMM", {"M": size, "N": size, "K": 2 * size}), dataflow, 2)
        gc.collect()
        tracemalloc.start()
        found = simulate_mapping(mapping, array(2), accelerate=False)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.steps == (size**3, 2 * size**3)
        return most

    peak(12)  # fills the caches that all simulations share
    assert peak(24) < 1.1 * peak(12)
