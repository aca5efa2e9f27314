"""The pytest plugin: layers of a baseline as tests, and a fixture that runs a workload.

Every pytest of the environment loads this module, so it imports nothing of Metronome until it is asked to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from dataflow.hardware import Machine
    from metronome.runs import Run
    from metronome.workload import Workload
    from validation.baseline import Baseline, Difference, Entry, Tolerances


class MetronomeRun(Protocol):
    """Runs a workload as ``metronome run`` does; ``values`` override the hardware's, as in ``pes=64``.

    Raises `dataflow.errors.InputError`.
    """

    def __call__(
        self,
        workload: str | Path,
        dataflow: str | Path | None = None,
        hardware: str | Path = "reference-256",
        *,
        layers: Sequence[str] = (),
        allow_overflow: bool = False,
        **values: object,
    ) -> Run:
        """Return the run of all layers, or of those whose names match ``layers``."""


@pytest.fixture(scope="session")
def metronome_run() -> MetronomeRun:
    """Return a function that simulates and analyses a workload and returns a `metronome.Run`."""
    import metronome

    def run(
        workload: str | Path,
        dataflow: str | Path | None = None,
        hardware: str | Path = "reference-256",
        *,
        layers: Sequence[str] = (),
        allow_overflow: bool = False,
        **values: object,
    ) -> Run:
        from metronome.runs import Options

        loaded = metronome.load(workload, dataflow=dataflow, layers=layers)
        machine = metronome.hardware(hardware, **values)
        return metronome.run(loaded, machine, options=Options(allow_overflow=allow_overflow))

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("metronome")
    group.addoption(
        "--metronome-baseline", metavar="FILE", help="test every layer of this baseline (metronome baseline record)"
    )
    group.addoption(
        "--metronome-tolerance",
        metavar="METRIC=PERCENT",
        action="append",
        default=[],
        help="let a metric of the baseline move so far, e.g. cycles=1; repeatable",
    )


@dataclass
class _Gate:
    """A baseline file, what may move, and the workloads that this process has loaded."""

    file: str
    baseline: Baseline
    allowed: Tolerances
    loaded: dict[int, tuple[Workload, Machine]] = field(default_factory=dict)

    def prepared(self, index: int) -> tuple[Workload, Machine]:
        from metronome.baseline_runs import prepared

        if index not in self.loaded:
            self.loaded[index] = prepared(self.baseline.workloads[index], self.file, lenient=True)
        return self.loaded[index]


_GATE = pytest.StashKey[_Gate]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the baseline, if one is named: a fault in it ends pytest with a usage error."""
    name = config.getoption("--metronome-baseline")
    if name is None:
        if config.getoption("--metronome-tolerance"):
            raise pytest.UsageError("--metronome-tolerance is of use only with --metronome-baseline")
        return
    from dataflow.errors import InputError
    from validation.baseline import Tolerances, read_baseline

    file = str(config.invocation_params.dir / name)
    try:
        baseline = read_baseline(file)
        tolerances = config.getoption("--metronome-tolerance")
        allowed = Tolerances.parse(tolerances, baseline.metrics(), "--metronome-tolerance")
    except InputError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_GATE] = _Gate(file, baseline, allowed)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for every layer of the baseline, and one per workload for layers that it does not hold."""
    gate = config.stash.get(_GATE, None)
    if gate is not None:
        file: BaselineFile = BaselineFile.from_parent(session, path=Path(gate.file))
        items.extend(file.collect())


class BaselineFile(pytest.File):
    """A baseline file; its tests are not collected from folders but added by the option."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the tests, in the order of the file."""
        from metronome.baseline_reports import recipe_text
        from validation.baseline import numbered

        for index, entry in enumerate(self.config.stash[_GATE].baseline.workloads):
            label = recipe_text(entry)
            for key in numbered(layer.name for layer in entry.layers):
                shown = key[0] if key[1] == 1 else f"{key[0]} ({key[1]})"
                yield LayerItem.from_parent(self, name=f"{label}::{shown}", index=index, key=key)
            yield NewLayersItem.from_parent(self, name=f"{label}::no new layers", index=index)


class BaselineItem(pytest.Item):
    """A test that reports what moved as a table."""

    def __init__(self, name: str, parent: BaselineFile, *, index: int) -> None:
        super().__init__(name, parent)
        self.gate, self.index = self.config.stash[_GATE], index

    @property
    def entry(self) -> Entry:
        """Return the workload of the baseline that this test is of."""
        return self.gate.baseline.workloads[self.index]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str | TerminalRepr:
        """Return the table, or the one message of wrong input; the traceback of anything else."""
        from dataflow.errors import InputError

        if isinstance(excinfo.value, InputError | _MovedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the place and the heading of a failure, which is not the name: pytest rewrites the dots of a name."""
        workload, _, layer = self.name.rpartition("::")
        return self.path, None, f"{layer} ({workload})"


class LayerItem(BaselineItem):
    """One layer: run again, and equal to what the baseline holds."""

    def __init__(self, name: str, parent: BaselineFile, *, index: int, key: tuple[str, int]) -> None:
        super().__init__(name, parent, index=index)
        self._key = key

    def runtest(self) -> None:
        """Run the layer; raises an error that shows what moved."""
        from metronome.baseline_runs import results
        from metronome.workload import Workload
        from validation.baseline import differences, numbered

        workload, machine = self.gate.prepared(self.index)
        tasks = dict(zip(numbered(task.layer.name for task in workload.tasks), workload.tasks, strict=True))
        now = None
        if self._key in tasks:
            (now,) = results(Workload(workload.name, (tasks[self._key],)), machine, self.entry)
        old = dict(zip(numbered(layer.name for layer in self.entry.layers), self.entry.layers, strict=True))
        _expect_none(differences(old[self._key], now, self.gate.allowed))


class NewLayersItem(BaselineItem):
    """The workload has no layer that the baseline does not hold."""

    def runtest(self) -> None:
        """Compare the names; raises an error that shows what is new."""
        from validation.baseline import Difference, numbered

        workload, _ = self.gate.prepared(self.index)
        held = set(numbered(layer.name for layer in self.entry.layers))
        names = numbered(task.layer.name for task in workload.tasks)
        _expect_none([Difference(key[0], note="is new") for key in names if key not in held])


class _MovedError(AssertionError):
    """Something is not as the baseline has it."""


def _expect_none(moved: Sequence[Difference]) -> None:
    from metronome.baseline_reports import differences_text, headline

    if moved:
        raise _MovedError(f"{headline(moved)}\n{differences_text(moved)}")
