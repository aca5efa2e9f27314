"""One suite for all models: what can be counted by hand, the worked examples, and each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytical import PUBLISHED, analyze
from dataflow.hardware import Machine
from dataflow.layers import Layer
from dataflow.levels import Mapping, bind
from dataflow.metrics import Boundary, Downstream, Extremes, Metrics, Network, PerStep, Upstream
from dataflow.reader import parse_dataflow, read_network
from simulator.simulate import simulate, simulate_mapping
from validation.reference import enumerate_layer
from validation.strategies import Case, cases, dataflows, layers, machines

Model = Callable[[Mapping, Machine], Metrics]

EXACT: dict[str, Model] = {
    "reference": enumerate_layer,
    "simulator": simulate_mapping,
    "simulator without acceleration": partial(simulate_mapping, accelerate=False),
}


@dataclass(frozen=True)
class Example:
    """A layer, its dataflow and a machine, and what the rules say about them.

    ``published`` tells whether the counts are the published model's as well: one level, even chunks and folds.
    """

    layer: Layer
    directives: str
    machine: Machine
    cycles: int
    compute_end: int
    steps: tuple[int, ...]
    boundaries: tuple[Boundary, ...]
    stalls: dict[str, int]
    published: bool = True


def machine(
    pes: int, down: tuple[int, int], up: tuple[int, int], reduction: str = "tree", **others: int | bool
) -> Machine:
    """Return a machine whose levels are alike; ports as (elements/cycle, latency)."""
    network = {
        "distribution": {"bandwidth": down[0], "latency": down[1]},
        "collection": {"bandwidth": up[0], "latency": up[1], "reduction": reduction},
    }
    return Machine.model_validate({"pes": pes, "levels": [network], **others})


Range = tuple[int, int]


def counted(read: Range, written: Range, outputs: tuple[int, int, int], *steps: Range, macs: int) -> Boundary:
    """Return a boundary: (input, filter) read above and written below; outputs (drained, arriving, read).

    ``steps`` are the least and the most that a step distributes, collects, and computes in its busiest unit; ``macs``
    are those of the busiest units together.
    """
    drained, arriving, read_again = outputs
    return Boundary(
        Upstream(*read, output_write=arriving, output_read=read_again),
        Downstream(*written, output_drained=drained),
        Network(distributed=sum(read), collected=arriving),
        PerStep(*(Extremes(*each) for each in steps), busiest_macs=macs),
    )


def waited(transfer: int = 0, barrier: int = 0, slot: int = 0) -> dict[str, int]:
    return {"transfer": transfer, "barrier": barrier, "slot": slot}


EXAMPLES = {
    # 6 rows on 3 PEs, 2 folds; K = 2 within. Each fold: 3 · 2 inputs in two steps, weight k for all PEs: 3 + 1
    # elements, 2 cycles on a port of 2, 1 more to arrive. Computed 3..4, 5..6, 7..8, 9..10: the port is the limit, as
    # step j's transfer 2j..2j + 2 never waits. The first 3 outputs leave in 6..9, the others in 10..13, 2 cycles away.
    "outputs stay": Example(
        Layer.of("gemm", "GEMM", {"M": 6, "K": 2}),
        "SpatialMap(1,1) M; TemporalMap(1,1) K;",
        machine(3, (2, 1), (1, 2)),
        cycles=15,
        compute_end=10,
        steps=(4,),
        boundaries=(counted((12, 4), (12, 12), (6, 6, 0), (4, 4), (0, 3), (1, 1), macs=4),),
        stalls=waited(transfer=3 + 1 + 1 + 1),
    ),
    # The same with the weights kept: every step's 3 outputs leave, and 6 of the 12 come to the L2 a second time. 4, 3,
    # 4 and 3 elements are there at 3, 5, 7 and 9. Drains 4..7, 7..10, 10..13, 13..16, each after the one before: the
    # first has left the PEs when step 2 begins a third tile at 7, the second at 10, when step 3 has waited 1 cycle.
    "filters stay": Example(
        Layer.of("gemm", "GEMM", {"M": 6, "K": 2}),
        "TemporalMap(1,1) K; SpatialMap(1,1) M;",
        machine(3, (2, 1), (1, 2)),
        cycles=18,
        compute_end=11,
        steps=(4,),
        boundaries=(counted((12, 2), (12, 6), (12, 12, 6), (3, 4), (3, 3), (1, 1), macs=4),),
        stalls=waited(transfer=3 + 1 + 1 + 1, slot=1),
    ),
    # 4 outputs of a 3-tap filter at stride 2, one by one, a tap on each of 3 PEs: every output brings 3 inputs (its
    # window x = 2i … 2i + 2, of which PE u holds x = 2i + u). 6 elements 0..1, then 3 each: computed 1..2, 2..3, 3..4,
    # 4..5; sums leave the tree ⌈log2 3⌉ = 2 later, one per cycle.
    "sums of several PEs": Example(
        Layer.of("conv", "CONV", {"X'": 4, "S": 3}, stride=(1, 2)),
        "TemporalMap(1,1) X'; SpatialMap(1,1) S;",
        machine(3, (8, 0), (8, 0)),
        cycles=5 + 2 + 1,
        compute_end=5,
        steps=(4,),
        boundaries=(counted((12, 3), (12, 3), (12, 4, 0), (3, 6), (1, 1), (1, 1), macs=4),),
        stalls=waited(transfer=1),
    ),
    # 4 rows in 2 folds on 2 clusters of 2 PEs, which share K = 2. L2: each fold 2 · 2 inputs, the 2 weights once, to
    # both clusters: transfers 0..1 (6 elements), 1..2 (4). Clusters: one step per fold, 2 inputs and, first, 2 weights:
    # 1..2, 2..3; computed 2..3, 3..4. 1 sum per cluster and fold: the tree of 2 takes 1, so 4..5, 5..6, then to the
    # L2: each is of one cluster, thus not delayed: 5..6, 6..7.
    "clusters": Example(
        Layer.of("gemm", "GEMM", {"M": 4, "K": 2}),
        "SpatialMap(1,1) M; Cluster(2, P); SpatialMap(1,1) K;",
        machine(4, (8, 0), (8, 0)),
        cycles=7,
        compute_end=4,
        steps=(2, 4),
        boundaries=(
            counted((8, 2), (8, 4), (4, 4, 0), (4, 6), (2, 2), (2, 2), macs=4),
            counted((8, 4), (8, 4), (8, 4, 0), (2, 4), (1, 1), (1, 1), macs=4),
        ),
        stalls=waited(transfer=2 + 2),
        published=False,
    ),
}


@pytest.mark.parametrize("model", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_counted_by_hand(example: Example, model: Model) -> None:
    found = model(_bound(example), example.machine)
    assert (found.cycles, found.compute_end, found.steps) == (example.cycles, example.compute_end, example.steps)
    assert found.boundaries == example.boundaries
    assert found.stalls == example.stalls


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example.published])
def test_the_closed_form_counts_the_same_where_chunks_are_even(name: str) -> None:
    example = EXAMPLES[name]
    dataflow = parse_dataflow(f"Dataflow d {{ {example.directives} }}")
    found = analyze(example.layer, dataflow, example.machine, PUBLISHED)
    assert (found.steps, found.boundaries) == (example.steps, example.boundaries)
    assert found.buffers == enumerate_layer(_bound(example), example.machine).buffers


def _bound(example: Example) -> Mapping:
    dataflow = parse_dataflow(f"Dataflow d {{ {example.directives} }}")
    return bind(example.layer, dataflow, example.machine.pes)


@st.composite
def even_cases(draw: st.DrawFn) -> Case:
    """Draw a matrix product whose chunks all have their full size, and whose last fold keeps every unit busy."""
    pes = draw(st.integers(1, 5))
    spread = draw(st.sampled_from("MNK"))
    chunks = {name: (draw(st.integers(1, 3)), draw(st.integers(1, 4))) for name in "MNK"}
    sizes = {name: size * number * (pes if name == spread else 1) for name, (size, number) in chunks.items()}
    maps = [
        f"{'Spatial' if name == spread else 'Temporal'}Map({size},{size}) {name};" for name, (size, _) in chunks.items()
    ]
    dataflow = parse_dataflow(f"Dataflow d {{ {' '.join(draw(st.permutations(maps)))} }}")
    reduction = draw(st.sampled_from(["tree", "none"]))
    hardware = machine(pes, (draw(st.integers(1, 8)), 1), (4, 1), reduction, multicast=draw(st.booleans()))
    return Layer.of("gemm", "GEMM", sizes), dataflow, hardware


@given(even_cases())
@settings(max_examples=60)
def test_the_closed_form_counts_like_the_simulator_where_chunks_are_even(case: Case) -> None:
    found, simulated = analyze(*case, PUBLISHED), simulate(*case)
    assert (found.steps, found.boundaries, found.l1) == (simulated.steps, simulated.boundaries, simulated.l1)
    assert found.buffers == simulated.buffers


@st.composite
def contended_cases(draw: st.DrawFn) -> Case:
    """Draw a case in which ports, buffers and slots are what everybody waits for."""
    layer = draw(layers(max_macs=600))
    hardware = draw(machines(pes=st.integers(1, 8), bandwidths=st.integers(1, 2), latencies=st.sampled_from((0, 1, 9))))
    return layer, draw(dataflows(layer, hardware)), hardware


def assert_the_simulator_is_exact(case: Case) -> None:
    layer, dataflow, hardware = case
    assert simulate(*case) == enumerate_layer(bind(layer, dataflow, hardware.pes), hardware)


@pytest.mark.parametrize("strategy", [cases(), contended_cases()], ids=["any", "contended"])
@given(data=st.data())
@settings(max_examples=100)
def test_simulator_gives_every_number_of_the_reference(strategy: st.SearchStrategy[Case], data: st.DataObject) -> None:
    assert_the_simulator_is_exact(data.draw(strategy))


@pytest.mark.slow
@given(st.one_of(cases(), contended_cases()))
@settings(max_examples=1500)
def test_simulator_gives_every_number_of_the_reference_on_many_cases(case: Case) -> None:
    assert_the_simulator_is_exact(case)


def assert_the_closed_form_is_exact(case: Case) -> None:
    """Every number but the stalls, which the analytical model does not know."""
    assert analyze(*case) == replace(simulate(*case), stalls={})


@st.composite
def odd_cases(draw: st.DrawFn) -> Case:
    """Draw a case on an odd machine: one PE, prime numbers of PEs and of elements per cycle, or no latency."""
    primes = st.sampled_from((1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))
    layer = draw(layers(max_macs=1000))
    hardware = draw(
        st.one_of(
            machines(pes=st.just(1)),
            machines(bandwidths=st.just(1), latencies=st.just(0)),
            machines(pes=primes, bandwidths=primes),
        )
    )
    return layer, draw(dataflows(layer, hardware)), hardware


@given(st.one_of(cases(), contended_cases(), odd_cases()))
@settings(max_examples=150)
def test_closed_form_gives_every_number_of_the_simulator(case: Case) -> None:
    assert_the_closed_form_is_exact(case)


@pytest.mark.slow
@given(st.one_of(cases(), contended_cases(), odd_cases()))
@settings(max_examples=3000, deadline=None)
def test_closed_form_gives_every_number_of_the_simulator_on_many_cases(case: Case) -> None:
    assert_the_closed_form_is_exact(case)


def _differences(folder: Path, model: Model, records: slice) -> dict[str, Any]:
    """Return what ``model`` finds different in the worked examples: (found, expected) by layer, machine and number."""
    layers = {entry.layer.name: entry for entry in read_network(folder / "worked.m").layers}
    different: dict[str, Any] = {}
    for index, record in list(enumerate(json.loads((folder / "expected.json").read_text())))[records]:
        entry = layers[record["layer"]]
        hardware = dict(record["hardware"])
        collection = {**hardware.pop("collection"), "reduction": hardware.pop("reduction")}
        levels = [{"distribution": hardware.pop("distribution"), "collection": collection}]
        array = Machine.model_validate({**hardware, "levels": levels})
        assert entry.dataflow is not None
        found = model(bind(entry.layer, entry.dataflow, array.pes), array).to_dict() | {"macs": entry.layer.macs}
        for boundary in found["boundaries"]:
            del boundary["per_step"]  # the examples do not have it
        for key in record.keys() - {"layer", "hardware"}:
            if found[key] != record[key]:
                different[f"{index}: {entry.layer.name}: {key}"] = (found[key], record[key])
    return different


@pytest.mark.reference
@pytest.mark.parametrize("part", range(3))
def test_simulator_reproduces_every_worked_example(reference_material: Path, part: int) -> None:
    """Cycles, compute end, steps and every count of all 198 records."""
    assert _differences(reference_material / "worked", simulate_mapping, slice(part, None, 3)) == {}


@pytest.mark.reference
def test_simulator_reproduces_worked_examples_step_by_step(reference_material: Path) -> None:
    """Every third of the records, without acceleration."""
    step_by_step = partial(simulate_mapping, accelerate=False)
    assert _differences(reference_material / "worked", step_by_step, slice(None, None, 3)) == {}
