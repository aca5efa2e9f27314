"""A Hypothesis strategy for dataflows that are legal by construction.

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
from dataclasses import dataclass
from math import prod

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from dataflow.directives import Cluster, Dataflow, Directive, Map
from dataflow.expressions import Expression, Number, SizeOf
from dataflow.hardware import Machine
from dataflow.layers import Layer, Window

#: (dimension, size, offset) of a map that is still to become temporal or spatial.
Cut = tuple[str, int, int]


@st.composite
def dataflows(draw: DrawFn, layer: Layer, machine: Machine, max_levels: int = 4) -> Dataflow:
    """Draw a dataflow that computes every point of ``layer`` exactly once on ``machine``."""
    sizes = draw(cluster_sizes(layer, machine.pes, max_levels))
    regions = _Regions.of(layer)
    directives: list[Directive] = []
    for depth, units in enumerate((machine.pes // prod(sizes), *sizes)):
        if depth:
            directives.append(Cluster(_expression(draw, layer, units), draw(st.sampled_from("PL"))))
        directives += _level(draw, regions, units)
    return Dataflow("generated", tuple(directives))


@st.composite
def cluster_sizes(draw: DrawFn, layer: Layer, pes: int, max_levels: int) -> list[int]:
    """Draw the sizes of the clusters below the top, outermost first; some match a dimension of the layer."""
    sizes: list[int] = []
    for _ in range(draw(_below_the_top(max_levels))):
        fitting = sorted({size for size in layer.sizes.values() if size <= pes})
        few, half = st.integers(1, min(4, pes)), st.integers(1, max(1, pes // 2))
        sizes.append(draw(st.one_of(few, st.sampled_from(fitting or [1]), half)))
        pes //= sizes[-1]
    return sizes


def _below_the_top(max_levels: int) -> SearchStrategy[int]:
    """Return numbers of levels below the top; one level alone, where clusters cannot wait for each other, is rarer."""
    every = st.integers(0, max_levels - 1)
    return every if max_levels < 2 else st.one_of(every, st.integers(1, max_levels - 1))


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
    spread = draw(st.sampled_from(_spreadable(regions, factors))) if units > 1 else None
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
        maps += [draw_map(draw, regions.layer, cut, spatial=cut[0] in spatial) for cut in cuts]
    maps = draw(st.permutations(maps))
    return [*maps, *_ignored(draw, regions.layer, maps)]


def _spreadable(regions: _Regions, factors: list[str | int]) -> list[str | int]:
    """Return the factors to spread over units: those of some length more often, which keep more than one unit busy."""
    long = [name for name, longest in regions.longest.items() if longest > 1]
    pairs = [number for number, pair in enumerate(regions.pairs) if pair.extent > 1]
    single_windows = [number for number in pairs if regions.pairs[number].slides == 1 < max(regions.pairs[number].taps)]
    return [*factors, *long * 3, *pairs * 3, *single_windows * 3]


def _ignored(draw: DrawFn, layer: Layer, maps: Sequence[Map]) -> list[Map]:
    """Draw, rarely, a second temporal map of a dimension, which has no effect."""
    if not maps or draw(st.integers(0, 9)) < 9:
        return []
    return [draw_map(draw, layer, (draw(st.sampled_from(maps)).dimension, 1, 1), spatial=False)]


def _cut_plain(draw: DrawFn, regions: _Regions, dimension: str, *, needed: bool) -> list[Cut]:
    if not needed and not draw(st.booleans()):
        return []
    cut = _meeting(draw, dimension, regions.longest[dimension], spread=needed)
    regions.longest[dimension] = min(cut[1], regions.longest[dimension])
    return [cut]


def _meeting(draw: DrawFn, dimension: str, longest: int, *, spread: bool) -> Cut:
    """Draw chunks that meet, or one chunk for everything, whose offset does not matter."""
    size = draw(_sizes(longest + 1, spread=spread))
    return (dimension, size, size if size < longest else draw(st.integers(1, size)))


def _sizes(most: int, *, spread: bool) -> SearchStrategy[int]:
    """Return sizes up to ``most``; of what is to be spread over units, more often those that give many chunks."""
    if not spread or most < 3:
        return st.integers(1, most)
    return st.one_of(st.integers(1, most // 3), st.integers(1, most))


def _cut_pair(draw: DrawFn, pair: _Pair, *, needed: bool) -> tuple[list[Cut], list[list[str]]]:
    """Draw the cuts of a window's pair, and the sets of dimensions to spread over units, frequent ones repeated."""
    window, extent = pair.window, pair.extent
    style = draw(st.sampled_from(_styles(pair, needed=needed)))
    if style == "one window":
        return _cut_one_window(draw, pair, spread=needed)
    if style == "alike":
        return _cut_alike(draw, pair, spread=needed)
    cuts = []
    slides = pair.slides
    if "tap" in style:
        cuts.append(_meeting(draw, window.tap, max(pair.taps), spread=needed))
        _take_taps(pair, cuts[-1][1])
    if "slide" in style:
        cuts.append(_meeting(draw, window.slide, slides, spread=needed))
        pair.slides = min(pair.slides, cuts[-1][1])
    if "window" in style:
        cuts.append(_windows(draw, pair, extent, slides, spread=needed))
    return cuts, [[dimension] for dimension, _, _ in cuts]


