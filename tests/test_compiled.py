"""The models compiled to C extensions are the same models: the same numbers, the same tables, the same messages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: prints where modules come from
ORIGINS = "import analytical.traffic, simulator.cluster as c; print(analytical.traffic.__file__, c.__file__)"

#: simulates generated layers on machines with every switch, with and without acceleration, and prints what came of it
RICH = """
from dataclasses import replace
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from simulator.simulate import simulate
from validation.strategies import dataflows, layers, rich_machines

@seed(11)
@settings(max_examples=150, deadline=None, database=None, phases=[Phase.generate], derandomize=False,
          suppress_health_check=list(HealthCheck))
@given(st.data())
def simulated(data):
    machine = data.draw(rich_machines())
    layer = data.draw(layers(max_macs=3000))
    flow = data.draw(dataflows(layer, machine))
    print(simulate(layer, flow, machine), simulate(layer, flow, machine, accelerate=False))

simulated()
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages as the compiled wheel brings them; skips where there is no C compiler."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler on this machine")
    folder = tmp_path_factory.mktemp("compiled")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        env={**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "true"},
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def printed(site: Path, *arguments: str) -> str:
    """Return what Python prints with the packages of ``site``."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
        cwd=site,
    ).stdout


@pytest.mark.slow
def test_compiled_models_are_the_same_models(compiled: Path) -> None:
    assert all(f"{compiled}/" in path and path.endswith(".so") for path in printed(compiled, "-c", ORIGINS).split())
    metronome = "from metronome.main import app; app()"
    for command in (
        ["-c", metronome, "validate", "--examples", "400", "--seed", "23", "--json", "-", "--quiet"],
        ["-c", metronome, "run", "mobilenet_v2", "--dataflow", "maeri", "--json", "-", "--quiet"],
        ["-c", RICH],
    ):
        assert printed(compiled, *command) == printed(ROOT, *command), command[1:4]
