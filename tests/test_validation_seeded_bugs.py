"""Deviations put into a model on purpose: the claims notice each of them, and generated cases shrink to small ones."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, find, settings

import analytical.clock
import analytical.model
import analytical.neighbours
import analytical.schedule
import analytical.timeline
import analytical.work
import dataflow.legality
import dataflow.levels
import simulator.cluster
import simulator.nest
import simulator.output_tiles
import simulator.results
import simulator.sequence
import simulator.tiles
from dataflow.layers import Subspace
from dataflow.levels import LevelMap
from dataflow.regions import Box, Range, chunks, cut, span, trips
from validation.claims import CLAIMS, Observation, metamorphic, transformed
from validation.strategies import Case, cases, illegal_cases

EXAMPLES = 500
LARGEST = 50
SETTINGS = settings(
    max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False
)

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]


def unclipped_edge(patch: Patch) -> None:
    """The last chunk of a loop in the simulator loses its last element if it is not the only one."""

    def shorter(subspace: Subspace, box: Box, maps: Any, indices: Any, unit: int, units: int) -> Box | None:
        found = cut(subspace, box, maps, indices, unit, units)
        at_the_edge = found is not None and any(
            0 < low < high - 1 == end - 1 for (low, high), (_, end) in zip(found, box, strict=True)
        )
        if found is None or not at_the_edge:
            return found
        return tuple(
            (low, high - (0 < low < high - 1 == end - 1)) for (low, high), (_, end) in zip(found, box, strict=True)
        )

    patch.setattr(simulator.nest, "cut", shorter)


def wrong_fold_count(patch: Patch) -> None:
    """A spatial map whose chunks do not fill the last fold leaves that fold out."""

    def whole_folds(subspace: Subspace, box: Box, level_map: LevelMap, units: int) -> int:
        low, high = span(subspace, box, level_map.dimension)
        count = chunks(high - low, level_map.size, level_map.offset)
        return max(1, count // units) if level_map.spatial else trips(subspace, box, level_map, units)

    patch.setattr(simulator.nest, "trips", whole_folds)


def lost_halo(patch: Patch) -> None:
    """The overlap of successive windows is sent again, unless the window has not moved at all."""
    moved = simulator.tiles.Comparison.moved

    def without_overlap(self: Any, tensor: str) -> Any:
        found = moved(self, tensor)
        afresh = type(self)(self._space, self._wanted, [])
        return moved(afresh, tensor) if tensor == "input" and found.copies else found

    patch.setattr(simulator.tiles.Comparison, "moved", without_overlap)


def multicast_counted_twice(patch: Patch) -> None:
    """What several units need crosses the port twice."""

    def sent(self: Any, moved: Any) -> int:
        return int(moved.distinct + moved.shared if self._multicast else moved.copies)

    patch.setattr(simulator.sequence.Choreography, "sent", sent)


def reduction_delay_forgotten(patch: Patch) -> None:
    patch.setattr(simulator.cluster.Cluster, "reduction_delay", lambda self, activity: 0)


def one_slot_too_many(patch: Patch) -> None:
    """PEs hold an output tile more than they have room for."""
    start = simulator.output_tiles.OutputTiles.__init__
    patch.setattr(simulator.output_tiles.OutputTiles, "__init__", lambda self, room: start(self, room + 1))


def drain_latency_forgotten(patch: Patch) -> None:
    """Outputs of clusters below the top are upstream as soon as they have crossed the port."""
    drain = simulator.cluster.Cluster.drain

    def at_once(self: Any, activity: Any, *arguments: Any) -> None:
        drain(self, activity, *arguments)
        if self.level and activity.collected:
            self.upstream -= self.collection.latency

    patch.setattr(simulator.cluster.Cluster, "drain", at_once)


def first_copy_rewritten(patch: Patch) -> None:
    """The first copy of an output is read, added and written like all others."""
    boundary = simulator.results._boundary
    patch.setattr(simulator.results, "_boundary", lambda some, machine, stays, links: boundary(some, machine, 0, links))


def idle_units_forget(patch: Patch) -> None:
    """A unit that was idle in the step before holds nothing any more."""
    activity = simulator.sequence.Choreography.activity

    def forgetful(self: Any, step: Any, held: Any, previous: Any, upcoming: Any) -> Any:
        return activity(self, step, held[:1], previous, upcoming)

    patch.setattr(simulator.sequence.Choreography, "activity", forgetful)


def barrier_missing(patch: Patch) -> None:
    """Clusters compute without waiting for the previous step of those that enclose them."""
    start = simulator.cluster.Cluster.start
    patch.setattr(simulator.cluster.Cluster, "start", lambda self, activity, sent, _: start(self, activity, sent, 0))


def drained_at_seams(patch: Patch) -> None:
    """Every output leaves at the end of the parent's step."""
    under = simulator.sequence.Steps.under
    patch.setattr(
        simulator.sequence.Steps, "under", lambda self, region, _, loops=None: under(self, region, None, loops)
    )


def stride_ignored(patch: Patch) -> None:
    """The offset of a windowed map is taken as it is written."""
    patch.setattr(dataflow.levels, "_strided_offset", lambda layer, source, window, size, offset, warnings: offset)


