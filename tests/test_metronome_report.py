"""`metronome report`: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest
from report_stores import case, store
from typer.testing import CliRunner, Result

from analytical import NAMES
from dataflow.hardware_files import parse_machine
from metronome import report_content
from metronome.main import app
from metronome.report_content import MOST_POINTS, MOST_STEPS, Errors, read
from metronome.report_figures import figures, percent
from metronome.report_page import page, verdict
from validation.store import Store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


FOUR = [case(0, 100, 100), case(1, 100, 150), case(2, 100, 80, family="window-2"), case(3, 100, 200)]


def report(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", "campaign.db", *arguments])


def rows(printed: str) -> list[list[str]]:
    """Return the cells of all tables."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if "│" in line]


def test_errors_are_of_the_simulated_cycles_and_percentiles_between_cases_are_interpolated(folder: Path) -> None:
    """Errors are 0, 50, −20 and 100 %; sorted, the 5 % lie at 0.15 between −20 and 0: −17; 25 % at 0.75: −5."""
    everything, plain, window = read(str(store(folder / "campaign.db", FOUR)), 10).errors["published"]
    assert everything == Errors("all", 4, 1, -20, pytest.approx(-17), -5, 25, 62.5, pytest.approx(92.5), 100, 42.5)
    assert plain == Errors("plain-1", 3, 1, 0, pytest.approx(5), 25, 50, 75, pytest.approx(95), 100, 50)
    assert window == Errors("window-2", 1, 0, -20, -20, -20, -20, -20, -20, -20, 20)


def test_the_refined_model_may_be_exact_in_all_cases(folder: Path) -> None:
    content = read(str(store(folder / "campaign.db", FOUR)), 10)
    assert content.errors["refined"][0] == Errors("all", 4, 4, *[0.0] * 8)
    assert content.curves["refined"] == ((0.0, 100.0),)
    assert content.curves["published"] == ((-20.0, 25.0), (0.0, 50.0), (50.0, 75.0), (100.0, 100.0))


def test_assumptions_have_errors_of_their_own_in_the_order_of_the_model(folder: Path) -> None:
    """The rows have lockstep as the published cycles, restart_reuse exact; a stranger comes last."""
    strange = replace(FOUR[0], assumptions=json.dumps({"abacus": 90, "lockstep": 100, "restart_reuse": 100}))
    content = read(str(store(folder / "campaign.db", [strange, *FOUR[1:]])), 10)
    assert [(each.group, each.cases, each.median) for each in content.assumptions] == [
        ("restart_reuse", 4, 0.0),
        ("lockstep", 4, 25.0),
        ("abacus", 1, -10.0),
    ]
    assert NAMES.index("restart_reuse") < NAMES.index("lockstep")


def test_the_worst_cases_are_those_that_raised_then_contradict_then_are_off(folder: Path) -> None:
    """Case 1 is off by 50 % and contradicts: it is listed once, with both reasons. 2 is far off, 4 farther."""
    cases = [
        FOUR[0],
        case(1, 100, 150, failed={"legality": "point missed"}),
        FOUR[2],
        case(3, 100, 100, refined=101),
        case(4, 100, 170),
        case(5, None, 7, error="simulated: ValueError: no"),
        case(6, 100, 110),
    ]
    content = read(str(store(folder / "campaign.db", cases)), 2)
    assert [(each.record.number, each.reasons) for each in content.worst] == [
        (5, ("a model raised",)),
        (1, ("contradicts a claim", "published model off")),
        (3, ("refined model off",)),
        (4, ("published model off",)),
    ]
    assert content.worst[1].contradicted == (("legality", "point missed"),)
    assert dict(content.worst[2].errors) == {"published": 0.0, "refined": 1.0}
    assert content.measured == 6
    assert verdict(content).text == "1 case contradicts a claim and in 1 case a model raised: 7 cases done."


