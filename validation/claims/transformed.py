"""Claims about one question asked in two ways: other names, or a level more that does nothing of its own.

Both runs are those of the refined model (see `validation.claims.metamorphic`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from analytical import analyze
from dataflow.directives import Cluster, Dataflow, Directive, Map
from dataflow.expressions import Expression, Number
from dataflow.layers import Layer
from dataflow.metrics import Boundary, Metrics
from validation.claims.claim import OUTSIDE, Claim, Outcome, none_of
from validation.claims.observation import Observation, differing

_MIRRORED = {"Y": "X", "X": "Y", "Y'": "X'", "X'": "Y'", "R": "S", "S": "R"}
_TRANSPOSED = {"M": "N", "N": "M"}


def _renamed(case: Observation, names: Mapping[str, str]) -> tuple[Layer, Dataflow]:
    """Return the layer and the dataflow with dimensions renamed; sizes become numbers, strides are mirrored."""
    layer = case.layer
    sizes = {names.get(dimension, dimension): size for dimension, size in layer.given.items()}
    mirrored = Layer.of(layer.name, layer.type, sizes, stride=layer.stride[::-1], dilation=layer.dilation[::-1])

    def number(expression: Expression) -> Number:
        return Number(expression.evaluate(layer.sizes))

    def renamed(directive: Directive) -> Directive:
        if isinstance(directive, Cluster):
            return replace(directive, size=number(directive.size))
        dimension = names.get(directive.dimension, directive.dimension)
        return Map(directive.spatial, number(directive.size), number(directive.offset), dimension)

    return mirrored, Dataflow(case.dataflow.name, tuple(map(renamed, case.dataflow.directives)))


def _mirrored(case: Observation) -> Outcome:
    if not case.layer.windows:
        return OUTSIDE
    return none_of(differing(analyze(*_renamed(case, _MIRRORED), case.machine), case.refined))


def _transposed(case: Observation) -> Outcome:
    if case.layer.type != "GEMM":
        return OUTSIDE
    found = analyze(*_renamed(case, _TRANSPOSED), case.machine)
    return none_of(differing(replace(found, boundaries=tuple(map(_exchanged, found.boundaries))), case.refined))


def _exchanged(boundary: Boundary) -> Boundary:
    up, down = boundary.upstream, boundary.downstream
    return replace(
        boundary,
        upstream=replace(up, input_read=up.filter_read, filter_read=up.input_read),
        downstream=replace(down, input_write=down.filter_write, filter_write=down.input_write),
    )


def _inner_cluster_of_one(case: Observation) -> Outcome:
    directives = (*case.dataflow.directives, Cluster(Number(1)))
    found = analyze(case.layer, replace(case.dataflow, directives=directives), case.machine)
    return none_of(_not_passed_through(found, case.refined))


def _not_passed_through(found: Metrics, before: Metrics) -> Iterator[str]:
    *above, new = found.boundaries
    if tuple(above) != before.boundaries:
        yield f"{tuple(above)}, {before.boundaries}"
    received = before.boundaries[-1].downstream
    expected = (received.input_write, received.filter_write, received.output_drained, 0)
    up = new.upstream
    passed = (up.input_read, up.filter_read, up.output_write, up.output_read)
    if passed != expected:
        yield f"new boundary: {passed}, {expected}"
    if new.downstream != received:
        yield f"new boundary: {new.downstream}, {received}"


def _split(case: Observation) -> Outcome:
    cut = _last_cut(case)
    if cut is None:
        return OUTSIDE
    directives = case.dataflow.directives
    inserted = Cluster(Number(case.mapping.units[0]))
    split = replace(case.dataflow, directives=(*directives[:cut], inserted, *directives[cut:]))
    machine = case.machine.model_copy(update={"levels": (case.machine.levels[0], *case.machine.levels)})
    return none_of(_wrongly_split(analyze(case.layer, split, machine), case.refined))


def _last_cut(case: Observation) -> int | None:
    """Return after how many maps the top level can be cut, as late as possible, None if nowhere.

    What is before the cut has to be temporal, and in other subspaces than the rest of the level.
    """
    directives = case.dataflow.directives
    top = directives[: next((i for i, d in enumerate(directives) if isinstance(d, Cluster)), len(directives))]
    maps = [directive for directive in top if isinstance(directive, Map)]
    place = {name: number for number, subspace in enumerate(case.layer.subspaces) for name in subspace.names}
    for cut in range(len(maps), 0, -1):
        before, after = maps[:cut], maps[cut:]
        apart = {place[m.dimension] for m in before}.isdisjoint(place[m.dimension] for m in after)
        if apart and not any(m.spatial for m in before):
            return cut
    return None


def _wrongly_split(found: Metrics, before: Metrics) -> Iterator[str]:
    top, second, *_ = found.boundaries
    whole = before.boundaries[0]
    rewritten = top.upstream.output_read + second.upstream.output_read
    joined = replace(second, upstream=replace(second.upstream, output_read=rewritten))
    if (joined, *found.boundaries[2:]) != before.boundaries:
        yield f"below the cut: {(joined, *found.boundaries[2:])}, {before.boundaries}"
    if found.steps[1:] != before.steps:
        yield f"steps {found.steps[1:]}, {before.steps}"
    for name in ("input_read", "filter_read", "output_write", "output_read"):
        less, more = getattr(top.upstream, name), getattr(whole.upstream, name)
        if less > more:
            yield f"L2 {name} {less}, {more}"


CLAIMS = (
    Claim(
        "mirrored",
        "Renaming Y to X and X to Y, with Y' and X', R and S, strides and dilations, changes no number.",
        "legal dataflows of layers with windows",
        "equal",
        _mirrored,
    ),
    Claim(
        "transposed",
        "Renaming M to N and N to M exchanges the counts of input and filter and changes no other number.",
        "legal dataflows of GEMMs",
        "equal",
        _transposed,
    ),
    Claim(
        "inner cluster of one",
        "A Cluster(1) at the end changes no count of the boundaries above; at the new one everything is passed on as "
        "it comes, without a read-modify-write.",
        "legal dataflows",
        "equal",
        _inner_cluster_of_one,
    ),
    Claim(
        "split level",
        "Cluster(U) in the top level of U units, below temporal maps, leaves steps and counts of the boundary now "
        "below it as they were, but that the read-modify-writes are shared with the L2, which is used no more than "
        "before.",
        "legal dataflows whose top level begins with temporal maps of subspaces that its other maps leave alone",
        "equal; at most for the L2",
        _split,
    ),
)
