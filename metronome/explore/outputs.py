"""Where the results of an exploration go."""

from __future__ import annotations

import json
from dataclasses import dataclass

import typer

from dataflow.errors import InputError
from exploration.space import Space
from metronome.explore.content import Found


@dataclass(frozen=True)
class Outputs:
    """Files that are to be written, and whether tables are not to be printed."""

    json_file: str | None
    csv_file: str | None
    figure_file: str | None
    designs: str | None
    quiet: bool

    def ensure_possible(self, store_file: str | None) -> None:
        """Raise `InputError`, before there is anything to write, where that will not be possible."""
        from metronome.explore.designs import make_folder
        from metronome.figures import format_of
        from metronome.files import ensure_writable

        files = [path for path in (self.json_file, self.csv_file, self.figure_file) if path is not None]
        places = [*files, *([] if store_file is None else [store_file])]
        for place in places:
            if places.count(place) > 1:
                raise InputError("the outputs need a place each; name different ones", place)
        if self.figure_file is not None:
            format_of(self.figure_file)
        for path in files:
            ensure_writable(path)
        if self.designs is not None:
            make_folder(self.designs, "--designs")

    def ensure_drawable(self, space: Space) -> None:
        """Raise `InputError` where a figure is wanted and nothing is known to draw throughput against."""
        from exploration.areas import Areas

        technology = space.technology
        if self.figure_file is not None and technology.mac_pj is None and not Areas(space).known:
            message = f"technology {technology.name} states neither mac_pj nor all areas: there is nothing to draw"
            raise InputError(message, "--figure")

    def show(self, found: Found) -> None:
        """Write and print everything."""
        import pandas as pd

        from analytical.memory import simplified
        from metronome.explore.designs import write_design
        from metronome.explore.figure import exploration_figure
        from metronome.explore.tables import report
        from metronome.figures import format_of
        from metronome.files import write, write_bytes
        from metronome.terminal import results_console, warn_of_simplified

        if self.json_file is not None:
            write(json.dumps(found.to_dict(), indent=1) + "\n", self.json_file)
        if self.csv_file is not None:
            rows = [row for target in found.targets for row in found.rows(target)]
            write(pd.DataFrame(rows).to_csv(index=False), self.csv_file)
        if self.figure_file is not None and any(target.front for target in found.targets):
            write_bytes(exploration_figure(found, format_of(self.figure_file)), self.figure_file)
        if self.designs is not None:
            for target in found.targets:
                for point in target.front:
                    write_design(found.space, point.number, self.designs)
        if not self.quiet and "-" not in (self.json_file, self.csv_file):
            console = results_console()
            for part in report(found):
                console.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)
        warn_of_simplified(simplified(found.space.machine, len(found.space.machine.levels)))
        for target in found.targets:
            if not target.front:
                name = found.space.targets[target.index][0]
                typer.echo(f"no design is valid for {name}; loosen the constraints or widen the ranges", err=True)
