"""The report in a browser, from its file and without a network: it draws, plays and stays safe."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake_run import TIMESTEP, write_fake_run, write_trajectory

from aofl.workflows.report import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed (`make setup-browser`)"
)

STEPS = 1400
SOFTWARE_GL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
HOSTILE = '<script>hacked=1</script><img src=x onerror="hacked=1">\'"</td>&amp;'


@dataclass
class Seen:
    """A page that was opened, and what it said and asked for while it was."""

    page: object
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def driver() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(driver) -> Iterator[object]:
    browser = launch(driver, *SOFTWARE_GL)
    yield browser
    browser.close()


def launch(driver, *options: str):
    sandbox = () if os.getuid() else ("--no-sandbox",)
    return driver.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *options])


@pytest.fixture
def look(chromium) -> Iterator[Callable[..., Seen]]:
    """Open a file with the network off."""
    contexts = []

    def opened(path: Path, width: int = 1100, **options: object) -> Seen:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, offline=True, **options
        )
        contexts.append(context)
        return open_page(context, path)

    yield opened
    for context in contexts:
        context.close()


def open_page(context, path: Path) -> Seen:
    page = context.new_page()
    seen = Seen(page)
    page.on("console", lambda message: seen.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(path.as_uri())
    return seen


def is_quiet(seen: Seen) -> bool:
    """Tell whether the page neither complained nor asked for anything but itself."""
    loud = [line for line in seen.said if line.startswith(("error", "warning"))]
    loud = [line for line in loud if "GPU stall" not in line and "ReadPixels" not in line]
    others = [url for url in seen.asked[1:] if not url.startswith(("data:", "blob:"))]
    assert not loud, loud
    assert not others, others
    return True


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_fake_run(tmp_path_factory.mktemp("browser") / "run", steps=STEPS)
    write_trajectory(path, STEPS)
    return path


@pytest.fixture(scope="module")
def report(run: Path) -> Path:
    return write_report(run)


def test_a_page_opens_without_a_word_and_without_the_network(look, report):
    seen = look(report)
    assert is_quiet(seen)
    assert seen.page.locator("dt").first.inner_text() == "What formed?"


def test_the_viewer_draws_atoms(look, report):
    page = look(report).page
    assert page.locator("#film-scene canvas").count() == 1
    before = page.locator("#film-scene").screenshot()
    assert len(set(before)) > 1
    page.locator("#film-colour").select_option("species")
    assert page.locator("#film-scene").screenshot() != before
    assert "H2O" in page.locator("#film-legend").inner_text()
    page.locator("#film-scene").press("ArrowLeft")
    page.locator("#film-scene").press("+")
    assert page.locator("#film-scene").screenshot() != before


def test_a_click_on_an_event_shows_its_frame(look, report):
    page = look(report).page
    scene = page.locator("#film-scene")
    assert scene.get_attribute("data-time") == "0"
    event = page.locator("#chemistry td[data-time]").first
    time = float(event.get_attribute("data-time"))
    event.locator("button").click()
    assert float(scene.get_attribute("data-time")) == time == 540 * TIMESTEP
    assert "step 540" in page.locator("#film-now").inner_text()


def test_an_event_is_reached_with_the_keyboard(look, report):
    page = look(report).page
    page.locator("#chemistry td[data-time] button").first.press("Enter")
    assert page.locator("#film-scene").get_attribute("data-frame") == "54"
    page.keyboard.press("Tab")  # the viewer has the focus: its buttons come next
    page.keyboard.press("Enter")
    assert page.locator("#film-scene").get_attribute("data-frame") == "53"


def test_the_film_plays_and_stops(look, report):
    page = look(report).page
    page.locator("#film-speed").select_option("60")
    page.locator("#film-play").click()
    page.wait_for_function("Number(document.querySelector('#film-scene').dataset.frame) > 2")
    page.locator("#film-play").click()
    stopped = page.locator("#film-scene").get_attribute("data-frame")
    page.wait_for_timeout(200)
    assert page.locator("#film-scene").get_attribute("data-frame") == stopped


def test_the_positions_that_are_shown_are_those_of_the_run(look, report, run):
    """The bond of the first water is broken and its hydrogen on the metal, as the legend says."""
    page = look(report).page
    page.locator("#film-colour").select_option("species")
    assert "OH-" not in page.locator("#film-legend").inner_text()
    page.locator("#chemistry td[data-time] button").first.click()
    legend = page.locator("#film-legend").inner_text()
    assert {"OH-", "H-", "H2O"} <= set(re.findall(r"\S+", legend))


def test_without_webgl_a_sentence_says_so(driver, report):
    browser = launch(driver, "--disable-3d-apis")
    seen = open_page(browser.new_context(offline=True), report)
    assert seen.page.locator("#film-none").is_visible()
    assert not seen.page.locator("#film-player").is_visible()
    assert seen.page.locator("#chemistry td[data-time] button").count() == 0
    browser.close()


def test_without_javascript_the_answers_and_tables_are_there(look, report):
    page = look(report, java_script_enabled=False).page
    assert "What formed?" in page.locator("dl.answers").inner_text()
    assert "270.0" in page.locator("#chemistry table").last.inner_text()


@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_makes_the_page_scroll_sideways(look, report, width, scheme):
    page = look(report, width, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator(".controls button").all():
        box = button.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width


@pytest.mark.parametrize("steps", [1, 60])
def test_a_young_run_opens_without_a_word(look, tmp_path, steps):
    run = write_fake_run(tmp_path / "young", steps=steps)
    (run / "summary.json").unlink()
    assert is_quiet(look(write_report(run)))


def test_an_empty_run_opens_without_a_word(look, tmp_path):
    (tmp_path / "config.yaml").write_text("mode: aofl\n")
    assert is_quiet(look(write_report(tmp_path)))


def test_hostile_names_are_only_text(look, run, tmp_path):
    evil = Path(shutil.copytree(run, tmp_path / HOSTILE.replace("/", "|")))
    for name in ("run.json", "summary.json"):
        values = json.loads((evil / name).read_text())
        hostile = {key: HOSTILE for key, value in values.items() if isinstance(value, str)}
        level = {
            "level_of_theory": {HOSTILE: HOSTILE, "name": HOSTILE},
            "versions": {HOSTILE: HOSTILE},
        }
        (evil / name).write_text(json.dumps({**values, **hostile, **level}))
    (evil / "config.yaml").write_text(HOSTILE)
    for name in ("events.jsonl", "ledger.jsonl"):
        lines = [json.loads(line) for line in (evil / name).read_text().splitlines()]
        (evil / name).write_text("".join(json.dumps(spoiled(line)) + "\n" for line in lines))
    seen = look(write_report(evil))
    assert is_quiet(seen)
    assert seen.page.evaluate("typeof hacked") == "undefined"
    assert HOSTILE in seen.page.locator("#chemistry").inner_text()


def spoiled(value: object, key: str = "") -> object:
    """Put the hostile name into every text that no code compares."""
    if isinstance(value, dict):
        return {k: spoiled(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [spoiled(one, key) for one in value]
    if isinstance(value, str) and key not in ("event", "action", "change", "elements"):
        return HOSTILE if key != "rule" or value == "similarity" else value
    return value
