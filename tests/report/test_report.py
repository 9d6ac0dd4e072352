"""The report renders whatever state the run is in, alone, safely, and the same each time."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_run import markup, write_fake_run

from aofl.errors import StoreError
from aofl.report.data import FILES, read_run
from aofl.report.figures.cost import PARTS, wall_times
from aofl.report.near_reactions import audits_by_chemistry
from aofl.workflows.report import write_report


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    return write_fake_run(tmp_path_factory.mktemp("runs") / "full", steps=1400)


@pytest.fixture
def run(full, tmp_path) -> Path:
    return Path(shutil.copytree(full, tmp_path / "run"))


@pytest.fixture
def young(tmp_path) -> Path:
    return write_fake_run(tmp_path / "young", steps=60)


@pytest.fixture(scope="module")
def html(full) -> str:
    return report(full)


def report(run_dir: Path) -> str:
    return write_report(run_dir).read_text()


def sections(html: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', html)


def change(run_dir: Path, name: str, **values: object) -> None:
    path = run_dir / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_full_run_has_every_section_and_both_readings_of_the_speedup(full, html):
    assert sections(html) == [
        "dynamics",
        "error",
        "calls",
        "accuracy",
        "cost",
        "chemistry",
        "ledger",
        "provenance",
    ]
    assert "semi-empirical method, not DFT" in html
    summary = json.loads((full / "summary.json").read_text())
    down = 100 * (1 - 1 / summary["speedup"])
    assert f"wall time down by {down:.1f} %" in html
    assert "rate up by" in html


def test_the_error_of_the_headline_is_that_of_the_audit_frames(full, html):
    audits = read_run(full).audits
    assert len(audits) >= 5
    errors = np.concatenate([(p - r).ravel() for p, r, _ in audits])
    rmse = 1000 * np.sqrt(np.mean(errors**2))
    assert f'<div class="value">{rmse:.0f}<span class="unit">meV/Å' in html
    assert f"RMSE on {len(audits)} audit frames" in html
    assert "too few to rely on" not in html


def test_the_file_stands_alone(html):
    assert not re.search(r'(?:src|href)="(?!#|data:)', markup(html))
    assert not re.search(r"url\((?!#)|@import|<link", markup(html))


def test_the_same_files_give_the_same_bytes(run):
    assert report(run) == report(run)


def test_ids_are_unique(html):
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("steps", [1, 3])
def test_a_run_killed_after_a_few_steps_renders_and_says_what_it_lacks(tmp_path, steps):
    run = write_fake_run(tmp_path / "young", steps=steps)
    (run / "summary.json").unlink()
    html = report(run)
    assert "No audit frame was recorded yet" in html
    assert "no summary" in html


def test_few_audits_are_called_few(tmp_path):
    assert "too few to rely on" in report(write_fake_run(tmp_path / "few", steps=130))


@pytest.mark.parametrize("name", FILES)
def test_one_file_alone_makes_a_report(full, tmp_path, name):
    shutil.copy(full / name, tmp_path)
    assert "</html>" in report(tmp_path)


@pytest.mark.parametrize("name", [*FILES, "events.jsonl", "start.extxyz"])
def test_any_file_may_be_garbage(young, name):
    (young / name).write_text("\ufffd{3]\n1\nx\n")
    assert "</html>" in report(young)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_every_file_may_be_cut(young, share):
    for name in [*FILES, "events.jsonl", "start.extxyz"]:
        text = (young / name).read_text()
        (young / name).write_text(text[: int(share * len(text))])
    assert "</html>" in report(young)


@pytest.mark.parametrize("column", [2, 3, 5, 6, 11])
def test_a_thermo_column_may_be_empty(full, tmp_path, column):
    header, *rows = (full / "thermo.csv").read_text().splitlines()
    fields = [row.split(",") for row in rows[:50]]
    lines = [",".join([*f[:column], "", *f[column + 1 :]]) for f in fields]
    (tmp_path / "thermo.csv").write_text("\n".join([header, *lines]) + "\n")
    assert "</html>" in report(tmp_path)


def test_a_cut_last_line_is_not_read_as_data(run):
    before = read_run(run)
    for name in ("thermo.csv", "ledger.jsonl", "labels.extxyz"):
        path = run / name
        path.write_text(path.read_text()[:-3])
    after = read_run(run)
    assert len(after.thermo["step"]) == len(before.thermo["step"]) - 1
    assert len(after.decisions) == len(before.decisions) - 1
    assert len(after.labels) == len(before.labels) - 1


def test_unreadable_lines_are_counted_in_the_report(run):
    with (run / "ledger.jsonl").open("a") as file:
        file.write('{"step": "no"}\n[]\n')
    assert "lines left out" in report(run)


def test_text_from_files_is_escaped(run):
    evil = '<script>alert("$x^2$")</script>'
    change(run, "run.json", mode=evil, seed=evil, level_of_theory={evil: evil})
    change(run, "summary.json", status=evil, reason=evil)
    (run / "config.yaml").write_text(evil)
    line = json.loads((run / "ledger.jsonl").read_text().splitlines()[-1])
    with (run / "ledger.jsonl").open("a") as file:
        file.write(json.dumps({**line, "rule": evil, "reason": evil, "action": "label"}) + "\n")
    html = report(run)
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_without_molecules_there_is_no_chemistry(run):
    for name in ("labels.extxyz", "start.extxyz"):
        (run / name).unlink()
    change(run, "run.json", elements=["Na", "K"])
    html = report(run)
    assert "chemistry" not in sections(html)
    assert "Reactions" not in html


def test_reactions_are_told_with_what_the_reference_saw_and_what_did_not_last(run, html):
    assert html.count("<td>H2O -&gt; H- + OH-</td>") == 2  # by kind, and the one that is certain
    assert "first H2O -&gt; H- + OH- at 270 fs" in html
    assert "After the reactions: 1 H-, 3 H2O, 1 OH-." in html
    assert "1 further bond change did not last long enough" in html  # the break at step 1310
    events = (run / "events.jsonl").read_text().splitlines()
    kept = [line for line in events if '"event": "reaction"' not in line]
    (run / "events.jsonl").write_text("\n".join(kept) + "\n")
    html = report(run)
    assert "No reaction is certain" in html
    assert "2 further bond changes did not last long enough" in html


def add_event(run_dir: Path, **changed: object) -> None:
    """Add a line like that of the first reaction of the run."""
    lines = (run_dir / "events.jsonl").read_text().splitlines()
    line = next(json.loads(text) for text in lines if '"event": "reaction"' in text)
    with (run_dir / "events.jsonl").open("a") as file:
        file.write(json.dumps({**line, **changed}) + "\n")


def test_an_exchange_of_a_proton_is_called_that_and_is_no_reaction(run):
    same = ["H2O", "OH-"]
    exchange = {"reaction": "H2O + OH- -> H2O + OH-", "reactants": same, "products": same}
    add_event(run, **exchange, formed=[[19, 17]], time_fs=400.0, began_fs=400.0, electrons=0)
    html = report(run)
    assert "1 reaction of 1 kind" in html
    assert "1 proton exchange beside them is not counted" in html
    assert "Proton exchanges, not counted as reactions: H2O + OH- -&gt; H2O + OH- (1)." in html
    assert "<caption>Reactions (1)</caption>" in html
    add_event(run, **exchange, broken=[[16, 0]], formed=[[19, 0]], time_fs=410.0, began_fs=410.0)
    assert "2 exchanges beside them are not counted" in report(run)  # a sodium is no proton


def test_the_page_begins_with_the_answers(run, html):
    questions = re.findall(r"<dt>(.*?)</dt>", html)
    assert questions == [
        "What formed?", "What did it cost?", "How accurate is it?", "Can I trust it?", "What next?",
    ]  # fmt: skip
    assert "Made: 1 H- and 1 OH-. Used up: 1 H2O." in html
    quiet, reactive = audits_by_chemistry(read_run(run))
    assert f"{1e3 * quiet.sums.rmse:.0f} meV/Å far from changing bonds ({quiet.n_frames} fr" in html
    assert f"within 50 fs of a reaction or exchange ({reactive.n_frames} frame)" in html
    factor = json.loads((run / "summary.json").read_text())["speedup"]
    assert f"{factor:.3g} times the rate" in html
    assert "With care" in html
    assert "<pre>aofl resume full --steps 2800</pre>" in html


def test_what_is_far_too_hot_or_drifts_is_not_trusted(run):
    line = {"step": 9, "time_fs": 4.5, "event": "drift", "message": "worse"}
    with (run / "events.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    change(run, "summary.json", drift_alarm=True)
    add_event(run, in_excursion=True)
    assert "Not yet: drift and the temperature do not hold" in report(run).replace("; ", ", ")


def test_the_curve_that_gives_a_reaction_energy_is_named(html):
    assert "read the energy of a reaction off the curve" in html


def test_dft_is_named_only_where_it_was_used(run):
    assert "DFT calls" not in report(run)
    change(run, "run.json", semi_empirical=False)
    assert "DFT calls" in report(run)


def test_a_run_slower_than_aimd_is_told_so(run):
    change(run, "summary.json", aimd_step_s=1e-6)
    assert "slower than AIMD" in report(run)


def test_aimd_has_neither_speedup_nor_force_error(tmp_path):
    html = report(write_fake_run(tmp_path / "aimd", steps=40, mode="aimd"))
    assert "Speed-up over AIMD" not in html
    assert "accuracy" not in sections(html)


def test_a_directory_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="not a run directory"):
        write_report(tmp_path)


def test_the_report_of_a_directory_that_may_only_be_read_goes_elsewhere(young, tmp_path):
    before = sorted(young.iterdir())
    written = write_report(young, tmp_path / "elsewhere.html")
    assert written == tmp_path / "elsewhere.html"
    assert sorted(young.iterdir()) == before
    assert written.read_text() == report(young)


def test_the_report_says_which_versions_a_resume_found_changed(young):
    line = {"step": 9, "time_fs": 4.5, "event": "resumed", "made_with": {"numpy": "2.3.0"},
            "changed": {"numpy": ["2.2.0", "2.3.0"]}}  # fmt: skip
    with (young / "events.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    html = report(young)
    assert "numpy 2.2.0 -&gt; 2.3.0" in html
    assert "made_with" not in html


def test_settings_within_the_level_of_theory_are_rows_of_their_own(run):
    level = {"code": "tblite", "settings": {"electronic_temperature_K": 3000.0}}
    change(run, "run.json", level_of_theory=level)
    page = markup(report(run))
    assert "<td>Level of theory: electronic temperature K</td><td>3000.0</td>" in page
    assert "{&#39;" not in page


def test_the_next_command_says_from_where(run):
    page = report(run)
    assert f"<p>In the folder that holds {run.name}:</p>" in page
    assert f"aofl resume {run.name} --steps" in page


def test_no_two_parts_of_the_wall_time_have_one_colour():
    drawn = wall_times({"run": dict.fromkeys(PARTS, 1.0)}, {"AIMD": 9.0})
    assert len({trace.colour for trace in drawn.traces}) == len(PARTS) + 1
