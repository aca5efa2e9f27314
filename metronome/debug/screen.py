"""The debugger's screen: panes of what there is in a cycle, keys that move in time, and a line for commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Input, Static

from dataflow.errors import InputError
from metronome.debug import panes
from metronome.debug.commands import execute
from metronome.debug.session import Session
from metronome.moments.states import KINDS

#: colours of what PEs do
COLOURS = {
    "computing": "green", "distribution": "blue", "barrier": "yellow", "slot": "red", "dram": "magenta",
    "l2_port": "magenta", "fill": "cyan", "done": "white", "idle": "bright_black",
}  # fmt: skip

PANES: dict[str, tuple[str, Callable[[Session], list[str]]]] = {
    "loops": ("Loops", panes.loops),
    "array": ("PE array", panes.array_lines),
    "ports": ("Ports", panes.ports),
    "buffers": ("Buffers", panes.buffers),
    "log": ("Events", panes.log),
}


class Screen(App[None]):
    """The screen. Every key does what a command does."""

    TITLE = "Metronome"
    CSS = """
    #summary { height: 1; background: $primary; color: $text; padding: 0 1; }
    #left { width: 2fr; } #middle { width: 3fr; } #right { width: 4fr; }
    .pane { border: round $secondary; height: auto; padding: 0 1; }
    VerticalScroll { height: 1fr; }
    #output { border: round $accent; height: auto; min-height: 6; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "command('step')", "+1"),
        Binding("left", "command('back')", "-1"),
        Binding("n", "command('next')", "event"),
        Binding("p", "command('previous')", "event back"),
        Binding("s", "command('next 0')", "top step"),
        Binding("S", "command('previous 0')", "step back"),
        Binding("c", "command('continue')", "continue"),
        Binding("r", "command('reverse')", "reverse"),
        Binding("down", "pe(1)", "next PE"),
        Binding("up", "pe(-1)", "PE before"),
        Binding("w", "command('why')", "why"),
        Binding("colon", "type", "command"),
        Binding("escape", "leave", "keys", show=False),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._printed = ["Keys are below; : begins a command, as help, break stall 10, or where I[0,3,5,7]."]

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        yield Static(id="summary", markup=False)
        with Horizontal():
            with VerticalScroll(id="left"):
                yield from self._pane("loops")
                yield from self._pane("array")
            with VerticalScroll(id="middle"):
                yield from self._pane("ports")
                yield from self._pane("buffers")
            with Vertical(id="right"), VerticalScroll():
                yield Static(id="output", markup=False)
                yield from self._pane("log")
        yield Input(placeholder="command", id="line", disabled=True)
        yield Footer()

    def on_mount(self) -> None:
        """Show the beginning."""
        self._show()

    def action_command(self, line: str) -> None:
        """Carry out a command and show what is there then."""
        try:
            self._printed = [f": {line}", *execute(self._session, line)]
        except InputError as error:
            self._printed = [f": {line}", str(error)]
        self._show()

    def action_pe(self, direction: int) -> None:
        """Choose the next PE, or the one before."""
        units, number = self._session.layer.mapping.units, 0
        for width, unit in zip(units, self._session.pe, strict=True):
            number = number * width + unit
        last = 1
        for width in units:
            last *= width
        self.action_command(f"pe {(number + direction) % last}")

    def action_type(self) -> None:
        """Begin a command."""
        line = self.query_one("#line", Input)
        line.disabled = False
        line.focus()

    def action_leave(self) -> None:
        """Go back from the command line to the keys."""
        line = self.query_one("#line", Input)
        line.value, line.disabled = "", True
        self.set_focus(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Carry out what was typed."""
        text = event.value.strip()
        self.action_leave()
        if text in ("quit", "exit"):
            self.exit()
        elif text:
            self.action_command(text)

    def _pane(self, name: str) -> ComposeResult:
        pane = Static(id=name, classes="pane", markup=False)
        pane.border_title = PANES[name][0]
        yield pane

    def _show(self) -> None:
        session = self._session
        layer = session.layer
        head = f"{layer.name} on {layer.machine.name}: {' '.join(panes.summary(session))}"
        self.query_one("#summary", Static).update(head)
        output = self.query_one("#output", Static)
        output.border_title = "Answer"
        output.update("\n".join(self._printed))
        for name, (_, lines) in PANES.items():
            found = lines(session)
            text = _coloured(found) if name == "array" else Text("\n".join(found))
            self.query_one(f"#{name}", Static).update(text)


def _coloured(lines: list[str]) -> Text:
    """Return the letters of an array in their colours; the last line says what they mean."""
    colours = {KINDS[kind][0]: colour for kind, colour in COLOURS.items()}
    text = Text()
    for line in lines[:-1]:
        for letter in line:
            text.append(letter, colours.get(letter, ""))
        text.append("\n")
    for part in lines[-1].split("; "):
        text.append(part, colours.get(part[0], ""))
        text.append("\n")
    return text
