"""Hardware files: what they say, how they are overridden, and one clear message for everything that is wrong."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import InputError
from dataflow.hardware import L2, Collection, Distribution, LevelNetwork, Machine, Scratchpad
from dataflow.hardware_files import parse_machine, read_machine

SMALLEST = "pes: 256\nlevels:\n  - distribution: {bandwidth: 16}\n    collection: {bandwidth: 8}\n"
KEYS = (
    "name, pes, lanes, element_bytes, clock_ghz, buffering, filter_buffering, output_buffering, multicast, l1, l2, "
    "levels, dram, sync, technology"
)


def wrong(text: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_machine(text, "machine.yaml", overrides)
    return str(caught.value)


def machine(*overrides: str, text: str = SMALLEST) -> Machine:
    return parse_machine(text, "folder/machine.yaml", overrides)


def test_smallest_file_has_the_defaults() -> None:
    assert machine().to_dict() == {
        "name": "machine",
        "pes": 256,
        "lanes": 1,
        "element_bytes": 1,
        "clock_ghz": 1.0,
        "buffering": 2,
        "filter_buffering": None,
        "output_buffering": None,
        "multicast": True,
        "l1": {"bytes": None},
        "l2": {"bytes": None, "port_bandwidth": None, "resident": None},
        "levels": [
            {
                "distribution": {
                    "topology": "bus",
                    "bandwidth": 16,
                    "filter_bandwidth": None,
                    "latency": 0,
                    "port_width": None,
                    "link_widths": None,
                    "fanout": 2,
                    "hop": 1,
                    "columns": None,
                },
                "collection": {"bandwidth": 8, "latency": 0, "reduction": "tree", "partial_sums": "accumulate"},
            }
        ],
        "dram": None,
        "sync": "barrier",
        "technology": "maestro-28nm",
    }


def test_last_level_serves_all_deeper_ones() -> None:
    two = machine(text=SMALLEST + "  - distribution: {bandwidth: 4}\n    collection: {bandwidth: 2}\n")
    assert [two.network(level).distribution.bandwidth for level in range(4)] == [16, 4, 4, 4]


def test_ports_may_be_shared_by_an_alias() -> None:
    text = "pes: 4\nlevels:\n- distribution: &port {bandwidth: 3, latency: 1}\n  collection: *port\n"
    changed = machine("levels.0.collection.bandwidth=5", text=text).levels[0]
    assert (changed.distribution.bandwidth, changed.collection.bandwidth) == (3, 5)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("512", 512),
        ('"512"', 512),
        ("64B", 64),
        ("108KiB", 110592),
        ("1 MiB", 1048576),
        ("1.5KiB", 1536),
        ("null", None),
    ],
)
def test_sizes_in_bytes(written: str, size: int | None) -> None:
    assert machine(text=f"{SMALLEST}l1: {{bytes: {written}}}").l1 == Scratchpad(bytes=size)


def test_buffer_may_be_null_altogether() -> None:
    assert machine(text=f"{SMALLEST}l2: null").l2 == L2()


@pytest.mark.parametrize(
    ("written", "bandwidth"),
    [("32", 32), ('"32"', 32), ("32 elements/cycle", 32), ("28 GB/s", 20), ("0.7GB/s", 1)],
)
def test_bandwidths(written: str, bandwidth: int) -> None:
    """A GHz clock of 0.7 and two bytes per element: 28 GB/s are 40 bytes, 20 elements per cycle."""
    text = SMALLEST.replace("16", written).replace("0.7GB/s", "1.4GB/s") + "clock_ghz: 0.7\nelement_bytes: 2\n"
    assert machine(text=text).levels[0].distribution.bandwidth == bandwidth


@given(
    st.builds(
        Machine,
        name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
        pes=st.integers(1, 10**18),
        clock_ghz=st.floats(1e-6, 1e6),
        multicast=st.booleans(),
        l1=st.builds(Scratchpad, bytes=st.none() | st.integers(1, 10**9)),
        levels=st.lists(
            st.builds(
                LevelNetwork,
                distribution=st.builds(Distribution, bandwidth=st.integers(1, 99), latency=st.integers(0, 99)),
                collection=st.builds(
                    Collection, bandwidth=st.integers(1, 99), reduction=st.sampled_from(["tree", "chain", "none"])
                ),
            ),
            min_size=1,
            max_size=3,
        ).map(tuple),
    )
)
def test_resolved_machine_is_a_hardware_file(built: Machine) -> None:
    assert parse_machine(yaml.safe_dump(built.to_dict(), allow_unicode=True)) == built


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("pes=64", ("pes",), 64),
        ("multicast = false", ("multicast",), False),
        ("lanes=4", ("lanes",), 4),
        ("l1.bytes=12KiB", ("l1", "bytes"), 12288),
        ("l2=null", ("l2", "bytes"), None),
        ("levels.0.distribution.bandwidth=32", ("levels", 0, "distribution", "bandwidth"), 32),
        ("levels[0].collection.latency=7", ("levels", 0, "collection", "latency"), 7),
        ("levels.0.distribution={bandwidth: 3}", ("levels", 0, "distribution", "bandwidth"), 3),
        ("name=a=b", ("name",), "a=b"),
    ],
)
def test_overrides(override: str, keys: tuple[str | int, ...], value: object) -> None:
    found = machine(override, text=f"{SMALLEST}l2: {{bytes: 5}}").to_dict()
    for key in keys:
        found = found[key]  # type: ignore[index]
    assert found == value


def test_later_overrides_win() -> None:
    assert machine("pes=1", "pes=2").pes == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pes", "an override has the form key=value, for example pes=64"),
        ("=4", "an override has the form key=value, for example pes=64"),
        ("pess=4", f"unknown key pess; the keys here are {KEYS}; did you mean pes?"),
        (
            "levels.0.distributon.bandwidth=4",
            "unknown key distributon; the keys here are distribution, collection; did you mean distribution?",
        ),
        ("levels.1.distribution.bandwidth=4", "levels has no entry 1; its entries are 0"),
        ("levels.top.distribution.bandwidth=4", "levels has no entry top; its entries are 0"),
        ("pes.x=4", "pes is a single value and has no x"),
        ("pes.bandwidth=4", "pes is a single value and has no bandwidth"),
        ("pes=0", "0 is less than 1"),
        ("pes=", "null is not a whole number"),
        ("l1.bytes=12KB", "'12KB' is not a size; write bytes such as 512, 64B, 108KiB or 1MiB"),
        ("levels.0.distribution={bandwidth: 0}", "levels[0].distribution.bandwidth: 0 is less than 1"),
        ("levels.0=5", "5 is not a section of keys and values; the keys here are distribution, collection"),
    ],
)
def test_overrides_that_cannot_be_applied(override: str, message: str) -> None:
    assert wrong(SMALLEST, override) == f"override {override}: {message}"


def test_override_below_a_value_that_is_no_section() -> None:
    assert wrong(f"{SMALLEST}l1: 5", "l1.bytes=4") == "override l1.bytes=4: l1 is 5 in the file, not keys and values"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pess: 5", f"pess: unknown key pess; the keys here are {KEYS}; did you mean pes?"),
        ("l1: {byte: 3}", "l1.byte: unknown key byte; the keys here are bytes; did you mean bytes?"),
        ("l1: 512", "l1: 512 is not a section of keys and values; the keys here are bytes"),
        ("l1: {bytes: 0}", "l1.bytes: 0 is less than 1"),
        ("l1: {bytes: 0.3KiB}", "l1.bytes: '0.3KiB' is 1536/5 bytes; it has to be a whole number of at least 1"),
        ("lanes: 2.5", "lanes: 2.5 is not a whole number"),
        ("lanes: '2'", "lanes: '2' is not a whole number"),
        ("lanes: true", "lanes: true is not a whole number"),
        (f"lanes: 1{'0' * 18}1", f"lanes: 1{'0' * 18}1 is more than 1{'0' * 18}"),
        ("multicast: yes", "multicast: 'yes' is neither true nor false"),
        ("clock_ghz: 0", "clock_ghz: 0 is not more than 0"),
        ("clock_ghz: 1e999", "clock_ghz: inf is not a finite number"),
        ("clock_ghz: fast", "clock_ghz: 'fast' is not a number"),
        ("dram: 4", "dram: 4 is not a section of keys and values; the keys here are bandwidth, latency, row_buffer"),
        ("sync: never", "sync: 'never' is not supported; this version supports 'barrier' or 'dataflow'"),
        ("name: 5", "name: 5 is not text; write it in quotes"),
        ("technology: ''", "technology: the text is empty"),
    ],
)
def test_values_that_are_wrong(line: str, message: str) -> None:
    assert wrong(SMALLEST + line) == f"machine.yaml: {message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("16", "0", "levels[0].distribution.bandwidth: 0 is less than 1"),
        ("bandwidth: 16", "latency: 1", "levels[0].distribution.bandwidth: this key is missing"),
        ("16", "16, latency: -1", "levels[0].distribution.latency: -1 is less than 0"),
        (
            "16",
            "16, topology: ring",
            "levels[0].distribution.topology: 'ring' is not supported; this version supports 'bus', 'crossbar', "
            "'tree', 'systolic' or 'mesh'",
        ),
        ("16", "16, port_width: 2", "levels[0].distribution: port_width is for topology crossbar, not bus"),
        ("16", "16, hop: 2", "levels[0].distribution: hop is for topology tree or systolic or mesh, not bus"),
        ("16", "16, topology: tree, fanout: 1", "levels[0].distribution.fanout: 1 is less than 2"),
        (
            "8",
            "8, reduction: sum",
            "levels[0].collection.reduction: 'sum' is not supported; this version supports 'tree', 'chain' or 'none'",
        ),
        (
            "16",
            "32 GB/s",
            "levels[0].distribution.bandwidth: '32 GB/s' is 160/7 elements/cycle; "
            "it has to be a whole number of at least 1",
        ),
        (
            "16",
            "16 GiB",
            "levels[0].distribution.bandwidth: '16 GiB' is not a bandwidth; write 16, 16 elements/cycle or 32 GB/s",
        ),
    ],
)
def test_ports_that_are_wrong(old: str, new: str, message: str) -> None:
    text = SMALLEST.replace(f"{old}}}" if old.isdigit() else old, f"{new}}}" if old.isdigit() else new)
    assert wrong(f"{text}clock_ghz: 0.7\nelement_bytes: 2\n") == f"machine.yaml: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": the file is empty; a hardware file has keys and values, pes and levels at least"),
        ("[1]", ": found a list; a hardware file has keys and values, pes and levels at least"),
        ("pes: 4", ": levels: this key is missing"),
        ("pes: 4\nlevels: []", ": levels: the list is empty; it needs one entry at least"),
        ("pes: 4\nlevels: {}", ": levels: a section is not a list"),
        (
            "pes: 4\nlevels: [3]",
            ": levels[0]: 3 is not a section of keys and values; the keys here are distribution, collection",
        ),
    ],
)
def test_files_that_are_no_hardware_description(text: str, message: str) -> None:
    assert wrong(text) == f"machine.yaml{message}"


PIECES = st.sampled_from([*"{}[]:,-&*!?|>'\"#%@` \n\0", "\ud800", "pes", "levels", "1"])


@given(st.lists(PIECES).map("".join), st.text(max_size=8))
def test_any_text_is_read_or_refused_with_an_input_error(text: str, override: str) -> None:
    for given_text, overrides in ((text, []), (SMALLEST, [override]), (SMALLEST, [f"pes={override}"])):
        with suppress(InputError):
            parse_machine(given_text, "machine.yaml", overrides)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_machine(tmp_path / "no.yaml")
    assert str(caught.value) == f"{tmp_path}/no.yaml: no such file"
