"""The page of `metronome report` in a real browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Watched, chromium
from playwright.sync_api import Browser, Page, expect
from report_stores import case, store

from metronome.report_content import read
from metronome.report_page import page as render
from validation.campaign import Plan, begin, run
from validation.schedulers import in_process
from validation.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ATTACK = (
    "</script></pre><script>hit=1</script><img src=x onerror=hit=1>\"'><a href='https://a.example/'>\u2028${1}{{1}}"
)
CASES = [
    case(0, 100, 100),
    case(1, 100, 150, failed={"legality": "point missed"}),
    case(2, 1000, 800, family="window-2"),
    case(3, 50, 200),
    case(4, None, 7, error="simulated: ValueError: no"),
]


#: Pixels of a figure by those of the window: what the margins of the page leave.
WIDTHS = {1280: "1168", 800: "768"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for all tests of this file."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Return a function that makes the page of a store, and a new tab of given properties for it."""
    contexts = []

    def watched(path: Path, **properties: object) -> Watched:
        target = tmp_path / "report.html"
        target.write_text(render(read(str(path), 10), 10), encoding="utf-8")
        contexts.append(browser.new_context(**properties))  # type: ignore[arg-type]
        return Watched(contexts[-1].new_page(), target)

    yield watched
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of a small campaign that was really run."""
    path = tmp_path_factory.mktemp("campaign") / "campaign.db"
    plan = Plan(seed=1, examples=4, max_macs=300)
    with Store(path, create=True) as made:
        begin(made, plan)
        run(made, plan, in_process)
    return path


def points(page: Page, figure: str) -> list[int]:
    """Return how many marks are drawn for each series of a figure."""
    found: list[int] = page.evaluate(
        "name => [...document.querySelectorAll(`#figure-${name} .scatterlayer .trace`)]"
        ".map(each => each.querySelectorAll('.point').length)",
        figure,
    )
    return found


def test_the_page_asks_for_nothing_and_draws_every_case(visit: Callable[..., Watched], tmp_path: Path) -> None:
    """Four cases were simulated, so that there are four points per model; the line of exactness has no marks."""
    watched = visit(store(tmp_path / "campaign.db", CASES))
    page = watched.open()
    assert watched.requests == [watched.url]
    assert watched.messages == []
    assert page.locator(".js-plotly-plot").count() == 4
    assert points(page, "scatter") == [0, 4, 4]
    assert page.locator("#figure-families .boxes .box").count() == 4
    assert page.locator("#figure-assumptions .boxes .box").count() == 2
    assert points(page, "assumptions") == [4]
    assert page.locator(".verdict").inner_text() == (
        "Does not hold. 1 case contradicts a claim and in 1 case a model raised: 5 cases done."
    )


def test_pointing_at_a_case_shows_its_details(visit: Callable[..., Watched], tmp_path: Path) -> None:
    page = visit(store(tmp_path / "campaign.db", CASES), viewport={"width": 1280, "height": 900}).open()
    page.locator("#figure-scatter .scatterlayer .trace:nth-child(2) .point").nth(3).scroll_into_view_if_needed()
    page.locator("#figure-scatter .scatterlayer .trace:nth-child(2) .point").nth(3).hover(force=True)
    page.wait_for_selector("#figure-scatter .hovertext")
    lines = page.locator("#figure-scatter .hovertext .nums tspan.line").all_text_contents()
    assert lines == [
        "case 3, plain-1",
        "GEMM, 24 MACs, 4 PEs",
        "simulated 50 cycles",
        "published 200 cycles",
        "error +300.0 %",
    ]


def test_names_and_texts_from_the_store_are_only_text(visit: Callable[..., Watched], tmp_path: Path) -> None:
    """Markup in every column that holds text, in the facts, and in names that Plotly draws."""
    machine = json.dumps({"name": ATTACK, "pes": 4})
    poisoned = case(
        0, 100, 150, family=ATTACK, failed={ATTACK: ATTACK}, layer_type=ATTACK, dataflow=ATTACK, error=ATTACK,
        machine=machine, assumptions=json.dumps({ATTACK: 90}),
    )  # fmt: skip
    path = store(tmp_path / "<img src=x onerror=hit=1>.db", [poisoned, case(1, 100, 100)])
    with Store(path) as opened:
        version = json.dumps({"metronome": ATTACK, "sources": ATTACK})
        opened.set_facts({"version": version, "claims": json.dumps(["refined runtime", ATTACK])})
    watched = visit(path, viewport={"width": 1280, "height": 900})
    page = watched.open()
    page.locator("#figure-scatter .scatterlayer .trace:nth-child(2) .point").first.hover(force=True)
    page.wait_for_selector("#figure-scatter .hovertext")
    assert page.evaluate("typeof hit") == "undefined"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3
    assert page.locator("a[href^=http], a[*|href^=http]").count() == 0
    assert (watched.requests, watched.messages) == ([watched.url], [])
    assert ATTACK in page.locator("#case_0 dd").first.text_content()
    assert page.locator("#case_0-m").text_content() == ATTACK
    assert ATTACK in page.locator("#claims tbody th").nth(1).text_content()
    hover = page.locator("#figure-scatter .hovertext .nums").text_content()
    assert "<img src=x onerror=hit=1>" in hover
    assert "<script>hit=1</script>" in page.locator("#figure-assumptions .yaxislayer-above").text_content()


def test_a_script_that_were_in_the_page_would_not_run(visit: Callable[..., Watched], tmp_path: Path) -> None:
    """The second line of defence: the policy lets no other script run, and nothing be loaded."""
    watched = visit(store(tmp_path / "campaign.db", CASES))
    page = watched.open()
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "hit = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<p onclick='hit=1' id='trap'>x</p>");
            document.getElementById("trap").click();
        }"""
    )
    assert page.evaluate("typeof hit") == "undefined"
    with page.expect_event("requestfailed") as failed:
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=https://a.example/>')")
    assert failed.value.failure == "csp"
    assert len(watched.messages) == 3
    assert all("Content Security Policy" in message for message in watched.messages)


