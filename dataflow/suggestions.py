"""Which directive makes a dataflow illegal, and which single change would mend it: found by trying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from dataflow.coverage import Component, Difference, components, first_difference
from dataflow.directives import Dataflow, Directive, Map
from dataflow.errors import InputError
from dataflow.expressions import Expression, Number
from dataflow.layers import Subspace, Window
from dataflow.levels import LevelMap, Mapping, bind
from dataflow.regions import Box, chunks, cut, span

#: The maps of each level as written, outermost level first.
_Maps = tuple[tuple[Map, ...], ...]
#: A map's level and its index among the level's maps.
_Place = tuple[int, int]


@dataclass(frozen=True)
class Diagnosis:
    """The directives that cause a violation, the main one first; the cause as a text; and what would be right."""

    causes: tuple[Directive, ...]
    reason: str
    suggestion: str | None


def diagnose(component: Component, difference: Difference) -> Diagnosis:
    """Explain why the points of ``component`` are not all computed once, and how ``difference`` comes about.

    The first suspects are the maps with which the difference, and any fault, come in when the maps are read from
    the outermost on; the first suspect that a change of its own mends is the cause.
    """
    mapping = component.mapping
    scope = _names(mapping, component.dimensions)
    every = f"would compute every point of {', '.join(component.dimensions)} once"
    maps = _as_written(mapping)
    for windowed, tap, right in _mispaired(mapping, scope):
        one, other = _at(maps, windowed), _at(maps, tap)
        mended = replace(other, dimension=right)
        if _covers(mapping, _replaced(maps, tap, mended), scope):
            reason = f"the units of a level share {one} and {other}, but {one.dimension} pairs with {right}"
            return Diagnosis((other, one), reason, f"{mended} in place of {other} {every}")
    suspects = _suspects(mapping, scope, difference)
    for changes in (_repairs, _removal):
        for place in suspects:
            for changed, text in changes(mapping, place, scope):
                if _covers(mapping, changed, scope):
                    return _diagnosis(mapping, place, scope, f"{text} {every}")
    return _diagnosis(mapping, suspects[0], scope, None)


def diagnose_idle(mapping: Mapping, level: int) -> Diagnosis:
    """Explain that the units of ``level`` all repeat the same work, and find a dimension to share out."""
    units, source = mapping.levels[level].units, mapping.levels[level].source
    if source is not None:
        causes: tuple[Directive, ...] = (source,)
        name = str(source)
    else:
        causes = tuple(m.source for m in mapping.levels[level].maps[:1])
        below = prod(mapping.units[level + 1 :])
        name = f"the top level ({units * below} PEs in clusters of {below})"
    reason = f"the {units} units of {name} have no SpatialMap and all do the same work"
    for changed, scope, text in _shared_out(mapping, level):
        if _covers(mapping, changed, scope):
            return Diagnosis(causes, reason, f"{text} would give each unit work of its own")
    return Diagnosis(causes, reason, None)


def _diagnosis(mapping: Mapping, place: _Place, scope: frozenset[str], suggestion: str | None) -> Diagnosis:
    blamed = _at(_as_written(mapping), place)
    others = _sharing(mapping, place, scope)
    reason = f"of {' and '.join(str(m) for m in (blamed, *others))}"
    if others:
        reason += " on the same units"
    return Diagnosis((blamed, *others), reason, suggestion)


def _as_written(mapping: Mapping) -> _Maps:
    return tuple(tuple(m.source for m in level.maps) for level in mapping.levels)


def _names(mapping: Mapping, dimensions: tuple[str, ...]) -> frozenset[str]:
    """Return the names of all maps that cut these dimensions."""
    return frozenset(dimensions).union(
        *(subspace.names for subspace in mapping.layer.subspaces if set(subspace.dimensions) & set(dimensions))
    )


def _at(maps: _Maps, place: _Place) -> Map:
    return maps[place[0]][place[1]]


def _replaced(maps: _Maps, place: _Place, *new: Map) -> _Maps:
    """Put ``new`` (or nothing) in the stead of the map at ``place``; an index past the last one adds."""
    level, index = place
    return (*maps[:level], (*maps[level][:index], *new, *maps[level][index + 1 :]), *maps[level + 1 :])


def _first_difference(mapping: Mapping, maps: _Maps, scope: frozenset[str]) -> Difference | None:
    """Return the first fault of ``maps``, in the clusters of ``mapping``, in the dimensions of ``scope``.

    Raises `InputError` where the maps cannot stand together.
    """
    directives: list[Directive] = []
    for level, written in zip(mapping.levels, maps, strict=True):
        directives += [*([level.source] if level.source else []), *written]
    changed = bind(mapping.layer, Dataflow("changed", tuple(directives)), prod(mapping.units))
    found = (first_difference(part) for part in components(changed) if scope & set(part.dimensions))
    return min((difference for difference in found if difference), key=lambda d: d.point, default=None)


def _covers(mapping: Mapping, maps: _Maps, scope: frozenset[str]) -> bool:
    try:
        return _first_difference(mapping, maps, scope) is None
    except InputError:
        return False


def _suspects(mapping: Mapping, scope: frozenset[str], difference: Difference) -> list[_Place]:
    """Return the places of the scope's maps: first what brings in ``difference``, what brings in any fault."""
    maps = _as_written(mapping)
    places = [(i, j) for i, level in enumerate(maps) for j, m in enumerate(level) if m.dimension in scope]
    brings_this = brings_any = 0
    for count in range(len(places)):
        later = set(places[count:])
        kept = tuple(tuple(m for j, m in enumerate(level) if (i, j) not in later) for i, level in enumerate(maps))
        try:
            found = _first_difference(mapping, kept, scope)
        except InputError:
            continue  # fewer maps can leave more chunks than are looked at: nothing to learn here
        brings_this = count if found != difference else brings_this
        brings_any = count if found is None else brings_any
    return list(dict.fromkeys([places[brings_this], places[brings_any], *reversed(places)]))