def test_what_is_printed(folder: Path) -> None:
    store(folder / "campaign.db", [*FOUR[:3], case(3, 100, 200, failed={"legality": "missed"})], examples=1005)
    result = report()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "campaign.db (seed 7): Does not hold. 1 case contradicts a claim: 4 cases done, 1,001 still to do."
    )
    assert lines[-4:] == [
        "Worst cases (--html has them as files to run):",
        "  case 3, plain-1: published +100.0 %, refined 0.0 %; claim legality: missed",
        "  case 1, plain-1: published +50.0 %, refined 0.0 %",
        "  case 2, window-2: published -20.0 %, refined 0.0 %",
    ]
    cells = rows(result.stdout)
    assert ["legality", "1", "0", "1", "case 3"] in cells
    assert ["no exception", "4", "4", "0", ""] in cells
    assert ["all", "4", "1", "-20.0", "-17.0", "+25.0", "+92.5", "+100.0", "42.5"] in cells
    assert ["plain-1", "3", "1", "0.0", "+5.0", "+50.0", "+95.0", "+100.0", "50.0"] in cells
    assert ["lockstep", "4", "1", "-20.0", "-17.0", "+25.0", "+92.5", "+100.0", "42.5"] in cells


def test_an_exact_model_is_printed_as_one_row(folder: Path) -> None:
    store(folder / "campaign.db", FOUR)
    result = report()
    assert result.exit_code == 0
    assert [row[0] for row in rows(result.stdout)].count("all") == 2
    assert [row[0] for row in rows(result.stdout)].count("window-2") == 1


def test_names_are_printed_literally(folder: Path) -> None:
    store(folder / "campaign.db", [case(0, 100, 150, family="[red]a[/red]\x1b[1m")])
    assert "  case 0, [red]a[/red]\N{REPLACEMENT CHARACTER}[1m: published +50.0 %" in report().stdout


def test_json(folder: Path) -> None:
    store(folder / "campaign.db", FOUR)
    result = report("--json", "-", "--worst", "1")
    content = json.loads(result.stdout)
    assert (content["cases"], content["holds"], content["contradicting"]) == (4, True, 0)
    assert content["errors"]["published"][0]["mean_absolute"] == 42.5
    assert [each["group"] for each in content["assumptions"]] == ["restart_reuse", "lockstep"]
    (worst,) = content["worst"]
    assert (worst["number"], worst["cycles"]) == (3, {"simulated": 100, "published": 200, "refined": 100})
    assert worst["command"] == "metronome run case_3.m --hardware case_3.yaml"
    assert worst["machine"]["pes"] == 4


def test_a_campaign_in_which_nothing_is_done_yet(folder: Path) -> None:
    store(folder / "campaign.db", [], examples=50)
    result = report("--html", "report.html")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "campaign.db (seed 7): Nothing is done yet. The campaign is to have 50 cases."
    )
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.count("No case is measured yet.") == 3
    assert "No case is done yet." in text
    assert len(text) < 50_000


def test_a_case_that_could_not_be_generated_has_no_files(folder: Path) -> None:
    empty = dict.fromkeys(("layer_type", "family", "levels", "macs", "pes", "dataflow", "machine", "claims"))
    broken = case(0, None, None, error="generation: ValueError: no", assumptions=None, **empty)
    content = read(str(store(folder / "campaign.db", [broken])), 10)
    assert content.measured == 0
    text = page(content, 10)
    assert "generation: ValueError: no" in text
    assert "metronome run" not in text
    assert report().stdout.splitlines()[-1] == "  case 0, not generated: generation: ValueError: no"


def test_tiles_that_exceed_a_scratchpad_are_allowed_in_the_command(folder: Path) -> None:
    (worst,) = read(str(store(folder / "campaign.db", [case(0, 1, 2, machine='{"l1": {"bytes": 8}}')])), 1).worst
    assert worst.command == "metronome run case_0.m --hardware case_0.yaml --allow-overflow"


def test_the_machine_is_a_hardware_file(folder: Path) -> None:
    (worst,) = read(str(store(folder / "campaign.db", [case(0, 1, 2)])), 1).worst
    assert worst.machine is not None
    assert worst.record.machine is not None
    assert parse_machine(worst.machine) == parse_machine(worst.record.machine)


def test_figures_are_what_plotly_knows(folder: Path) -> None:
    """Plotly's own classes refuse unknown keys and values."""
    found = figures(read(str(store(folder / "campaign.db", FOUR)), 10))
    assert list(found) == ["distribution", "families", "assumptions", "scatter"]
    for figure in found.values():
        go.Figure(figure)