def test_a_worst_case_is_copied_pasted_and_run_again(
    visit: Callable[..., Watched], campaign: Path, tmp_path: Path
) -> None:
    """What the buttons copy makes the command print the cycles that the page shows."""
    page = visit(campaign, permissions=["clipboard-read", "clipboard-write"]).open()
    article = page.locator("#worst article").first
    name = article.get_attribute("id")
    copied = []
    for label in (f"Copy {name}.m", f"Copy {name}.yaml", f"Copy the command of case {name.removeprefix('case_')}"):
        article.get_by_role("button", name=label).click()
        expect(page.locator("#status")).to_have_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
        page.evaluate("document.getElementById('status').textContent = ''")
    record = read(str(campaign), 10).worst[0].record
    assert copied[0] == record.dataflow
    (tmp_path / f"{name}.m").write_text(copied[0], encoding="utf-8")
    (tmp_path / f"{name}.yaml").write_text(copied[1], encoding="utf-8")
    program, *arguments = copied[2].split()
    ran = subprocess.run(
        [Path(sys.executable).parent / program, *arguments, "--json", "-"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    (layer,) = json.loads(ran.stdout)["layers"]
    shown = dict(zip(article.locator("dt").all_text_contents(), article.locator("dd").all_text_contents(), strict=True))
    assert shown["Simulated cycles"] == f"{layer['simulator']['cycles']:,}"
    for model, found in layer["analytical"].items():
        assert shown[f"{model.capitalize()} cycles"].split()[0] == f"{found['cycles']:,}"


def test_files_can_be_saved(visit: Callable[..., Watched], campaign: Path) -> None:
    page = visit(campaign).open()
    for case_ in read(str(campaign), 10).worst[:1]:
        for ending, text in (("m", case_.record.dataflow), ("yaml", case_.machine)):
            with page.expect_download() as download:
                page.locator(f"a[download='{case_.name}.{ending}']").click()
            assert download.value.suggested_filename == f"{case_.name}.{ending}"
            assert Path(download.value.path()).read_text(encoding="utf-8") == text


def test_the_keyboard_is_enough(visit: Callable[..., Watched], tmp_path: Path) -> None:
    """The claims name the failing case; from its link the next stops are its command, its button and its files."""
    properties = {"permissions": ["clipboard-read", "clipboard-write"]}
    page = visit(store(tmp_path / "campaign.db", CASES), **properties).open()
    page.get_by_role("link", name="case 1", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#case_1$"))
    assert page.locator("#case_1 details").get_attribute("open") is not None
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "case_1-command"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "metronome run case_1.m --hardware case_1.yaml"


def test_light_and_dark_wide_and_narrow(visit: Callable[..., Watched], tmp_path: Path) -> None:
    """The figures take the colours of the page, also when they change, and nothing is wider than the window."""
    page = visit(store(tmp_path / "campaign.db", CASES), color_scheme="light").open()
    for scheme, paper in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 25, 31)")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.locator("body")).to_have_css("background-color", paper)
        expect(page.locator("#figure-scatter .main-svg").first).to_have_css("background-color", paper)
        for width in (1280, 800):
            page.set_viewport_size({"width": width, "height": 900})
            expect(page.locator("#figure-scatter .main-svg").first).to_have_attribute("width", WIDTHS[width])
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_scripts_the_numbers_and_the_files_are_there(visit: Callable[..., Watched], tmp_path: Path) -> None:
    page = visit(store(tmp_path / "campaign.db", CASES), java_script_enabled=False).open()
    assert page.locator("noscript p").is_visible()
    assert page.locator("#errors tbody tr").count() == 6
    assert page.locator("#case_1-command").is_visible()
    assert page.get_by_role("button").count() == 0
    assert page.locator("#case_1 details").get_attribute("open") is None
    page.locator("#case_1 summary").click()
    assert page.locator("#case_1-m").is_visible()


def test_a_campaign_in_which_nothing_is_done_yet(visit: Callable[..., Watched], tmp_path: Path) -> None:
    watched = visit(store(tmp_path / "campaign.db", [], examples=50))
    page = watched.open()
    assert (watched.requests, watched.messages) == ([watched.url], [])
    assert page.locator(".plot").count() == 0
    assert page.locator(".verdict").inner_text() == "Nothing is done yet. The campaign is to have 50 cases."
