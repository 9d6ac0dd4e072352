"""Plots are thinned without losing a peak, and are the same as plain data and as pictures."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from aofl.analysis.told_reactions import ReactionEvent
from aofl.report.data import RunData
from aofl.report.figures.cost import wall_times
from aofl.report.figures.network import MOST_REACTIONS, network
from aofl.report.figures.plot import (
    MOST_TICKS,
    Panel,
    Plot,
    Trace,
    curve,
    picked,
    rows_of_ticks,
    thinned,
)
from aofl.report.figures.static import svg
from aofl.report.figures.timeline import timeline


def event(left: str, right: str, time: float) -> ReactionEvent:
    return ReactionEvent(
        step=int(time), time_fs=time, began_fs=time, reaction=f"{left} -> {right}",
        reactants=tuple(left.split(" + ")), products=tuple(right.split(" + ")), broken=(),
        formed=(), height=None, electrons=None, is_seen=None,
    )  # fmt: skip


def test_thinning_keeps_the_peaks():
    x = np.arange(100_000.0)
    y = np.sin(x / 500)
    y[54_321], y[100] = 9.0, np.nan
    thin_x, thin_y = thinned(x, y)
    assert len(thin_x) <= 2000
    assert thin_x[thin_y.argmax()] == 54_321
    assert np.isfinite(thin_y).all()


@pytest.mark.parametrize("n", [0, 1, 10, 100_000])
def test_picked_points_are_few_and_spread_from_first_to_last(n):
    chosen = picked(n, 50)
    assert len(chosen) == min(n, 50)
    if n:
        assert (chosen[0], chosen[-1]) == (0, n - 1)


def test_a_curve_without_a_value_is_none():
    assert curve("x", np.arange(3.0), np.full(3, np.nan), "#fff") == ()


def test_plain_data_have_no_number_that_json_has_not():
    trace = Trace(name="a", x=[0.0, np.nan, 1 / 3], y=[np.inf, 2.0, 3.0], colour="#fff")
    plain = Plot(name="x", panels=(Panel(),), traces=(trace,)).to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["traces"][0]["x"] == [0.0, None, 0.333333]
    assert plain["traces"][0]["y"][0] is None


def test_rows_of_many_ticks_keep_texts_and_times_beside_them():
    n = 3 * MOST_TICKS
    numbers = [float(k) for k in range(n)]
    (row,) = rows_of_ticks([("a", "#fff", numbers, [str(k) for k in range(n)], numbers)], 0)
    assert len(row.x) == len(row.texts) == len(row.times) == MOST_TICKS
    assert list(row.x) == list(row.times) == [float(text) for text in row.texts]


def test_the_timeline_ends_where_the_reactions_leave_the_molecules():
    events = (event("A + B", "C", 10.0), event("C", "A + B", 30.0), event("A + B", "C", 50.0))
    thermo = {"time_fs": np.array([0.0, 100.0]), "step": np.array([0.0, 100.0])}
    plot = timeline(RunData(name="x", thermo=thermo, changes=events, molecules={"A": 2, "B": 1}))
    ends = {trace.name: trace.y[-1] for trace in plot.traces if trace.style == "steps"}
    assert ends == {"A (from 2)": -1, "B (from 1)": -1, "C": 1}
    (ticks,) = (trace for trace in plot.traces if trace.style == "ticks")
    assert ticks.times == (10.0, 30.0, 50.0)
    assert [panel.rows for panel in plot.panels] == [(), ("reaction",)]


def test_the_bars_of_the_wall_time_are_its_parts_one_after_the_other():
    wall = {"reference": 60.0, "update": 30.0, "other": 30.0, "total": 120.0}
    plot = wall_times({"mine": wall}, {"AIMD": 600.0})
    assert plot.panels[0].rows == ("mine: 2 min", "AIMD: 10 min")
    ends = [(t.name, float(t.base[0]), float(t.x[0])) for t in plot.traces]
    assert ends == [("reference", 0, 60), ("update", 60, 30), ("other", 90, 30), ("AIMD", 0, 600)]


def test_the_network_counts_a_reaction_and_its_reverse_as_one():
    plot = network([event("A + B", "C", 1.0), event("C", "A + B", 2.0), event("C", "D", 3.0)])
    molecules, reactions = plot.traces
    assert molecules.texts == ("A", "B", "C", "D")
    assert reactions.texts == ("A + B -> C: 1 forward, 1 back", "C -> D: 1 forward, 0 back")
    assert reactions.times == (1.0, 3.0)
    places = dict(zip(molecules.texts, zip(molecules.x, molecules.y, strict=True), strict=True))
    assert len(set(places.values())) == 4, "no two molecules at one place"
    assert places["A"][0] < places["C"][0] < places["D"][0]
    assert len(plot.arrows) == 5
    many = network([event(f"A{k}", f"B{k}", float(k)) for k in range(2 * MOST_REACTIONS)])
    assert len(many.traces[1].x) == MOST_REACTIONS


@pytest.mark.parametrize("style", ["line", "steps", "points", "ticks", "bars", "bars across"])
def test_every_style_becomes_the_same_picture_each_time(style):
    trace = Trace(name="$a$ & <b>", x=[1.0, 2.0], y=[3.0, 4.0], colour="ink", style=style)
    plot = Plot(name="x", panels=(Panel(title="T < 1"),), traces=(trace,), x_title="time")
    drawn = svg(plot)
    ElementTree.fromstring(drawn)  # noqa: S314 - our own drawing
    assert drawn == svg(plot)
    texts = set(re.findall(r">([^<>]+)</text>", drawn))
    assert {"T &lt; 1", "time", "$a$ &amp; &lt;b&gt;"} <= texts
