"""Small spaces for tests of the exploration."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from dataflow import catalog
from dataflow.layers import Layer
from exploration.objectives import OBJECTIVES
from exploration.space import Axis, Limits, Space, Template

TILED = """
Constant tile_k 1;
Constant tile_c 2;
Dataflow tiled {
    SpatialMap(tile_k,tile_k) K;
    TemporalMap(tile_c,tile_c) C;
    TemporalMap(Sz(R),Sz(R)) R;
    TemporalMap(Sz(S),Sz(S)) S;
    TemporalMap(1,1) Y';
    TemporalMap(1,1) X';
    Cluster(2, P);
    SpatialMap(1,1) C;
}
"""


#: what may stand behind the L2
_BEHIND = (
    ("dram.bandwidth=2",),
    ("dram.bandwidth=1", "l2.resident=[filter]"),
    ("l2.port_bandwidth=3",),
)


def layer(name: str = "one", k: int = 4, c: int = 4, y: int = 6, r: int = 3) -> Layer:
    """Return a small convolution."""
    return Layer.of(name, "CONV", {"K": k, "C": c, "Y": y, "X": y, "R": r, "S": r})


def shipped(name: str) -> Template:
    """Return a shipped dataflow without parameters."""
    text, file = catalog.dataflow_text(name)
    return Template(name, file, text)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Draw a space of a few hundred designs: layers, dataflows, axes, limits and objectives of all kinds."""
    layers = tuple(
        layer(f"layer{number}", draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(3, 7)))
        for number in range(draw(st.integers(1, 2)))
    )
    whole = draw(st.booleans())
    tiled = Template("tiled", "tiled.m", TILED, (("tile_k", (1, 2)), ("tile_c", (2, 4))))
    templates = draw(
        st.lists(
            st.sampled_from([tiled, *map(shipped, ("yr_rs", "nlr", "yxp_os"))]), min_size=1, max_size=2, unique=True
        )
    )

    def axis(key: str, low: int, high: int, most: int) -> Axis:
        return Axis(key, tuple(draw(st.lists(st.integers(low, high), min_size=1, max_size=most, unique=True))))

    def size(key: str, high: int) -> Axis:
        values = st.none() | st.integers(1, high)
        return Axis(key, tuple(draw(st.lists(values, min_size=1, max_size=3, unique=True))))

    ports = ("distribution.bandwidth", "distribution.latency", "collection.bandwidth", "collection.latency")
    keys = [f"levels.0.{port}" for port in (*ports, "distribution.filter_bandwidth")]
    chosen = draw(st.lists(st.sampled_from(keys), max_size=2, unique=True))
    axes = (
        axis("pes", 1, 12, 3),
        *draw(st.sampled_from([(), (Axis("buffering", (1, 2)),)])),
        axis("lanes", 1, 3, 2),
        *(axis(key, 0 if key.endswith("latency") else 1, 9, 3) for key in chosen),
        size("l1.bytes", 150),
        size("l2.bytes", 600),
    )
    some = draw(st.booleans())
    limits = Limits(
        area_um2=draw(st.none() | st.integers(2_000, 80_000).map(Fraction)) if some else None,
        power_mw=draw(st.none() | st.fractions(Fraction(1, 2), 40, max_denominator=10)) if some else None,
        fit=draw(st.booleans()),
    )
    return Space(
        name="drawn",
        targets=(("all", layers),) if whole else tuple((each.name, (each,)) for each in layers),
        templates=tuple(templates),
        machine=catalog.machine("reference-256", draw(st.sampled_from([(), (), *_BEHIND]))),
        technology=catalog.technology("maestro-28nm"),
        axes=axes,
        limits=limits,
        objectives=tuple(draw(st.lists(st.sampled_from(list(OBJECTIVES)), min_size=1, max_size=3, unique=True))),
        best_by=draw(st.sampled_from([None, "runtime", "energy", "energy_delay"])),
        model=draw(st.sampled_from(["refined", "published"])),
    )
