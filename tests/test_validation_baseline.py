"""Baseline files: what they hold, what is not one, and which numbers may move how far."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import InputError, Position
from dataflow.metrics import L1, Boundary, Buffers, Downstream, Extremes, Metrics, Network, PerStep, Upstream
from dataflow.text_files import FILE_LIMIT
from validation.baseline import (
    Baseline,
    Difference,
    Entry,
    LayerRecord,
    Result,
    Tolerances,
    counts_of,
    differences,
    numbered,
    parse_baseline,
)

METRICS = ["boundaries[0].upstream.input_read", "boundaries[1].upstream.input_read", "cycles", "stalls.transfer"]


def record(name: str = "conv", **changed: int) -> LayerRecord:
    counts = {"cycles": 100, "l1.input_read": 7}
    return LayerRecord(name=name, simulator=counts | changed, published=counts, refined=counts)


def baseline(*layers: LayerRecord) -> Baseline:
    entry = Entry(
        workload="./net.m",
        dataflow=None,
        hardware="reference-36",
        overrides=("pes=4",),
        patterns=(),
        allow_overflow=False,
        layers=layers,
    )
    return Baseline(workloads=(entry,))


def refusal(text: str) -> str:
    with pytest.raises(InputError) as raised:
        parse_baseline(text, "b.json")
    return str(raised.value)


def test_a_baseline_reads_back_as_it_was_and_is_sorted() -> None:
    text = baseline(record(), record("fc", cycles=10**30)).text()
    assert parse_baseline(text, "b.json") == baseline(record(), record("fc", cycles=10**30))
    assert parse_baseline(text, "b.json").text() == text
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
    assert baseline(record()).metrics() == ["cycles", "l1.input_read"]


def test_the_counts_of_a_record_are_its_whole_numbers_by_key_path() -> None:
    boundary = Boundary(
        Upstream(1, 2, 3, 4),
        Downstream(5, 6, 7),
        Network(8, 9),
        PerStep(Extremes(20, 21), Extremes(22, 23), Extremes(24, 25), 26),
    )
    metrics = Metrics(20, 19, (4,), (boundary,), L1.of(11), Buffers(12, 13), 0.5, {"slot": 14})
    assert counts_of(metrics) == {
        "cycles": 20,
        "compute_end": 19,
        "steps[0]": 4,
        "boundaries[0].upstream.input_read": 1,
        "boundaries[0].upstream.filter_read": 2,
        "boundaries[0].upstream.output_write": 3,
        "boundaries[0].upstream.output_read": 4,
        "boundaries[0].downstream.input_write": 5,
        "boundaries[0].downstream.filter_write": 6,
        "boundaries[0].downstream.output_drained": 7,
        "boundaries[0].network.distributed": 8,
        "boundaries[0].network.collected": 9,
        "boundaries[0].per_step.distributed.least": 20,
        "boundaries[0].per_step.distributed.most": 21,
        "boundaries[0].per_step.collected.least": 22,
        "boundaries[0].per_step.collected.most": 23,
        "boundaries[0].per_step.macs.least": 24,
        "boundaries[0].per_step.macs.most": 25,
        "boundaries[0].per_step.busiest_macs": 26,
        "l1.input_read": 11,
        "l1.filter_read": 11,
        "l1.output_read": 11,
        "l1.output_write": 11,
        "buffers.l1_bytes": 12,
        "buffers.l2_bytes": 13,
        "stalls.slot": 14,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "b.json:1:1: not valid JSON: Expecting value"),
        ('{\n "schema" 1}', "b.json:2:11: not valid JSON: Expecting ':' delimiter"),
        ("[]", "b.json: not a baseline; metronome baseline record writes one"),
        ("{}", "b.json: not a baseline; metronome baseline record writes one"),
        ('{"schema": 2}', "b.json: a baseline of schema 2; this version reads schema 1: record it anew"),
        ('{"schema": true}', "b.json: a baseline of schema true; this version reads schema 1: record it anew"),
        ('{"schema": 1}', "b.json: workloads: is missing"),
        ('{"schema": 1, "schema": 1}', 'b.json: the key "schema" is stated a second time'),
        ('{"schema": ' + "1" * 5000 + "}", "b.json: a number is too long"),
        ("[" * 100_000, "b.json: the values are nested too deeply"),
        ('{"schema": 1, "workloads": [], "work": 1}', "b.json: work: unknown key"),
        ('{"schema": 1, "workloads": {"a": 1}}', "b.json: workloads: a list should stand here"),
        ('{"schema": 1, "workloads": [1]}', "b.json: workloads[0]: keys and values should stand here"),
        (" " * (FILE_LIMIT + 1), "b.json: a baseline has at most 4 MiB; spread the workloads over several"),
    ],
)
def test_what_is_not_a_baseline_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def entry_value(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["workloads"][0].update({key: value})


def layer_value(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["workloads"][0]["layers"][0].update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (entry_value("workload", 1), "workloads[0].workload: text should stand here"),
        (entry_value("workload", ""), "workloads[0].workload: a name in one line should stand here"),
        (entry_value("workload", "a\n::error::b"), "workloads[0].workload: a name in one line should stand here"),
        (entry_value("hardware", None), "workloads[0].hardware: text should stand here"),
        (entry_value("overrides", [1]), "workloads[0].overrides[0]: text should stand here"),
        (entry_value("allow_overflow", 1), "workloads[0].allow_overflow: true or false should stand here"),
        (layer_value("name", "::error::x"), "workloads[0].layers[0].name: a name in one line should stand here"),
        (layer_value("name", "a\n"), "workloads[0].layers[0].name: a name in one line should stand here"),
        (layer_value("simulator", []), "workloads[0].layers[0].simulator: keys and values should stand here"),
        (
            layer_value("refined", {"cycles": 1.5}),
            "workloads[0].layers[0].refined.cycles: a whole number should stand here",
        ),
        (
            layer_value("refined", {"cycles": True}),
            "workloads[0].layers[0].refined.cycles: a whole number should stand here",
        ),
        (
            layer_value("refined", {"cycles": -1}),
            "workloads[0].layers[0].refined.cycles: Input should be greater than or equal to 0",
        ),
        (
            layer_value("published", {"<b>\n": 1}),
            r"workloads[0].layers[0].published.<b>\n: a name in one line should stand here",
        ),
    ],
)
def test_a_fault_is_named_by_its_key_path(change: Callable[[dict[str, Any]], None], message: str) -> None:
    content = json.loads(baseline(record()).text())
    change(content)
    assert refusal(json.dumps(content)) == f"b.json: {message}"


def test_a_lone_surrogate_is_no_name() -> None:
    text = baseline(record()).text().replace("./net.m", "./\\ud800")
    assert refusal(text).startswith("b.json: workloads[0].workload: ")


def test_nothing_moves_between_equals() -> None:
    assert differences(record(), Result("conv", record()), Tolerances()) == []
    assert differences(None, None, Tolerances()) == []


def test_every_number_that_moved_is_a_difference_also_one_that_came_or_went() -> None:
    """Of ``d`` the baseline knows no level: it is older than that metric, and nothing has moved."""
    old = LayerRecord(name="conv", simulator={"a": 1, "b": 2, "c[0]": 3}, published={"a": 4}, refined={"a": 0})
    new = LayerRecord(name="conv", simulator={"a": 1, "b": 3, "c[1]": 4, "d": 5}, published={"a": 2}, refined={"a": 1})
    moved = differences(old, Result("conv", new), Tolerances())
    assert moved == [
        Difference("conv", "simulator", "b", 2, 3),
        Difference("conv", "simulator", "c[0]", 3, None),
        Difference("conv", "simulator", "c[1]", None, 4),
        Difference("conv", "published", "a", 4, 2),
        Difference("conv", "refined", "a", 0, 1),
    ]
    assert [each.percent for each in moved] == [50.0, None, None, -50.0, None]


def test_a_layer_that_is_missing_new_or_illegal_is_a_difference() -> None:
    illegal = Result("conv", None, "net.m:1:2: misses work", Position("net.m", 1, 1))
    assert differences(record(), None, Tolerances()) == [Difference("conv", note="is missing")]
    assert differences(None, Result("conv", record()), Tolerances()) == [Difference("conv", note="is new")]
    for old in (record(), None):
        note = "is illegal: net.m:1:2: misses work"
        assert differences(old, illegal, Tolerances()) == [Difference("conv", note=note)]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 300))
def test_a_tolerance_is_exact(old: int, new: int, percent: int) -> None:
    allowed = Tolerances.parse([f"cycles={percent}"], METRICS)
    assert allowed.allow("cycles", old, new) == (abs(Fraction(new - old)) <= Fraction(percent, 100) * old)


def test_the_longest_name_that_fits_a_metric_decides() -> None:
    """The first two move by 10 %; the third is under no name and must not move at all."""
    allowed = Tolerances.parse(["boundaries=5.5", "boundaries[0].upstream=10", "stalls=0"], METRICS)
    assert allowed.allow("boundaries[0].upstream.input_read", 100, 110)
    assert not allowed.allow("boundaries[1].upstream.input_read", 100, 110)
    assert allowed.allow("boundaries[1].upstream.input_read", 1000, 1055)
    assert not allowed.allow("cycles", 1000, 1001)
    assert not allowed.allow("stalls.transfer", 0, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cycles", "has the form METRIC=PERCENT, for example cycles=1"),
        ("cycles=", "has the form METRIC=PERCENT, for example cycles=1"),
        ("cycles=-1", "has the form METRIC=PERCENT, for example cycles=1"),
        ("cycles=nan", "has the form METRIC=PERCENT, for example cycles=1"),
        ("cycles=1e999999999", "has the form METRIC=PERCENT, for example cycles=1"),
        ("=1", "the baseline has no metric "),
        ("cycle=1", "the baseline has no metric cycle; did you mean cycles?"),
        ("boundaries[2]=1", "the baseline has no metric boundaries[2]"),
    ],
)
def test_a_tolerance_for_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        Tolerances.parse([text], METRICS)
    assert str(raised.value) == f"--tolerance {text}: {message}"


def test_layers_of_the_same_name_are_numbered() -> None:
    assert numbered(["a", "b", "a"]) == [("a", 1), ("b", 1), ("a", 2)]
