"""The report in a browser, from its file and without a network: it draws, plays and stays safe."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from fake_run import TIMESTEP, interface, write_fake_run, write_trajectory
from ff_toys import TINY

from aofl.forcefield.model import ForceField
from aofl.records import Label
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
PATIENCE = 3  # machines that draw in software, beside other tests
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
    """Open a file with the network off; nothing scrolls slowly, so that a click finds its aim."""
    contexts = []

    def opened(path: Path, width: int = 1100, **options: object) -> Seen:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            offline=True,
            reduced_motion="reduce",
            **options,
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


def test_the_viewer_colours_by_what_the_model_expects(look, report, run, tmp_path):
    assert look(report).page.locator("#film-colour [value=deviation]").count() == 0
    knowing = Path(shutil.copytree(run, tmp_path / "knowing"))
    model = ForceField(["H", "O", "Na"], settings=TINY)
    atoms = interface()
    forces = np.random.default_rng(5).normal(0, 0.5, (len(atoms), 3))
    model.learn(atoms, Label(energy=-9.0, forces=forces))
    model.save(knowing / "model.h5")
    seen = look(write_report(knowing))
    before = seen.page.locator("#film-scene").screenshot()
    seen.page.locator("#film-colour").select_option("deviation")
    assert seen.page.locator("#film-scene").screenshot() != before
    legend = seen.page.locator("#film-legend").inner_text()
    assert re.fullmatch(r"0 meV/Å\s+\d+ meV/Å\s+\d+ meV/Å or more", legend)
    assert is_quiet(seen)


def test_a_click_on_an_event_shows_its_frame(look, report):
    page = look(report).page
    assert page.locator("#film-scene").get_attribute("data-time") == "0"
    event = page.locator("#chemistry td[data-time]").first
    assert float(event.get_attribute("data-time")) == 540 * TIMESTEP
    event.locator("button").click()
    until_shown(page, "time", f"{540 * TIMESTEP:g}")
    assert "step 540" in page.locator("#film-now").inner_text()


def test_an_event_is_reached_with_the_keyboard(look, report):
    page = look(report).page
    page.locator("#chemistry td[data-time] button").first.press("Enter")
    until_shown(page, "frame", "54")
    page.keyboard.press("Tab")  # the viewer has the focus: its buttons come next
    page.keyboard.press("Enter")
    until_shown(page, "frame", "53")


def test_the_film_plays_and_stops(look, report):
    page = look(report).page
    page.locator("#film-speed").select_option("60")
    page.locator("#film-play").click()
    until(page, "Number(document.querySelector('#film-scene').dataset.frame) > 2")
    page.locator("#film-play").click()
    until(page, "document.querySelector('#film-play').textContent === 'Play'")
    stopped = page.locator("#film-scene").get_attribute("data-frame")
    page.wait_for_timeout(200)
    assert page.locator("#film-scene").get_attribute("data-frame") == stopped


def test_the_positions_that_are_shown_are_those_of_the_run(look, report, run):
    """The bond of the first water is broken and its hydrogen on the metal, as the legend says."""
    page = look(report).page
    page.locator("#film-colour").select_option("species")
    assert "OH-" not in page.locator("#film-legend").inner_text()
    page.locator("#chemistry td[data-time] button").first.click()
    until_shown(page, "frame", "54")
    legend = page.locator("#film-legend").inner_text()
    assert {"OH-", "H-", "H2O"} <= set(re.findall(r"\S+", legend))


def until_shown(page, name: str, value: str) -> None:
    """Wait until the viewer shows a frame or a time: a click or a key may arrive late."""
    playwright.expect(page.locator("#film-scene")).to_have_attribute(f"data-{name}", value)


def until(page, expression: str) -> None:
    """Wait until an expression is true; the page itself may evaluate none."""
    ends = time.perf_counter() + 30
    while not page.evaluate(expression):
        assert time.perf_counter() < ends, expression
        page.wait_for_timeout(50)


def draw_all(page) -> None:
    page.evaluate("window.aoflDrawAll()")
    until(
        page,
        "[...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.main-svg'))",
    )


def test_each_plot_is_drawn(look, report):
    seen = look(report)
    draw_all(seen.page)
    names = [plot.get_attribute("id") for plot in seen.page.locator(".plot").all()]
    assert names == [
        "plot-energy", "plot-error", "plot-timeline", "plot-parity", "plot-cost", "plot-network",
        "plot-growth", "plot-layers",
    ]  # fmt: skip
    for name in names:
        marks = seen.page.locator(f"#{name} .trace path, #{name} .point path")
        assert marks.count() > 0, name
    assert is_quiet(seen)


def test_nothing_moves_when_plots_are_drawn(look, report):
    """Otherwise a click misses, and a link to a section ends beside it."""
    page = look(report).page
    tops = "[...document.querySelectorAll('section, tr')].map(e => e.getBoundingClientRect().top)"
    before = page.evaluate(tops)
    draw_all(page)
    assert page.evaluate(tops) == before


def test_a_button_of_a_plot_out_of_sight_draws_it_first(look, report):
    page = look(report).page
    place = "document.querySelector('#plot-layers')"
    assert not page.evaluate(f"{place}.querySelector('.main-svg')")
    page.evaluate("document.querySelector('#plot-layers + .controls button').click()")
    assert page.evaluate(f"{place}.querySelector('.main-svg') !== null")


def test_a_click_on_a_plot_moves_the_viewer(look, report):
    page = look(report).page
    draw_all(page)
    page.locator("#plot-network").scroll_into_view_if_needed()
    square = page.locator("#plot-network .points").last.locator("path").first
    box = square.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#plot-network .hoverlayer .hovertext").wait_for()
    assert "1 forward, 0 back" in page.locator("#plot-network .hoverlayer").text_content()
    page.mouse.down()
    page.mouse.up()
    until_shown(page, "time", "270")


def test_plots_pan_zoom_and_come_back_by_keys_and_buttons(look, report):
    page = look(report).page
    draw_all(page)
    span = "document.querySelector('#plot-energy')._fullLayout.xaxis.range.map(Number)"
    whole = page.evaluate(span)
    plot = page.locator("#plot-energy")
    plot.press("+")
    until(page, f"{span}[1] < {whole[1]}")
    zoomed = page.evaluate(span)
    assert zoomed[1] - zoomed[0] == pytest.approx(0.6 * (whole[1] - whole[0]))
    both = page.evaluate(span.replace("xaxis", "xaxis2"))
    assert both == pytest.approx(zoomed), "the panels share their axis"
    plot.press("ArrowRight")
    until(page, f"{span}[0] > {zoomed[0]}")
    page.locator("#dynamics button", has_text="Reset").click()
    until(page, f"Math.abs({span}[1] - {whole[1]}) < 1e-6")


def test_a_plot_is_saved_as_svg_png_and_csv(look, report):
    page = look(report).page
    draw_all(page)
    saved = {}
    for kind in ("SVG", "PNG", "CSV"):
        with page.expect_download() as waiting:
            page.locator("#error button", has_text=kind).click()
        saved[kind] = Path(waiting.value.path()).read_bytes()
        assert waiting.value.suggested_filename == f"aofl-error.{kind.lower()}"
    assert saved["SVG"].startswith(b"<svg")
    assert b"threshold" in saved["SVG"]
    assert saved["PNG"].startswith(b"\x89PNG")
    rows = list(csv.DictReader(saved["CSV"].decode().splitlines()))
    assert {row["curve"] for row in rows} >= {"estimate", "threshold", "true error at an audit"}


def test_the_data_of_a_plot_are_a_table(look, report):
    page = look(report).page
    draw_all(page)
    page.locator("#cost summary").press("Enter")
    text = page.locator("#cost table").inner_text()
    assert "reference" in text
    assert "AIMD (est.)" in text


def test_a_dark_page_is_printed_in_black_on_white(look, report):
    page = look(report, color_scheme="dark").page
    draw_all(page)
    colour = "getComputedStyle(document.querySelector('#plot-energy .legendtext')).fill"
    assert page.evaluate(colour) == "rgb(227, 231, 237)"
    page.emulate_media(media="print")
    until(page, f"{colour} === 'rgb(0, 0, 0)'")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#film").is_visible()
    assert not page.locator(".controls").first.is_visible()


def test_every_control_is_reached_with_the_keyboard(look, report):
    page = look(report).page
    draw_all(page)
    unreachable = page.evaluate(
        "[...document.querySelectorAll('button, select, input, summary, .plot, #film-scene')]"
        ".filter(e => e.tabIndex < 0).length"
    )
    assert unreachable == 0
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, select, input, .plot, #film-scene')].filter(e => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).length"
    )
    assert nameless == 0


def test_a_long_run_opens_quickly_and_stays_small(look, tmp_path):
    """10^5 steps with 10^4 reactions and as many decisions."""
    run = write_fake_run(tmp_path / "long", steps=2000)
    lengthen(run, steps=100_000, n_events=10_000)
    page_file = write_report(run)
    assert page_file.stat().st_size < 30e6
    began = time.perf_counter()
    seen = look(page_file)
    seen.page.locator("#plot-energy .main-svg").first.wait_for()
    assert is_quiet(seen)
    assert time.perf_counter() - began < 5.0 * PATIENCE
    assert "is drawn" in seen.page.locator("footer").inner_text()


def lengthen(run: Path, steps: int, n_events: int) -> None:
    """Repeat the records of a run until it is long."""
    header, *rows = (run / "thermo.csv").read_text().splitlines()
    made = []
    for step in range(steps):
        fields = rows[step % len(rows)].split(",")
        made.append(",".join([str(step), str(step * TIMESTEP), *fields[2:]]))
    (run / "thermo.csv").write_text("\n".join([header, *made]) + "\n")
    every = steps // n_events
    for name, kinds in (("ledger.jsonl", ("label", "skip")), ("events.jsonl", ("reaction",))):
        lines = [json.loads(line) for line in (run / name).read_text().splitlines()]
        seeds = [line for line in lines if {line.get("action"), line.get("event")} & set(kinds)]
        for k in range(n_events):
            at = {
                "step": every * k,
                "time_fs": every * k * TIMESTEP,
                "began_fs": every * k * TIMESTEP,
            }
            if name == "ledger.jsonl":
                del at["began_fs"]
            lines.append({**seeds[k % len(seeds)], **at})
        (run / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


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
    draw_all(page)
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
    draw_all(seen.page)
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
