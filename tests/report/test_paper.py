"""Figures for papers have the width of a column, letters that can be read, and their data."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fake_run import write_fake_run
from test_plot import event

from aofl.errors import StoreError
from aofl.report.figures.network import network
from aofl.report.figures.paper import LAYOUTS, WIDTHS_MM, data_of, paper_figures
from aofl.report.figures.plot import Panel, Plot, Trace
from aofl.report.figures.static import svg
from aofl.workflows.report import write_report

PLOT = Plot(
    name="x",
    panels=(Panel(title="Force error, meV/Å"), Panel(title="When", rows=("a", "b"))),
    traces=(
        Trace(name="$a$, <b>", x=[1.0, np.nan, 1 / 3], y=[3.0, np.nan, np.inf], colour="ink"),
        Trace(name="t", x=[2.0, 3.0], y=[1, 0], colour="#fff", panel=1, style="ticks",
              texts=('said "so"', "")),
        Trace(name="bar", x=[5.0], y=[0], base=[2.0], colour="#fff", panel=1, style="bars across"),
    ),
    x_title="time, ps",
)  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS_MM)
def test_svg_and_pdf_are_as_wide_as_the_column(width: str) -> None:
    files = dict(paper_figures(PLOT))
    root = ElementTree.fromstring(files[f"x.{width}.svg"])  # noqa: S314 - our own drawing
    points = WIDTHS_MM[width] / 25.4 * 72
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(points, abs=0.01)
    pdf = files[f"x.{width}.pdf"]
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", pdf)
    assert float(box[1]) == pytest.approx(points, abs=0.01)
    assert b"/TrueType" in pdf or b"/Type0" in pdf  # letters, not outlines of them


def test_no_letter_is_smaller_than_six_points() -> None:
    drawn = svg(PLOT, LAYOUTS["single"])
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:\w+ )?([\d.]+)px", drawn)]
    assert len(sizes) > 8
    assert min(sizes) == 6  # of legends; pt of the figure
    assert "$a$, &lt;b&gt;" in drawn  # names are no formulas


def test_the_same_plot_gives_the_same_bytes() -> None:
    assert dict(paper_figures(PLOT)) == dict(paper_figures(PLOT))


def test_the_data_are_what_is_drawn() -> None:
    head, *rows = csv.reader(io.StringIO(data_of(PLOT)))
    assert head == ["panel", "curve", "time, ps", "y", "base", "what"]
    assert rows == [
        ["Force error, meV/Å", "$a$, <b>", "1", "3", "", ""],
        ["Force error, meV/Å", "$a$, <b>", "0.333333333", "", "", ""],
        ["When", "t", "2", "b", "", 'said "so"'],
        ["When", "t", "3", "a", "", ""],
        ["When", "bar", "5", "a", "2", ""],
    ]


def test_the_network_has_its_names_and_arrows() -> None:
    plot = network([event("A + B", "C", 1.0)])
    drawn = svg(plot, LAYOUTS["single"])
    assert {"A", "B", "C"} <= set(re.findall(r">([^<>]+)</text>", drawn))
    without = svg(Plot(name=plot.name, panels=plot.panels, traces=plot.traces, height=plot.height))
    assert svg(plot).count("<path") - without.count("<path") >= len(plot.arrows) == 3


def test_every_plot_of_a_report_is_written(tmp_path: Path) -> None:
    run = write_fake_run(tmp_path / "run", steps=300)
    page = write_report(run, figures=tmp_path / "figures" / "paper").read_text()
    names = re.findall(r'"name":\s*"([\w-]+)",\s*"x_title"', page)
    assert {"timeline", "error", "parity", "cost"} <= set(names)
    endings = ["csv", "double.pdf", "double.svg", "single.pdf", "single.svg"]
    written = {path.name for path in (tmp_path / "figures" / "paper").iterdir()}
    assert written == {f"{name}.{ending}" for name in names for ending in endings}


def test_a_place_that_is_a_file_is_told(tmp_path: Path) -> None:
    run = write_fake_run(tmp_path / "run", steps=20)
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(StoreError, match="taken"):
        write_report(run, figures=taken)
