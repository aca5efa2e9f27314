"""Hypothesis strategies for dataflows: legal ones, by construction, and arbitrary ones.

Legal by construction means: at every level each independent factor of the iteration space (a dimension, or the
pair that shares a window) is cut into parts that meet without overlap, and where a level has several units exactly
one factor is spread over them.

* A dimension is cut by chunks that meet (offset = size), or is one chunk (size ≥ extent, any offset).
* A window of stride σ and dilation δ over p taps reaches w = δ(p−1)+1. Chunks of w + a − 1, a apart, sort the windows
  by their first coordinate into spans of a, so each window is whole in exactly one. That holds for every a if all
  tap chunks have the same p. Windows of whole filters start at multiples of σ, so there a = mσ and the chunk may
  be up to σ − 1 shorter; the rule for strided files makes that the offset whatever is written.
* Two maps of a pair may share the units if they cut alike: slides and their windows, or the taps and the
  coordinates of a single window without dilation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from dataflow.directives import Cluster, Dataflow, Directive, Map
from dataflow.expressions import Expression, Number, SizeOf
from dataflow.hardware import Machine
from dataflow.layers import Layer, Window

#: (dimension, size, offset) of a map that is still to become temporal or spatial.
Cut = tuple[str, int, int]


@st.composite
def dataflows(draw: DrawFn, layer: Layer, machine: Machine, max_levels: int = 4) -> Dataflow:
    """Draw a dataflow that computes every point of ``layer`` exactly once on ``machine``."""
    cluster_sizes = draw(_cluster_sizes(layer, machine.pes, max_levels))
    regions = _Regions.of(layer)
    directives: list[Directive] = []
    for depth, units in enumerate((machine.pes // prod(cluster_sizes), *cluster_sizes)):
        if depth:
            directives.append(Cluster(_expression(draw, layer, units), draw(st.sampled_from("PL"))))
        directives += _level(draw, regions, units)
    return Dataflow("generated", tuple(directives))


@st.composite
def _cluster_sizes(draw: DrawFn, layer: Layer, pes: int, max_levels: int) -> list[int]:
    """Draw the sizes of the clusters below the top, outermost first; some match a dimension of the layer."""
    sizes: list[int] = []
    for _ in range(draw(st.integers(0, max_levels - 1))):
        fitting = sorted({size for size in layer.sizes.values() if size <= pes})
        sizes.append(draw(st.one_of(st.integers(1, min(4, pes)), st.sampled_from(fitting or [1]), st.integers(1, pes))))
        pes //= sizes[-1]
    return sizes


@dataclass
class _Pair:
    """What the regions of a level have in common in a window's two dimensions.

    ``slides`` is the most that any has, ``taps`` every number that occurs, ``whole_taps`` the layer's;
    ``in_pieces`` tells whether a map has taken the filter in pieces so far.
    """

    window: Window
    slides: int
    taps: frozenset[int]
    whole_taps: int
    in_pieces: bool = False

    @property
    def extent(self) -> int:
        """The most coordinates that a region spans along the windowed dimension."""
        return self.window.extent(self.slides, max(self.taps))


@dataclass
class _Regions:
    """The regions that the units of a level may meet: the longest range of each plain dimension, and the pairs."""

    layer: Layer
    longest: dict[str, int]
    pairs: list[_Pair]

    @classmethod
    def of(cls, layer: Layer) -> _Regions:
        """Return the one region of the whole layer."""
        plain = {s.dimensions[0]: layer.sizes[s.dimensions[0]] for s in layer.subspaces if s.window is None}
        pairs = [
            _Pair(w, layer.sizes[w.slide], frozenset({layer.sizes[w.tap]}), layer.sizes[w.tap]) for w in layer.windows
        ]
        return cls(layer, plain, pairs)


def _level(draw: DrawFn, regions: _Regions, units: int) -> list[Map]:
    """Draw the maps of a level and narrow ``regions`` to what its units hold."""
    factors = [*regions.longest, *range(len(regions.pairs))]
    single_windows = [number for number, pair in enumerate(regions.pairs) if pair.slides == 1 < max(pair.taps)]
    spread = draw(st.sampled_from([*factors, *single_windows * 3])) if units > 1 else None
    maps: list[Map] = []
    for factor in factors:
        if isinstance(factor, str):
            cuts = _cut_plain(draw, regions, factor, needed=factor == spread)
            together = [[dimension] for dimension, _, _ in cuts]
        else:
            cuts, together = _cut_pair(draw, regions.pairs[factor], needed=factor == spread)
        if units == 1:
            spatial = [dimension for dimension, _, _ in cuts if draw(st.booleans())]
        else:
            spatial = draw(st.sampled_from(together)) if factor == spread else []
        maps += [_map(draw, regions.layer, cut, spatial=cut[0] in spatial) for cut in cuts]
    maps = draw(st.permutations(maps))
    return [*maps, *_ignored(draw, regions.layer, maps)]


def _ignored(draw: DrawFn, layer: Layer, maps: Sequence[Map]) -> list[Map]:
    """Draw, rarely, a second temporal map of a dimension, which has no effect."""
    if not maps or draw(st.integers(0, 9)) < 9:
        return []
    return [_map(draw, layer, (draw(st.sampled_from(maps)).dimension, 1, 1), spatial=False)]


def _cut_plain(draw: DrawFn, regions: _Regions, dimension: str, *, needed: bool) -> list[Cut]:
    if not needed and not draw(st.booleans()):
        return []
    cut = _meeting(draw, dimension, regions.longest[dimension])
    regions.longest[dimension] = min(cut[1], regions.longest[dimension])
    return [cut]


def _meeting(draw: DrawFn, dimension: str, longest: int) -> Cut:
    """Draw chunks that meet, or one chunk for everything, whose offset does not matter."""
    size = draw(st.integers(1, longest + 1))
    return (dimension, size, size if size < longest else draw(st.integers(1, size)))


def _cut_pair(draw: DrawFn, pair: _Pair, *, needed: bool) -> tuple[list[Cut], list[list[str]]]:
    """Draw the cuts of a window's pair, and which sets of their dimensions may be spread over units together."""
    window, extent = pair.window, pair.extent
    style = draw(st.sampled_from(_styles(pair, needed=needed)))
    if style == "one window":
        return _cut_one_window(draw, pair)
    if style == "alike":
        return _cut_alike(draw, pair)
    cuts = []
    slides = pair.slides
    if "tap" in style:
        cuts.append(_meeting(draw, window.tap, max(pair.taps)))
        _take_taps(pair, cuts[-1][1])
    if "slide" in style:
        cuts.append(_meeting(draw, window.slide, slides))
        pair.slides = min(pair.slides, cuts[-1][1])
    if "window" in style:
        cuts.append(_windows(draw, pair, extent, slides))
    return cuts, [[dimension] for dimension, _, _ in cuts]