def test_small_percentages_are_told_from_zero() -> None:
    assert [percent(each) for each in (0.0, 0.004, -0.04, 12.34, None)] == ["0.0", "+0.004", "-0.04", "+12.3", ""]


def test_the_same_store_gives_the_same_page(folder: Path) -> None:
    path = str(store(folder / "campaign.db", FOUR))
    assert page(read(path, 10), 10) == page(read(path, 10), 10)


def test_a_running_campaign_is_read_as_of_one_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that is added while the report is made is in none of its numbers."""
    path = store(folder / "campaign.db", FOUR, examples=10)
    summarize = report_content.summarize

    def late(opened: Store) -> object:
        found = summarize(opened)
        with Store(path) as another:
            another.add([case(4, 100, 900)])
        return found

    monkeypatch.setattr(report_content, "summarize", late)
    content = read(str(path), 10)
    assert (content.summary.cases, content.errors["published"][0].cases, content.measured) == (4, 4, 4)
    with Store(path) as after:
        assert len(after.numbers()) == 5


def test_a_hundred_thousand_cases_make_a_page_under_ten_megabytes(folder: Path) -> None:
    """Of 100,000 cases every 33rd or 34th is plotted, and those that are worst: the last three."""
    path = store(folder / "campaign.db", [], examples=100_000)
    columns = ("number", "layer_type", "family", "levels", "macs", "pes")
    columns += ("simulated_cycles", "refined_cycles", "published_cycles", "assumptions", "claims")
    with sqlite3.connect(path) as connection:
        connection.execute(
            f"""WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99999)
            INSERT INTO cases ({", ".join(columns)})
            SELECT n, 'CONV', 'window-' || (n % 4), 1 + n % 4, 2000 + n, 64, 1000, 1000, 1000 + n,
                '{{"lockstep": 1000}}', '{{"legality": {{"holds": true}}}}' FROM numbers"""
        )
    connection.close()
    content = read(str(path), 3)
    numbers = [point.number for point in content.points]
    assert (len(numbers), content.measured) == (MOST_POINTS + 3, 100_000)
    assert numbers[:4] == [0, 33, 66, 100]
    assert numbers[-3:] == [99997, 99998, 99999]
    assert len(content.curves["published"]) == MOST_STEPS
    text = page(content, 3)
    assert "3,003 of 100,000 measured cases are shown: 3,000 spread evenly over the case numbers" in text
    assert 4_000_000 < len(text.encode()) < 10_000_000


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("pes", "many", "campaign.db: case 1 has pes that are no whole number; make the store anew"),
        ("claims", "{", "campaign.db: case 1 has claims that are not JSON; make the store anew"),
    ],
)
def test_values_of_a_wrong_kind_are_refused(folder: Path, column: str, value: str, message: str) -> None:
    path = store(folder / "campaign.db", FOUR)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE cases SET {column} = ? WHERE number = 1", (value,))
    connection.close()
    result = report()
    assert (result.exit_code, result.stderr) == (2, f"metronome: {message}\n")


def test_what_is_no_campaign_is_refused(folder: Path) -> None:
    assert report().stderr == "metronome: campaign.db: there is no such campaign store\n"
    with Store(folder / "campaign.db", create=True):
        pass
    result = report()
    assert (result.exit_code, result.stderr) == (2, "metronome: campaign.db: holds no campaign yet\n")


def test_options_that_make_no_sense_are_refused(folder: Path) -> None:
    store(folder / "campaign.db", FOUR)
    apart = "the campaign, --html and --json need a place each; name different ones"
    for arguments, message in (
        (["--worst", "-1"], "--worst: -1 cases; 0 to 1000 can be listed"),
        (["--html", "x", "--json", "x"], f"x: {apart}"),
        (["--html", "campaign.db"], f"campaign.db: {apart}"),
        (["--html", "no/x"], "no/x: cannot be written: no such file or directory"),
    ):
        result = report(*arguments)
        assert (result.exit_code, result.stderr) == (2, f"metronome: {message}\n")


def test_quiet(folder: Path) -> None:
    store(folder / "campaign.db", FOUR)
    assert report("--quiet").stdout == ""
