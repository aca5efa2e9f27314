"""The pytest plugin in a project that is not this one."""

from __future__ import annotations

import pytest
from baselines import ARRAY, NET
from typer.testing import CliRunner

from metronome.main import app

pytest_plugins = ["pytester"]

LABEL = "b.json::./net.m --hardware ./array.yaml"
#: What only Metronome itself needs; the plugin of a project without a baseline must not pay for it.
HEAVY = ("dataflow", "analytical", "simulator", "validation", "pandas", "numpy", "pydantic", "lark", "simpy")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project of a net, an array, and a baseline of both."""
    (pytester.path / "net.m").write_text(NET, encoding="utf-8")
    (pytester.path / "array.yaml").write_text(ARRAY, encoding="utf-8")
    arguments = ["baseline", "record", "net.m", "--hardware", "array.yaml", "--out", "b.json"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return pytester


def slow_down(project: pytest.Pytester) -> None:
    """Give the array a distribution port of 1 element per cycle."""
    text = ARRAY.replace("bandwidth: 4", "bandwidth: 1", 1)
    (project.path / "array.yaml").write_text(text, encoding="utf-8")


def change(project: pytest.Pytester, old: str, new: str) -> None:
    (project.path / "net.m").write_text(NET.replace(old, new), encoding="utf-8")


def test_every_layer_is_a_test(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--metronome-baseline", "b.json", "-rA", "-W", "error")
    result.assert_outcomes(passed=3)
    names = [line.removeprefix("PASSED ") for line in result.outlines if line.startswith("PASSED ")]
    assert names == [f"{LABEL}::first", f"{LABEL}::second", f"{LABEL}::no new layers"]


def test_what_moved_fails_with_a_table(project: pytest.Pytester) -> None:
    """The cycles are derived in the tests of the command."""
    slow_down(project)
    result = project.runpytest_inprocess("--metronome-baseline", "b.json", "-k", "first")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        [
            "*_ first (./net.m --hardware ./array.yaml) _*",
            "simulator cycles: 15 -> 28 (+86.67 %), and 6 more",
            "  first  simulator  cycles                 15   28   +86.67 %",
            f"FAILED {LABEL}::first - *",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_tolerances_apply(project: pytest.Pytester) -> None:
    slow_down(project)
    tolerances = [f"--metronome-tolerance={metric}=1000" for metric in ("cycles", "compute_end", "stalls")]
    project.runpytest_inprocess("--metronome-baseline=b.json", *tolerances).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("old", "new", "failed", "message"),
    [
        ("Layer second", "Layer first", {"passed": 1, "failed": 2}, "layer second is missing"),
        ("Layer second", "Layer third", {"passed": 1, "failed": 2}, "layer third is new"),
        ("(1,1) M; }", "(1,2) M; }", {"passed": 2, "failed": 1}, "layer first is illegal: *net.m:5:16: layer first *"),
        ("GEMM", "GEM", {"failed": 3}, "*net.m:3:11: *"),
    ],
)
def test_layers_that_come_go_or_break_fail(
    project: pytest.Pytester, old: str, new: str, failed: dict[str, int], message: str
) -> None:
    change(project, old, new)
    result = project.runpytest_inprocess("--metronome-baseline", "b.json")
    result.assert_outcomes(**failed)
    result.stdout.fnmatch_lines([message])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metronome-baseline", "nope.json"], "ERROR: *nope.json: no such file"),
        (["--metronome-baseline", "net.m"], "ERROR: *net.m:1:1: not valid JSON: Expecting value"),
        (
            ["--metronome-baseline", "b.json", "--metronome-tolerance", "cycle=1"],
            "ERROR: --metronome-tolerance cycle=1: the baseline has no metric cycle; did you mean cycles[?]",
        ),
        (
            ["--metronome-tolerance", "cycles=1"],
            "ERROR: --metronome-tolerance is of use only with --metronome-baseline",
        ),
    ],
)
def test_a_wrong_option_is_a_usage_error(project: pytest.Pytester, arguments: list[str], message: str) -> None:
    result = project.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_the_fixture_runs_a_workload(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        def test_more_bandwidth_is_faster(metronome_run):
            slow = metronome_run("net.m", hardware="array.yaml", layers=["first"])
            fast = metronome_run("net.m", hardware="array.yaml", **{"levels.0.distribution.bandwidth": 18})
            assert [layer.name for layer in slow.layers] == ["first"]
            assert [layer.name for layer in fast.layers] == ["first", "second"]
            assert (slow.layers[0].simulator.cycles, fast.layers[0].simulator.cycles) == (15, 11)

        def test_a_shipped_network_on_the_usual_machine(metronome_run):
            run = metronome_run("alexnet", "kcp_ws", layers=["fc8"], pes=128)
            assert (run.machine.name, run.machine.pes) == ("reference-256", 128)

        def test_wrong_input(metronome_run):
            from dataflow.errors import InputError
            with pytest.raises(InputError):
                metronome_run("nope.m")
        """
    )
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=3)


def test_tests_and_layers_are_shared_among_processes(project: pytest.Pytester) -> None:
    project.makepyfile("def test_own(metronome_run):\n    assert callable(metronome_run)")
    slow_down(project)
    result = project.runpytest_subprocess("-n", "2", "-p", "xdist", "--metronome-baseline", "b.json")
    result.assert_outcomes(passed=2, failed=2)


def test_a_project_that_does_not_use_it_notices_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"""
        import sys

        def test_nothing_is_loaded():
            assert "metronome.pytest_plugin" in sys.modules
            assert [name for name in {HEAVY} if name in sys.modules] == []
        """
    )
    result = project.runpytest_subprocess("-W", "error", "-p", "no:hypothesispytest", "-p", "no:benchmark")
    result.assert_outcomes(passed=1)
    assert "etronome" not in result.stdout.str().replace("plugins: ", "", 1).replace("metronome-", "", 1)
    assert result.stderr.str() == ""
