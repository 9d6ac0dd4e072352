"""A campaign as one: its page, comparison and analysis, from made-up walkers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fake_run import markup, write_fake_run, write_trajectory
from typer.testing import CliRunner

from aofl import api
from aofl.cli.main import app
from aofl.cli.walkers import shown_walkers
from aofl.config import dump_config, read_config
from aofl.config.plain_yaml import write_yaml
from aofl.errors import ConfigError, StoreError
from aofl.store import CampaignDirectory

CONFIG = {
    "system": {"structure": "start.xyz"},
    "dynamics": {"name": "langevin", "timestep_fs": 0.5, "temperature_K": 700, "steps": 1400},
    "walkers": {"count": 3},
}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> CampaignDirectory:
    """Two walkers that have run, with a name that must be escaped, and one that has not begun."""
    base = tmp_path_factory.mktemp("campaign")
    (base / "run.yaml").write_text(write_yaml(CONFIG))
    config = read_config(base / "run.yaml")
    found = CampaignDirectory.create(base / "a<b", dump_config(config))
    for number in range(2):
        run = write_fake_run(found.walker(number).path, steps=1400)
        write_trajectory(run, 1400)
        text = dump_config(config.model_copy(update={"walkers": None}))
        (run / "config.yaml").write_text(text)
    return found


def test_the_page_has_all_walkers_and_links_to_their_own(campaign: CampaignDirectory) -> None:
    html = markup(api.report(campaign.path).read_text())
    for number in range(2):
        assert f'<a href="walkers/{number:03d}/report.html">{number:03d}</a>' in html
        assert (campaign.walker(number).path / "report.html").is_file()
    assert "waiting" in html  # the third
    assert "3 walkers: Na₁₆H₈O₄ at 700 K" in html
    assert "labels are shared" in html
    assert "a&lt;b" in html
    assert "a<b" not in html
    assert "H2O -&gt; H- + OH-" in html
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_the_record_pools_what_the_walkers_have(campaign: CampaignDirectory) -> None:
    api.report(campaign.path)
    found = json.loads((campaign.path / "campaign.json").read_text())
    (reaction,) = found["reactions"]
    one = json.loads((campaign.walker(0).path / "summary.json").read_text())
    assert found["labels"] == 2 * one["labels"]
    assert sum(reaction["counts"]) == found["reactions_seen"] == 2
    assert reaction["rate"]["exposure"] == pytest.approx(2e-3 * one["time_fs"])
    low, value, high = (reaction["rate"][key] for key in ("low", "value", "high"))
    assert low < value < high


def test_a_page_elsewhere_finds_the_walkers(campaign: CampaignDirectory, tmp_path: Path) -> None:
    html = api.report(campaign.path, tmp_path / "page.html").read_text()
    assert (campaign.walker(0).path / "report.html").resolve().as_uri() in html


def test_status_counts_and_pools(campaign: CampaignDirectory) -> None:
    found = api.status(campaign.path)
    states = [walker["status"] for walker in found["walkers"]]
    assert states[2] == "waiting"
    assert found["labels"] == sum(walker["labels"] or 0 for walker in found["walkers"][:2])
    assert found["audit_forces_rmse"] == pytest.approx(found["walkers"][0]["audit_forces_rmse"])


def test_compare_takes_a_campaign_for_its_walkers(
    campaign: CampaignDirectory, tmp_path: Path
) -> None:
    alone = write_fake_run(tmp_path / "alone", steps=1400)
    found = api.compare([campaign.path, alone], tmp_path / "out")
    assert [record["name"] for record in found.records] == ["000", "001", "alone"]


def test_analyse_pools_what_the_trajectories_tell(campaign: CampaignDirectory) -> None:
    done = CliRunner().invoke(app, ["analyse", str(campaign.path), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["walkers"] == ["000", "001"]
    assert [sum(one["counts"]) for one in found["reactions"]] == [2]  # one bond in each
    assert (campaign.walker(1).path / "analysis" / "results.json").is_file()


def test_watch_ends_with_the_last_walker(campaign: CampaignDirectory, tmp_path: Path) -> None:
    text = campaign.config.read_text().replace("count: 3", "count: 2")
    other = CampaignDirectory.create(tmp_path / "c", text)
    other.walkers.rmdir()
    other.walkers.symlink_to(campaign.walkers)
    shown = CliRunner().invoke(app, ["watch", str(other.path)])
    assert shown.exit_code == 0
    assert "labels" in shown.output


def test_a_terminal_gets_a_table(
    campaign: CampaignDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shown_walkers(campaign.path) as show:
        show()
    assert "waiting" in capsys.readouterr().out


def test_a_walker_whose_files_are_damaged_is_told_beside_the_others(
    campaign: CampaignDirectory, tmp_path: Path
) -> None:
    other = CampaignDirectory.create(tmp_path / "c", campaign.config.read_text())
    shutil.copytree(campaign.walkers, other.walkers, dirs_exist_ok=True)
    other.walker(0).summary.write_text("{")
    first, second, _ = api.status(other.path)["walkers"]
    assert first["status"] == "failed"
    assert "summary.json" in first["reason"]
    assert second["labels"]


def test_what_belongs_to_one_run_is_refused(campaign: CampaignDirectory, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give a walker"):
        api.report(campaign.path, figures=tmp_path)
    with pytest.raises(ConfigError, match="analyse_campaign"):
        api.analyse(campaign.path)
    empty = CampaignDirectory.create(tmp_path / "e", campaign.config.read_text())
    with pytest.raises(StoreError, match=r"no walker of .* has begun"):
        api.analyse_campaign(empty.path)
    assert "none has begun" in api.report(empty.path).read_text()
