"""The page of a moment as one HTML file that needs nothing else: scripts, styles and data are in it."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from metronome.pages import policy, source

#: in the order in which they run
SCRIPTS = ("view/moments.js", "view/drawing.js", "view/page.js")


def page(content: dict[str, Any]) -> str:
    """Return the page's text. Names from files are data: the script shows them as text, never as markup."""
    environment = Environment(loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined)
    scripts = [source(name) for name in SCRIPTS]
    data = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("view/page.html").render(
        title=f"{content['layer']['name']} on {content['machine']['name']}",
        policy=policy(scripts),
        style=Markup(source("view/page.css")),
        scripts=[Markup(script) for script in scripts],
        data=Markup(data),
    )
