"""The page of `metronome view` in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Watched, chromium
from playwright.sync_api import Browser, Page, expect
from typer.testing import CliRunner

from metronome.main import app

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WORKLOAD = """Network net {
  Layer rows {
    Type: GEMM
    Dimensions { M: 4, N: 2, K: 6 }
    Dataflow { SpatialMap(1,1) M; TemporalMap(2,2) K; Cluster(2, P); SpatialMap(1,1) K; }
  }
  Layer conv {
    Type: CONV
    Stride { X: 2, Y: 1 }
    Dimensions { K: 2, C: 3, Y: 8, X: 9, R: 3, S: 3 }
    Dataflow { SpatialMap(1,1) K; TemporalMap(1,1) C; TemporalMap(3,1) Y; TemporalMap(3,3) R; TemporalMap(3,3) S; }
  }
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.m").write_text(WORKLOAD)
    return tmp_path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for all tests."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, folder: Path) -> Iterator[Callable[..., Page]]:
    """Return a function that makes the page of a layer and opens it; no page may ask for or complain of anything."""
    opened: list[Watched] = []

    def visited(layer: str, hardware: str = "reference-36", **properties: object) -> Page:
        options = ("--workload", "net.m", "--hardware", hardware, "--set", "pes=8")
        assert CliRunner().invoke(app, ["view", layer, "-o", "v.html", *options]).exit_code == 0
        context = browser.new_context(**properties)  # type: ignore[arg-type]
        opened.append(Watched(context.new_page(), folder / "v.html"))
        return opened[-1].open()

    yield visited
    for watched in opened:
        assert watched.messages == []
        assert watched.requests == [watched.url]
        watched.page.context.close()


def test_the_slider_moves_time(visit: Callable[..., Page]) -> None:
    page = visit("rows")
    expect(page.locator("#legend")).to_have_text("8 nothing has come yet")
    page.locator("#time").fill("6")
    expect(page.locator("#cycle")).to_have_value("6")
    expect(page.locator("#details h3")).to_contain_text("in cycle 6")
    expect(page.locator("#legend")).to_contain_text("computing")
    page.get_by_role("button", name="one cycle on").click()
    expect(page.locator("#details h3")).to_contain_text("in cycle 7")


def test_a_click_chooses_a_pe_and_its_tiles_are_told(visit: Callable[..., Page]) -> None:
    page = visit("rows")
    page.locator("#time").fill("6")
    box = page.locator("#array").bounding_box()
    assert box is not None
    cell = page.evaluate("element('array').cell")
    page.locator("#array").click(position={"x": cell * 1.5, "y": cell * 0.5})
    expect(page.locator("#details h3")).to_have_text("PE 0.1 (number 1) in cycle 6")
    expect(page.locator("#words-output")).to_contain_text("M 0, N 0..1 of 4 × 2")
    expect(page.locator("#nest")).to_contain_text("TemporalMap(2,2) K = ")


def test_keys_suffice(visit: Callable[..., Page]) -> None:
    page = visit("rows")
    page.keyboard.press("End")
    expect(page.locator("#cycle")).to_have_value("17")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#cycle")).to_have_value("16")
    page.locator("#array").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#details h3")).to_contain_text("PE 0.1 (number 1) in cycle 16")


def test_playing_goes_on_and_ends(visit: Callable[..., Page]) -> None:
    page = visit("rows")
    page.locator("#speed").select_option("5")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#cycle")).to_have_value("17")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_a_wait_has_its_causes(visit: Callable[..., Page]) -> None:
    page = visit("rows")
    expect(page.locator("#details .state")).to_contain_text("nothing has come yet, cycles 0 to ")
    expect(page.locator("#details .chain li").last).to_contain_text("root: ")


def test_an_element_is_found(visit: Callable[..., Page]) -> None:
    """The input at row 2, column 4 of channel 1 is in the windows at columns 2 to 4 and 4 to 6, of both filters."""
    page = visit("conv")
    page.get_by_role("textbox", name="element").fill("I[1,2,4]")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#found p").first).to_contain_text("buffers in these cycles. Its buffers get it in ")
    first = page.locator("#found button").first
    begin = int(re.findall(r"\d+", first.inner_text())[-2])
    first.click()
    expect(page.locator("#cycle")).to_have_value(str(begin))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X", "Write an element as I[0,3,5,7], W[0,3,1,1] or O[0,3,5,7]."),
        ("O[1]", "The axes of output are M 4, N 2."),
        ("O[9,0]", "That is outside of output: M 4, N 2."),
    ],
)
def test_what_is_no_element_is_said(text: str, message: str, visit: Callable[..., Page]) -> None:
    page = visit("rows")
    page.get_by_role("textbox", name="element").fill(text)
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#found")).to_have_text(message)


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(width: int, scheme: str, visit: Callable[..., Page]) -> None:
    page = visit("conv", viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert (max(map(int, re.findall(r"\d+", ink))) > 128) == (scheme == "dark")


def test_names_are_text(visit: Callable[..., Page], folder: Path) -> None:
    attack = "<script>hit=1</script><img src=x onerror=hit=1>"
    (folder / "m.yaml").write_text(
        f"name: '{attack}'\npes: 8\nlevels: [{{distribution: {{bandwidth: 1}}, collection: {{bandwidth: 1}}}}]\n"
    )
    page = visit("rows", hardware="m.yaml")
    assert attack in page.locator("#facts").inner_text()
    assert page.evaluate("typeof hit") == "undefined"