def _styles(pair: _Pair, *, needed: bool) -> list[str]:
    """Return the ways to cut a pair, plain ones first; not to cut it is one where it is not needed."""
    styles = [] if needed else [""]
    styles += ["slide", "tap", "window", "tap slide", "tap window", "slide window", "tap slide window"]
    if len(pair.taps) == 1:
        styles.append("alike")
    if pair.slides == 1 and (pair.window.dilation == 1 or max(pair.taps) == 1):
        styles += ["one window"] * 3
    return styles


def _cut_one_window(draw: DrawFn, pair: _Pair) -> tuple[list[Cut], list[list[str]]]:
    """Cut the taps of a single window and its coordinates alike, as row-stationary dataflows do."""
    window = pair.window
    size = draw(st.integers(1, max(pair.taps) + 1))
    _take_taps(pair, size)
    cuts = [(window.name, size, size), (window.tap, size, size)]
    return cuts, [[window.name, window.tap], [window.name], [window.tap]]


def _cut_alike(draw: DrawFn, pair: _Pair) -> tuple[list[Cut], list[list[str]]]:
    """Cut the slides, and their windows to the same number of them."""
    window = pair.window
    (taps,) = pair.taps
    held = draw(st.integers(1, pair.slides))
    pair.slides = held
    cuts = [(window.slide, held, held), (window.name, window.extent(held, taps), held * window.stride)]
    return cuts, [[window.slide, window.name], [window.slide], [window.name]]