def _styles(pair: _Pair, *, needed: bool) -> list[str]:
    """Return the ways to cut a pair, plain ones first; not to cut it is one where it is not needed."""
    styles = [] if needed else [""]
    styles += ["slide", "tap", "window", "tap slide", "tap window", "slide window", "tap slide window"]
    if len(pair.taps) == 1:
        styles += ["alike"] * (3 if needed else 1)
    if pair.slides == 1 and (pair.window.dilation == 1 or max(pair.taps) == 1):
        styles += ["one window"] * 3
    return styles


def _cut_one_window(draw: DrawFn, pair: _Pair, *, spread: bool) -> tuple[list[Cut], list[list[str]]]:
    """Cut the taps of a single window and its coordinates alike, as row-stationary dataflows do."""
    window = pair.window
    size = draw(_sizes(max(pair.taps) + 1, spread=spread))
    _take_taps(pair, size)
    cuts = [(window.name, size, size), (window.tap, size, size)]
    return cuts, [*[[window.name, window.tap]] * 3, [window.name], [window.tap]]


def _cut_alike(draw: DrawFn, pair: _Pair, *, spread: bool) -> tuple[list[Cut], list[list[str]]]:
    """Cut the slides, and their windows to the same number of them."""
    window = pair.window
    (taps,) = pair.taps
    held = draw(_sizes(pair.slides, spread=spread))
    pair.slides = held
    cuts = [(window.slide, held, held), (window.name, window.extent(held, taps), held * window.stride)]
    return cuts, [*[[window.slide, window.name]] * 3, [window.slide], [window.name]]


def _windows(draw: DrawFn, pair: _Pair, extent: int, slides: int, *, spread: bool) -> Cut:
    """Draw chunks of the windowed dimension in regions that span ``extent`` coordinates and ``slides`` windows."""
    window = pair.window
    if len(pair.taps) > 1:
        size = extent + draw(st.integers(0, 1))
        return (window.name, size, draw(st.integers(1, size)))
    (taps,) = pair.taps
    reach = window.extent(1, taps)
    if pair.in_pieces or window.stride == 1:
        apart = draw(_sizes(extent - reach + 1, spread=spread))
        pair.slides = min(pair.slides, -(-apart // window.stride))
        return (window.name, reach + apart - 1, apart)
    held = draw(_sizes(slides, spread=spread))
    pair.slides = min(pair.slides, held)
    size = window.extent(held, taps) + draw(st.integers(0, window.stride - 1))
    return (window.name, size, draw(st.sampled_from((held * window.stride, held, 1))))


def _take_taps(pair: _Pair, size: int) -> None:
    """Note that the filters are taken in pieces of ``size`` taps, the last of which may be smaller."""
    pieces = {min(size, taps) for taps in pair.taps}
    edges = {taps % size for taps in pair.taps if taps > size}
    pair.taps = frozenset(pieces | edges - {0})
    pair.in_pieces |= size < pair.whole_taps


def draw_map(draw: DrawFn, layer: Layer, cut: Cut, *, spatial: bool) -> Map:
    """Draw a map that cuts so, in one of the ways to write its numbers."""
    dimension, size, offset = cut
    return Map(spatial, _expression(draw, layer, size), _expression(draw, layer, offset), dimension)


def _expression(draw: DrawFn, layer: Layer, value: int) -> Expression:
    """Write a value as a number or, where a dimension happens to have that size, perhaps as ``Sz`` of it."""
    equal = [dimension for dimension, size in layer.sizes.items() if size == value > 1]
    ways: list[Expression] = [Number(value), *map(SizeOf, equal)]
    return draw(st.sampled_from(ways))
