"""Write the reports of a campaign: the page of each walker, and one on all of them."""

from __future__ import annotations

import json
from pathlib import Path

from aofl.config import read_config, values_of
from aofl.config.schema import RunConfig
from aofl.progress import OnProgress, nobody
from aofl.report.campaign_page import Walker, campaign_page, campaign_record
from aofl.report.data import read_run
from aofl.store import CampaignDirectory, jsonable, write_atomic
from aofl.workflows.report import write_report
from aofl.workflows.run_status import campaign_status, walkers_in

REPORT = "report.html"
UNITS = {"dynamics.temperature_K": "K"}


def write_campaign_report(
    path: Path, out: Path | None = None, on_progress: OnProgress = nobody
) -> Path:
    """Write `report.html` of a campaign and of each walker; return the path of the first.

    Beside it stands `campaign.json` with its figures.

    Raises
    ------
    StoreError
        If a file cannot be read or written.
    """
    campaign = CampaignDirectory(path=path)
    config, count = read_config(campaign.config), len(walkers_in(campaign))
    walkers = []
    page = out or campaign.report
    for number in range(count):
        on_progress("writing the reports of the walkers", number, count)
        walkers.append(_walker(campaign, config, number, page))
    status = str(campaign_status(path)["status"])
    write_atomic(page, campaign_page(walkers, status, path.resolve().name).encode())
    record = jsonable(campaign_record(walkers, status))
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(page.with_name("campaign.json"), text.encode() + b"\n")
    return page


def conditions_of(config: RunConfig, number: int) -> str:
    """Return in words what sets a walker apart from others, beside its seed."""
    words = []
    for key, value in values_of(config, number).items():
        if key == "seed":
            continue
        unit = UNITS.get(key)
        last = key.rpartition(".")[2]
        shown = Path(value).name if key == "system.structure" else value
        words.append(f"{shown} {unit}" if unit else f"{last} {shown}")
    return ", ".join(words)


def _walker(campaign: CampaignDirectory, config: RunConfig, number: int, page: Path) -> Walker:
    run, group = campaign.walker(number), conditions_of(config, number)
    if not run.summary.is_file():
        return Walker(name=f"{number:03d}", group=group, report="", data=None)
    written = write_report(run.path, run.path / REPORT).absolute()
    folder = page.absolute().parent
    is_below = written.is_relative_to(folder)
    href = written.relative_to(folder).as_posix() if is_below else written.as_uri()
    return Walker(name=f"{number:03d}", group=group, report=href, data=read_run(run.path))
