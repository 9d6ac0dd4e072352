"""The directory of many walkers: their configuration, and a run directory for each of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from aofl.errors import StoreError
from aofl.store.atomic import make_directory, write_atomic
from aofl.store.lock import locked
from aofl.store.run_directory import RunDirectory

CONFIG = "campaign.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDirectory:
    """A campaign: `campaign.yaml`, and walkers `000`, `001`, ... below `walkers/`."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration with its `walkers`, YAML; it makes this directory a campaign."""
        return self.path / CONFIG

    @property
    def walkers(self) -> Path:
        """The run directories of the walkers."""
        return self.path / "walkers"

    @property
    def report(self) -> Path:
        """The page on all walkers."""
        return self.path / "report.html"

    def walker(self, number: int) -> RunDirectory:
        """Return the run directory of a walker; it need not be there yet."""
        return RunDirectory(path=self.walkers / f"{number:03d}")

    def output(self, number: int) -> Path:
        """Return the file of what the process of a walker printed, in its run directory."""
        return self.walker(number).path / "output.txt"

    def lock(self) -> AbstractContextManager[None]:
        """Hold the campaign for this process alone; its walkers have locks of their own."""
        return locked(self.path)

    @classmethod
    def create(cls, path: Path, config_text: str) -> CampaignDirectory:
        """Make the directory with its configuration, before any walker.

        Raises
        ------
        StoreError
            If the directory exists and is not empty, or cannot be written.
        """
        campaign = cls(path=path)
        make_directory(path)
        if any(path.iterdir()):
            raise StoreError(
                f"the directory {path} exists and is not empty: continue a campaign with "
                f"`aofl resume {path}` or choose another directory with `--out`"
            )
        make_directory(campaign.walkers)
        write_atomic(campaign.config, config_text.encode())
        return campaign


def is_campaign(path: Path) -> bool:
    """Return whether a directory holds many walkers and not one run."""
    return (path / CONFIG).is_file()