def _sharing(mapping: Mapping, place: _Place, scope: frozenset[str]) -> tuple[Map, ...]:
    """Return the other spatial maps of the scope that share the units of the spatial map at ``place``."""
    level = mapping.levels[place[0]]
    own = level.maps[place[1]]
    if not own.spatial or level.units == 1:
        return ()
    return tuple(m.source for m in level.maps if m.spatial and m.dimension in scope and m is not own)


def _mispaired(mapping: Mapping, scope: frozenset[str]) -> Iterator[tuple[_Place, _Place, str]]:
    """Yield (windowed map, tap of another window on the same units, the tap that belongs to the windowed map)."""
    for number, level in enumerate(mapping.levels):
        spatial = {m.dimension: (number, i) for i, m in enumerate(level.maps) if m.spatial and m.dimension in scope}
        for window in mapping.layer.windows:
            for other in mapping.layer.windows:
                alone = window.tap not in spatial and other.name not in spatial
                if alone and window.name in spatial and other.tap in spatial:
                    yield spatial[window.name], spatial[other.tap], window.tap


def _repairs(mapping: Mapping, place: _Place, scope: frozenset[str]) -> Iterator[tuple[_Maps, str]]:
    """Yield changes of the map at ``place`` with their texts, the most natural first."""
    maps = _as_written(mapping)
    number, index = place
    level = mapping.levels[number]
    source = maps[number][index]
    for size, offset in _sizes(mapping, number, level.maps[index]):
        mended = replace(source, size=size, offset=offset)
        if mended != source:
            yield _replaced(maps, place, mended), str(mended)
    shared = _sharing(mapping, place, scope)
    if shared and number > 0:
        for window in mapping.layer.windows:
            if {window.name, window.tap} <= {m.dimension for m in (source, *shared)}:
                yield _one_window_at_a_time(maps, number - 1, window, f"above {level.source}")
    if shared:
        mended = replace(source, spatial=False)
        yield _replaced(maps, place, mended), f"{mended} in place of {source}"


