"""The progress of an exploration: designs, the rate, valid ones, and the size of the fronts so far."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exploration.fronts import Point, front
from exploration.space import Space


class Fronts:
    """The fronts so far."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._points: dict[int, list[Point]] = {}

    def add(self, points: dict[int, list[Point]]) -> None:
        """Add the fronts of a sub-range."""
        for target, found in points.items():
            self._points[target] = front([*self._points.get(target, []), *found], self._space.objectives)

    @property
    def size(self) -> int:
        """The number of designs of all of them."""
        return sum(map(len, self._points.values()))


#: takes how many designs are done, how many of them are valid, and their fronts by target
Done = Callable[[int, int, dict[int, list[Point]]], None]


@contextmanager
def exploration_bar(space: Space, total: int, before: int) -> Iterator[Done | None]:
    """Yield a function that is told what is done; None where nobody sees the bar."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f} designs/s")

    fronts = Fronts(space)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        Rate(),
    )
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("explore", total=total, completed=before)

        found = 0

        def done(number: int, valid: int, points: dict[int, list[Point]]) -> None:
            nonlocal found
            found += valid
            fronts.add(points)
            bar.update(task, advance=number, description=f"explore: {found:,} valid, front {fronts.size:,}")

        yield done