def _windows(draw: DrawFn, pair: _Pair, extent: int, slides: int) -> Cut:
    """Draw chunks of the windowed dimension in regions that span ``extent`` coordinates and ``slides`` windows."""
    window = pair.window
    if len(pair.taps) > 1:
        size = extent + draw(st.integers(0, 1))
        return (window.name, size, draw(st.integers(1, size)))
    (taps,) = pair.taps
    reach = window.extent(1, taps)
    if pair.in_pieces or window.stride == 1:
        apart = draw(st.integers(1, extent - reach + 1))
        pair.slides = min(pair.slides, -(-apart // window.stride))
        return (window.name, reach + apart - 1, apart)
    held = draw(st.integers(1, slides))
    pair.slides = min(pair.slides, held)
    size = window.extent(held, taps) + draw(st.integers(0, window.stride - 1))
    return (window.name, size, draw(st.sampled_from((held * window.stride, held, 1))))


def _take_taps(pair: _Pair, size: int) -> None:
    """Note that the filters are taken in pieces of ``size`` taps, the last of which may be smaller."""
    pieces = {min(size, taps) for taps in pair.taps}
    edges = {taps % size for taps in pair.taps if taps > size}
    pair.taps = frozenset(pieces | edges - {0})
    pair.in_pieces |= size < pair.whole_taps


def _map(draw: DrawFn, layer: Layer, cut: Cut, *, spatial: bool) -> Map:
    dimension, size, offset = cut
    return Map(spatial, _expression(draw, layer, size), _expression(draw, layer, offset), dimension)


def _expression(draw: DrawFn, layer: Layer, value: int) -> Expression:
    """Write a value as a number or, where a dimension happens to have that size, perhaps as ``Sz`` of it."""
    equal = [dimension for dimension, size in layer.sizes.items() if size == value > 1]
    ways: list[Expression] = [Number(value), *map(SizeOf, equal)]
    return draw(st.sampled_from(ways))


@st.composite
def arbitrary_dataflows(draw: DrawFn, layer: Layer, machine: Machine, max_levels: int = 3) -> Dataflow:
    """Draw any dataflow that binds to ``layer`` on ``machine``: most repeat work or leave some out.

    Half are legal ones with up to three sizes, offsets or kinds changed or maps left out, the others made of
    maps at random. Chunks overlap so little that no point is computed more than some hundred times.
    """
    if draw(st.booleans()):
        dataflow = draw(dataflows(layer, machine, max_levels=max_levels))
        for _ in range(draw(st.integers(1, 3))):
            dataflow = draw(spoiled(layer, dataflow))
        return dataflow
    cluster_sizes = draw(_cluster_sizes(layer, machine.pes, max_levels))
    directives: list[Directive] = []
    patience = [8]
    for depth in range(len(cluster_sizes) + 1):
        if depth:
            directives.append(Cluster(Number(cluster_sizes[depth - 1])))
        for dimension in draw(st.lists(st.sampled_from(list(layer.sizes)), max_size=5, unique=True)):
            directives.append(_any_map(draw, layer, dimension, patience))
    return Dataflow("arbitrary", tuple(directives))


def _any_map(draw: DrawFn, layer: Layer, dimension: str, patience: list[int]) -> Map:
    """Draw a map; ``patience`` holds how often work may still be repeated by overlapping chunks."""
    extent = layer.sizes[dimension]
    size = draw(st.integers(1, extent + 1))
    offset = draw(st.one_of(st.just(size), st.integers(1, extent + 1)))
    if size < extent:
        overlap = -(-size // offset)
        if overlap > patience[0]:
            offset, overlap = size, 1
        patience[0] //= overlap
    return _map(draw, layer, (dimension, size, offset), spatial=draw(st.booleans()))


@st.composite
def spoiled(draw: DrawFn, layer: Layer, dataflow: Dataflow) -> Dataflow:
    """Draw ``dataflow`` with one of its maps changed: its size, its offset or its kind, or left out."""
    directives = list(dataflow.directives)
    places = _effective_maps(layer, directives)
    if not places:
        return dataflow
    place = draw(st.sampled_from(places))
    chosen = directives[place]
    assert isinstance(chosen, Map), "only maps were offered"
    change = draw(st.sampled_from(("left out", "kind", "size", "offset")))
    if change == "left out":
        del directives[place]
    elif change == "kind":
        directives[place] = replace(chosen, spatial=not chosen.spatial)
    else:
        value = Number(draw(st.integers(1, layer.sizes[chosen.dimension] + 1)))
        directives[place] = replace(chosen, size=value) if change == "size" else replace(chosen, offset=value)
    return replace(dataflow, name="spoiled", directives=tuple(directives))


def _effective_maps(layer: Layer, directives: Sequence[Directive]) -> list[int]:
    """Return where the maps stand that do something: not of one element, the first of their dimension at a level."""
    places = []
    seen: set[str] = set()
    for place, directive in enumerate(directives):
        if isinstance(directive, Cluster):
            seen = set()
        elif directive.dimension not in seen:
            seen.add(directive.dimension)
            if layer.sizes[directive.dimension] > 1:
                places.append(place)
    return places