def _removal(mapping: Mapping, place: _Place, scope: frozenset[str]) -> Iterator[tuple[_Maps, str]]:
    """Yield the removal of the map at ``place`` unless it alone gives the units of its level different work."""
    maps = _as_written(mapping)
    level, source = mapping.levels[place[0]], _at(maps, place)
    if _sharing(mapping, place, scope) or not source.spatial or level.units == 1:
        yield _replaced(maps, place), f"leaving out {source}"


def _one_window_at_a_time(maps: _Maps, number: int, window: Window, where: str) -> tuple[_Maps, str]:
    for index, source in enumerate(maps[number]):
        if source.dimension == window.slide:
            one = replace(source, size=Number(1), offset=Number(1))
            return _replaced(maps, (number, index), one), f"{one} in place of {source} {where}"
    one = Map(False, Number(1), Number(1), window.slide)
    return _replaced(maps, (number, len(maps[number])), one), f"{one} {where}"


def _sizes(mapping: Mapping, number: int, level_map: LevelMap) -> Iterator[tuple[Expression, Expression]]:
    """Yield the pairs (size, offset) near those of a map that make successive chunks meet."""
    source = level_map.source
    for window in mapping.layer.windows:
        if window.name != level_map.dimension:
            continue
        subspace, box = _first_box(mapping, number, window.tap)
        pieces = [m.size for m in mapping.levels[number].maps if m.dimension == window.tap]
        low, high = span(subspace, box, window.tap)
        reach = window.extent(1, min([high - low, *pieces]))
        if level_map.size >= reach:
            held = (level_map.size - reach) // window.stride + 1
            yield source.size, Number(held * window.stride)
        held = max(1, level_map.offset // window.stride)
        yield Number(window.stride * (held - 1) + reach), Number(held * window.stride)
    yield source.size, source.size
    yield source.offset, source.offset


def _shared_out(mapping: Mapping, number: int) -> Iterator[tuple[_Maps, frozenset[str], str]]:
    """Yield (changed maps, their names, text) that give the units of a level different work.

    First the level's own maps made spatial, then dimensions that it does not name; most chunks first.
    """
    maps = _as_written(mapping)
    level = mapping.levels[number]
    found: list[tuple[int, _Place, Map, str]] = []
    for index, level_map in enumerate(level.maps):
        subspace, box = _first_box(mapping, number, level_map.dimension)
        low, high = span(subspace, box, level_map.dimension)
        spatial = replace(level_map.source, spatial=True)
        text = f"{spatial} in place of {level_map.source}"
        found.append((chunks(high - low, level_map.size, level_map.offset), (number, index), spatial, text))
    for dimension in mapping.layer.dimensions:
        subspace, box = _first_box(mapping, number, dimension)
        if subspace.window is None and not level.maps_of(subspace):
            low, high = span(subspace, box, dimension)
            added = Map(True, Number(1), Number(1), dimension)
            found.append((high - low, (number, len(level.maps)), added, f"adding {added}"))
    own = len(level.maps)
    for count, place, spatial, text in sorted(found, key=lambda item: (item[1][1] == own, -item[0])):
        if count > 1:
            yield _replaced(maps, place, spatial), _names(mapping, (spatial.dimension,)), text


def _first_box(mapping: Mapping, number: int, name: str) -> tuple[Subspace, Box]:
    """Return the subspace of ``name`` and its box in the first step of the levels above level ``number``."""
    subspace = next(subspace for subspace in mapping.layer.subspaces if name in subspace.names)
    box: Box = tuple((0, mapping.layer.sizes[dimension]) for dimension in subspace.dimensions)
    for level in mapping.levels[:number]:
        maps = level.maps_of(subspace)
        box = cut(subspace, box, maps, [0] * len(maps), 0, level.units) or box
    return subspace, box
