"""Explorations of whole spaces: the same front whoever does the work, and however often it is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from distributed import LocalCluster
from spaces import TILED

from dataflow.errors import InputError
from exploration import campaign, subranges
from exploration.campaign import Plan, begin, run
from exploration.evaluate import evaluate
from exploration.space import Space
from exploration.space_files import parse_space
from exploration.store import ExplorationStore
from validation.schedulers import cluster, in_process, processes
from validation.store_files import TEMPORARY

TEXT = """
workload: vgg16
layers: [conv5_1, conv4_1]
dataflows:
  - template: tiled.m
    parameters: {tile_k: [1, 2], tile_c: [2, 64]}
  - yr_rs
ranges:
  pes: [16, 32, 64]
  lanes: [1, 2]
  levels.0.distribution.bandwidth: {from: 2, to: 20, step: 2}
  l1.bytes: {from: 8, to: 80, step: 8}
  l2.bytes: {from: 512, to: 8192, times: 2}
constraints: {area_mm2: 0.6, power_mw: 120}
objectives: [throughput, energy, area]
"""

forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    """Return a space of 36,000 designs in sub-ranges of at most 1,000."""
    monkeypatch.setattr(subranges, "MOST_DESIGNS", 1000)
    (tmp_path / "tiled.m").write_text(TILED)
    return parse_space(TEXT, "space.yaml", tmp_path)


def everything(store: ExplorationStore, plan: Plan) -> list[object]:
    """Return all that an exploration found but how long it took."""
    targets = range(len(plan.space.targets))
    fronts = [store.front(target, plan.space.objectives) for target in targets]
    return [vars(store.tally()), fronts, [campaign.sample(store, plan, target) for target in targets]]


def explored(plan: Plan, workers: int = 1) -> list[object]:
    with ExplorationStore(TEMPORARY, create=True) as store:
        begin(store, plan, resume=False)
        run(store, plan, processes(workers))
        return everything(store, plan)


@forks
def test_the_front_is_the_same_whatever_the_number_of_workers_and_the_sub_ranges(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(space)
    one = explored(plan)
    assert explored(plan, 3) == one
    monkeypatch.setattr(subranges, "MOST_DESIGNS", 1 << 20)
    assert explored(plan)[:2] == one[:2]


def test_an_interrupted_exploration_goes_on_where_it_stopped(space: Space, tmp_path: Path) -> None:
    plan, number = Plan(space), subranges.subranges(space)

    def stop(finding: subranges.Finding) -> None:
        if finding.number == number // 2:
            raise KeyboardInterrupt

    with ExplorationStore(tmp_path / "a.db", create=True) as store:
        begin(store, plan, resume=False)
        with pytest.raises(KeyboardInterrupt):
            run(store, plan, in_process, progress=stop)
        assert campaign.missing(store, plan) == list(range(number // 2 + 1, number))
    with ExplorationStore(tmp_path / "a.db") as store:
        begin(store, plan, resume=True)
        run(store, plan, in_process)
        assert everything(store, plan) == explored(plan)
        assert store.tally().total == space.designs


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "{}: is an exploration already; go on with --resume, or name a new store"),
        ({"seed": 3}, "{}: was begun with --seed 0; resume it so, or begin a new store"),
        ({"budget": 3}, "{}: was begun without --budget; resume it so, or begin a new store"),
        ({"points": True}, "{}: was begun without --points; resume it so, or begin a new store"),
        ({"made_from": "x"}, "{}: was begun by other sources of Metronome; resume it so, or begin a new store"),
    ],
)
def test_another_exploration_is_not_resumed(
    space: Space, tmp_path: Path, changed: dict[str, int], message: str
) -> None:
    path = tmp_path / "a.db"
    with ExplorationStore(path, create=True) as store:
        begin(store, Plan(space), resume=False)
        with pytest.raises(InputError) as error:
            begin(store, Plan(space, **changed), resume=bool(changed))  # type: ignore[arg-type]
    assert str(error.value) == message.format(path)


def test_another_space_is_not_resumed(space: Space, tmp_path: Path) -> None:
    with ExplorationStore(tmp_path / "a.db", create=True) as store:
        begin(store, Plan(space), resume=False)
        other = parse_space(TEXT.replace("16, 32", "16, 48"), "space.yaml", tmp_path)
        with pytest.raises(InputError) as error:
            begin(store, Plan(other), resume=True)
        assert error.value.message == "was begun for another space; resume it so, or begin a new store"


def test_a_worker_with_other_sources_does_nothing(space: Space) -> None:
    with pytest.raises(InputError) as error:
        campaign.explore_numbered(Plan(space, made_from="x"), 0)
    assert str(error.value) == f"a worker: has other sources ({campaign.sources()}) than the exploration (x)"


def test_all_valid_designs_as_parquet_have_the_numbers_that_they_have_alone(space: Space) -> None:
    plan, frames = Plan(space, points=True), []
    for number in range(subranges.subranges(space)):
        finding = campaign.explore_numbered(plan, number)
        frame = pd.read_parquet(BytesIO(finding.points)) if finding.points else pd.DataFrame()
        assert len(frame) == finding.tally.valid
        frames.append(frame)
    points = pd.concat(frames)
    assert points["design"].is_unique
    for row in points.sample(60, random_state=1).to_dict("records"):
        evaluation = evaluate(space, row["design"])
        assert (evaluation.fault, evaluation.outcome is None) == (None, False)
        assert evaluation.outcome is not None
        numbers = evaluation.outcome.numbers(space.machine, space.technology)
        for key in ("cycles", "macs_per_cycle", "energy", "energy_delay", "power_mw", "area_mm2"):
            assert row[key] == numbers[key], key
        assert {key: row[key] for key in evaluation.design.values} == evaluation.design.values
        assert row["target"] == space.targets[evaluation.design.target][0]
        assert row["dataflow"] == space.instances[evaluation.design.instance or 0].name


KILLED = """\
import sys
from pathlib import Path
from exploration import subranges
from exploration.campaign import Plan, begin, run
from exploration.space_files import read_space
from exploration.store import ExplorationStore
from validation.schedulers import processes
if __name__ == "__main__":
    subranges.MOST_DESIGNS = 1000
    plan = Plan(read_space(sys.argv[1]))
    store = ExplorationStore(sys.argv[2], create=True)
    begin(store, plan, resume=True)
    run(store, plan, processes(int(sys.argv[3])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_exploration_that_is_killed_again_and_again_comes_to_the_same(
    space: Space, tmp_path: Path, workers: str
) -> None:
    """Five kills at random moments; between them everything that was stored stays."""
    moments, path = Random(f"moments {workers}"), tmp_path / "killed.db"
    (tmp_path / "space.yaml").write_text(TEXT)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "space.yaml"), str(path), workers]
    before: set[int] = set()
    for _ in range(5):
        with subprocess.Popen(command) as process:
            time.sleep(moments.uniform(0.8, 2))
            process.kill()
        if path.exists():
            with ExplorationStore(path, create=True) as store:
                assert store.done() >= before
                before = store.done()
    subprocess.run(command, check=True)
    with ExplorationStore(path) as store:
        assert everything(store, Plan(space)) == explored(Plan(space))


@pytest.mark.slow
def test_a_cluster_whose_worker_has_several_threads_comes_to_the_same(tmp_path: Path) -> None:
    """Four sub-ranges at a time in one process; each thread has its own memory of what neighbours share."""
    (tmp_path / "tiled.m").write_text(TILED)
    space = parse_space(TEXT.replace("[16, 32, 64]", "{from: 16, to: 64, step: 2}"), "space.yaml", tmp_path)
    assert subranges.subranges(space) == 4
    plan = Plan(space)
    workers = LocalCluster(n_workers=1, threads_per_worker=4, processes=True, dashboard_address=None)
    with workers, ExplorationStore(TEMPORARY, create=True) as store:
        begin(store, plan, resume=False)
        run(store, plan, cluster(workers.scheduler_address))
        assert everything(store, plan) == explored(plan)


def test_threads_share_no_memory(space: Space) -> None:
    """What is kept is kept without locks: a thread has an explorer of its own, as long as the space is the same."""
    mine = campaign.explorer_of(space)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(campaign.explorer_of, space).result() is not mine
    assert campaign.explorer_of(replace(space)) is mine
    assert campaign.explorer_of(replace(space, model="published")) is not mine
