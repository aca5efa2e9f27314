"""The command ``metronome report``: a validation campaign as tables, as JSON, and as a page to look at."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dataflow.errors import InputError


def report_command(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN.db", help="The store of a validation campaign.")],
    html_file: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write a page with figures and the worst cases.")
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON; - for standard output.")
    ] = None,
    worst: Annotated[
        int, typer.Option("--worst", metavar="N", help="At most so many cases of every kind that is worst.")
    ] = 10,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no table.")] = False,
) -> int:
    """Say what a validation campaign came to: claims, errors of the analytical models, and the worst cases.

    Status 1 if a case contradicts a claim or a model raised.
    """
    from metronome.files import ensure_writable, write
    from metronome.report_content import read

    if not 0 <= worst <= 1000:
        raise InputError(f"{worst} cases; 0 to 1000 can be listed", "--worst")
    written = [path for path in (html_file, json_file) if path is not None]
    for path in written:
        if written.count(path) > 1 or path == campaign:
            raise InputError("the campaign, --html and --json need a place each; name different ones", path)
        ensure_writable(path)
    content = read(campaign, worst)
    if html_file is not None:
        from metronome.report_page import page

        write(page(content, worst), html_file)
    if json_file is not None:
        write(json.dumps(content.to_dict(), indent=1) + "\n", json_file)
    if not quiet and "-" not in written:
        from metronome.report_tables import tables
        from metronome.terminal import results_console

        console = results_console()
        for part in tables(content):
            console.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)
    return 0 if content.summary.holds else 1
