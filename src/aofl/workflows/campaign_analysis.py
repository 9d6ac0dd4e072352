"""Analyse all walkers of a campaign, each by itself, and pool what happened in them."""

from __future__ import annotations

import json
from pathlib import Path

from aofl.analysis.network import turnovers
from aofl.analysis.pooled import Story, pooled
from aofl.chemistry.reaction_event import is_exchange
from aofl.config import read_config
from aofl.errors import StoreError
from aofl.progress import OnProgress, nobody
from aofl.store import CampaignDirectory, jsonable, make_directory, write_atomic
from aofl.workflows.analyse import AnalyseOptions, Analysis, analyse
from aofl.workflows.campaign_report import conditions_of
from aofl.workflows.run_status import walkers_of


def analyse_campaign(
    path: Path, options: AnalyseOptions | None = None, on_progress: OnProgress = nobody
) -> Path:
    """Write `analysis/` of each walker that has begun, and `analysis/pooled.json` of the campaign.

    The file has species, reactions and rates over all walkers, from their trajectories.

    Raises
    ------
    StoreError, StructureError
        If no walker has begun, or a trajectory cannot be read or followed.
    """
    campaign = CampaignDirectory(path=path)
    runs = walkers_of(path)
    if not runs:
        raise StoreError(f"no walker of {path} has begun: wait for its first step")
    config = read_config(campaign.config)
    stories = [
        _story(
            run.name, conditions_of(config, int(run.name)), analyse(run, None, options, on_progress)
        )
        for run in runs
    ]
    found = {"walkers": [story.name for story in stories], **pooled(stories).to_json()}
    file = path / "analysis" / "pooled.json"
    make_directory(file.parent)
    text = json.dumps(jsonable(found), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(file, text.encode() + b"\n")
    return file


def _story(name: str, group: str, found: Analysis) -> Story:
    reactions = found.survey.reactions
    return Story(
        name=name,
        group=group,
        initial=reactions.initial,
        events=tuple(t for t in turnovers(reactions.events) if not is_exchange(t.reaction)),
        start_fs=reactions.start_fs,
        end_fs=reactions.end_fs,
    )