def one_tile_for_all_analysed(patch: Patch) -> None:
    """The refined model takes all output tiles for one, which never has to wait."""
    patch.setattr(analytical.work.Workbook, "_new_tile", lambda self, active, scene, previous: previous is None)


def run_counted_short(patch: Patch) -> None:
    """Of a run of like iterations the refined model leaves one out."""

    def representatives(count: int) -> Generator[tuple[int, int], None, None]:
        yield 0, 1
        if count > 3:
            yield 1, count - 3
        if count > 1:
            yield count - 1, 1

    patch.setattr(analytical.schedule, "_representatives", representatives)


def previous_step_only(patch: Patch) -> None:
    """The refined model takes the cluster's previous step for every unit's last active one."""

    def held(self: Any, active: int, previous: Any) -> list[tuple[int, Any]]:
        for leaf, _ in previous or ():
            active &= leaf.units
        return [(active, previous)] if previous is not None and active else []

    patch.setattr(analytical.neighbours.Neighbourhood, "held", held)


def dilation_ignored(patch: Patch) -> None:
    """Both models take every window for a span without gaps: only the reference can tell."""

    def solid(coefficients: tuple[int, ...], lengths: tuple[int, ...]) -> tuple[Range, ...]:
        return ((0, 1 + sum(c * (n - 1) for c, n in zip(coefficients, lengths, strict=True))),)

    patch.setattr(simulator.tiles, "_runs_from_zero", solid)
    patch.setattr(analytical.traffic, "_from_zero", solid)
    patch.setattr(
        analytical.traffic, "_set_of", analytical.traffic._set_of.__wrapped__
    )  # wrong ones are not remembered


def chain_one_short_at_level_1(patch: Patch) -> None:
    """A chain between the units of a cluster adds in one cycle less; the L2's is right."""
    delay = simulator.cluster.Cluster.reduction_delay

    def short(self: Any, activity: Any) -> int:
        chain = self.level == 1 and self.collection.reduction == "chain"
        return max(0, delay(self, activity) - chain)

    patch.setattr(simulator.cluster.Cluster, "reduction_delay", short)


def second_of_two_spatial_maps_does_not_fold(patch: Patch) -> None:
    """Of two dimensions spread together, the second stays at its first chunks."""

    def unfolded(subspace: Subspace, box: Box, maps: Any, indices: Any, unit: int, units: int) -> Box | None:
        spatial = [place for place, level_map in enumerate(maps) if level_map.spatial]
        stuck = [0 if place in spatial[1:] else index for place, index in enumerate(indices)]
        return cut(subspace, box, maps, stuck, unit, units)

    patch.setattr(simulator.nest, "cut", unfolded)


def triple_buffers_as_double(patch: Patch) -> None:
    start = simulator.cluster.Cluster.__init__

    def double(self: Any, array: Any, *arguments: Any) -> None:
        machine = array.machine.model_copy(update={"buffering": min(2, array.machine.buffering)})
        start(self, replace(array, machine=machine), *arguments)

    patch.setattr(simulator.cluster.Cluster, "__init__", double)


BUGS: dict[str, Bug] = {
    bug.__name__: bug
    for bug in (
        unclipped_edge,
        wrong_fold_count,
        lost_halo,
        multicast_counted_twice,
        reduction_delay_forgotten,
        one_slot_too_many,
        drain_latency_forgotten,
        first_copy_rewritten,
        idle_units_forget,
        barrier_missing,
        drained_at_seams,
        stride_ignored,
        one_tile_for_all_analysed,
        run_counted_short,
        previous_step_only,
        dilation_ignored,
        chain_one_short_at_level_1,
        second_of_two_spatial_maps_does_not_fold,
        triple_buffers_as_double,
    )
}


def broken(case: Case) -> list[str]:
    """Return the first claim that does not hold, as a list of one, or nothing.

    Left out are the claims that ask the refined model a second question: they cost most, and the others hold its answer
    to the first one against the simulator and the reference.
    """
    observation = Observation(*case)
    asked = (claim for claim in CLAIMS if claim not in (*metamorphic.CLAIMS, *transformed.CLAIMS))
    broken = (claim.name for claim in asked if claim.check(observation).holds is False)
    return list(islice(broken, 1))


def smallest(patch: Patch, bug: Bug) -> Case:
    """Return the smallest case that Hypothesis finds in which the bug breaks a claim."""
    with patch.context() as patched:
        bug(patched)
        return find(
            cases(max_macs=300, max_pes=12), lambda case: bool(broken(case)), settings=SETTINGS, random=Random(1)
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_every_seeded_bug_is_found_and_shrunk(name: str, monkeypatch: Patch) -> None:
    layer, dataflow, machine = smallest(monkeypatch, BUGS[name])
    assert layer.macs <= LARGEST
    assert broken((layer, dataflow, machine)) == []  # it is the bug that breaks the claim


@pytest.mark.slow
def test_a_check_that_accepts_everything_is_found(monkeypatch: Patch) -> None:
    monkeypatch.setattr(dataflow.legality, "components", lambda mapping: ())
    (legality,) = [claim for claim in CLAIMS if claim.name == "legality"]
    layer, *_ = find(
        illegal_cases(),
        lambda case: legality.check(Observation(*case)).holds is True,
        settings=SETTINGS,
        random=Random(1),
    )
    assert layer.macs <= LARGEST
