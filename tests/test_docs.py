"""What the documentation says is true: its Python runs, its commands print what is shown, its links lead somewhere."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from metronome.main import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SOURCE = re.compile(
    r"`((?:dataflow|simulator|analytical|validation|exploration|configs|metronome|tests|benchmarks)/[\w./]+\.\w+)`"
)
_NAME = re.compile(r"`((?:dataflow|simulator|analytical|validation|exploration|metronome)(?:\.\w+)+)`")
_ANY_SCHEME = re.compile(r"[a-z]+:")


@dataclass(frozen=True)
class Block:
    """A fenced block: the word after its fence, its text, and the line of the page in which the text begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    language, start = "", 0
    held: list[str] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if not line.startswith("```"):
            if held is not None:
                held.append(line)
        elif held is None:
            language, start, held = line[3:].strip(), number + 1, []
        else:
            yield Block(language, "".join(held), start)
            held = None
    assert held is None, f"{page.name}:{start}: the block is not closed"


def prose(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        text = text.replace(block.text, "", 1)
    return text


def run_python(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Run a block, its examples compared with what they print where it has any."""
    examples = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), block.line - 1)
    if not examples.examples:
        exec(compile("\n" * (block.line - 1) + block.text, page.name, "exec"), names)
        return
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    failed = runner.run(examples, out=report.append, clear_globs=False).failed
    names.update(examples.globs)
    assert not failed, "".join(report)


def session(text: str) -> tuple[str, str]:
    """Split a console block into the script that was typed (``$``, continued by ``>``) and what was printed."""
    typed, printed = [], []
    for line in text.splitlines(keepends=True):
        if line.startswith(("$ ", "> ")) or line == ">\n":
            typed.append(line[2:])
        else:
            printed.append(line)
    return "".join(typed), "".join(printed)


def _with_examples(name: str, folder: Path) -> None:
    """Let a page that names files in docs/examples find them, as in the project's folder."""
    if "docs/examples/" in (ROOT / name).read_text(encoding="utf-8"):
        (folder / "docs").symlink_to(ROOT / "docs")


@pytest.mark.parametrize("name", NAMES)
def test_python_blocks_run_and_print_what_is_shown(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page share their names, in order."""
    _with_examples(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(ROOT / name):
        if block.language == "python":
            run_python(block, ROOT / name, names)


@pytest.mark.parametrize("name", NAMES)
def test_console_blocks_print_what_is_shown(name: str, tmp_path: Path) -> None:
    """Blocks in which `metronome` is typed run in a shell, in one folder per page; ``...`` stands for any text."""
    _with_examples(name, tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for block in blocks(ROOT / name):
        typed, printed = session(block.text)
        if block.language != "console" or not typed.startswith(("metronome ", "cat ", "printf ")):
            continue
        shell = subprocess.run(
            ["bash"],
            input=typed,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        same = doctest.OutputChecker().check_output(printed, shell.stdout, doctest.ELLIPSIS)
        assert same, f"{name}:{block.line} printed\n{shell.stdout}"


@pytest.mark.parametrize("name", NAMES)
def test_yaml_blocks_can_be_read(name: str) -> None:
    for block in blocks(ROOT / name):
        if block.language == "yaml":
            assert yaml.safe_load(block.text), f"{name}:{block.line}"


def test_the_workflow_compares_with_a_baseline_after_it_has_installed_metronome() -> None:
    """YAML 1.1 reads the key ``on`` as true."""
    texts = [block.text for block in blocks(ROOT / "docs" / "ci.md") if "runs-on" in block.text]
    (workflow,) = map(yaml.safe_load, texts)
    assert set(workflow) == {"name", True, "permissions", "jobs"}
    commands = [step["run"] for step in workflow["jobs"]["gate"]["steps"] if "run" in step]
    assert [command.split()[:3] for command in commands] == [
        ["python", "-m", "pip"],
        ["metronome", "check", "dataflows/net.m"],
        ["metronome", "baseline", "compare"],
    ]
    assert all("uses" in step or "run" in step for step in workflow["jobs"]["gate"]["steps"])


@pytest.mark.parametrize("name", NAMES)
def test_relative_links_and_named_sources_exist(name: str) -> None:
    page = ROOT / name
    text = prose(page)
    links = [link.partition("#")[0] for link in _LINK.findall(text) if not _ANY_SCHEME.match(link)]
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [source for source in _SOURCE.findall(text) if not (ROOT / source).exists()]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_named_functions_and_classes_exist(name: str) -> None:
    for dotted in _NAME.findall(prose(ROOT / name)):
        resolve_name(dotted)


@pytest.mark.slow
def test_the_readme_shows_what_run_prints() -> None:
    """Without arguments the command takes the shipped example; ``...`` stands for the rows in between."""
    (shown,) = [block.text for block in blocks(ROOT / "README.md") if block.language == "text"]
    printed = CliRunner().invoke(app, ["run"]).stdout
    trimmed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    assert doctest.OutputChecker().check_output(shown.replace("  ...\n", "...\n"), trimmed, doctest.ELLIPSIS)


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in _LINK.findall(prose(page))
        if not _ANY_SCHEME.match(link)
    }
    assert [page.name for page in PAGES[1:] if page not in linked] == []
