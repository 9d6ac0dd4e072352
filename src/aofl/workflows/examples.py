"""The examples that come with the package, and configurations written for a user to change.

They are the files below `aofl/examples`: one copy, in the sources as in the installed package.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping
from pathlib import Path

from aofl.config import config_from_mapping, read_config
from aofl.config.commented import commented
from aofl.config.json_schema import SCHEMA_FILE, json_schema
from aofl.config.plain_yaml import read_yaml
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError, StoreError
from aofl.store import make_directory
from aofl.store.atomic import cannot

EXAMPLES = Path(__file__).parents[1] / "examples"
JOBS = Path(__file__).parents[1] / "jobs"
DEMO = "na-water"


def example_names() -> list[str]:
    """Return the names of the examples."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/run.yaml"))


def example_config(name: str) -> Path:
    """Return the configuration of an example.

    Raises
    ------
    ConfigError
        If there is no such example, with the nearest name.
    """
    names = example_names()
    if name not in names:
        nearest = difflib.get_close_matches(name, names, n=1)
        hint = f"; the nearest is {nearest[0]}" if nearest else ""
        raise ConfigError(f"there is no example {name!r}{hint}; there are {', '.join(names)}")
    return EXAMPLES / name / "run.yaml"


def purpose(config: Path) -> str:
    """Return the comment at the top of a configuration in one line; empty if there is none."""
    return " ".join(line.removeprefix("#").strip() for line in _head(config).splitlines())


def job_script(cluster: str | None, n_walkers: int | None = None) -> dict[str, str]:
    """Return the script that runs a configuration on a cluster, by the name of its file.

    Parameters
    ----------
    cluster
        "slurm" or "pbs"; None for no script.
    n_walkers
        Of a campaign: each walker has jobs of its own; None for one run.

    Raises
    ------
    ConfigError
        If there is no script for it.
    """
    if cluster is None:
        return {}
    known = sorted({path.suffix[1:] for path in JOBS.iterdir()})
    if cluster not in known:
        raise ConfigError(f"there is no job script for {cluster!r}; there are {', '.join(known)}")
    name = f"job.{cluster}"
    if n_walkers is None:
        return {name: (JOBS / name).read_text(encoding="utf-8")}
    text = (JOBS / f"walkers.{cluster}").read_text(encoding="utf-8")
    return {name: text.replace("@LAST@", str(n_walkers - 1))}


def write_job(config_file: Path, cluster: str | None, out: Path) -> list[Path]:
    """Write the job script for a configuration of the user's own; return its path.

    Raises
    ------
    ConfigError
        If the configuration cannot be read, or there is no script for the cluster.
    StoreError
        If the script is there already.
    """
    if cluster is None:
        raise ConfigError(f"{config_file} is there already; give --cluster, for a job script")
    walkers = read_config(config_file).walkers
    texts = job_script(cluster, None if walkers is None else walkers.count)
    name = shlex.quote(config_file.name)
    named = {key: text.replace("run.yaml", name) for key, text in texts.items()}
    return _write_new(named, out)


def write_example(name: str, out: Path, cluster: str | None = None) -> list[Path]:
    """Write an example into a directory, each configuration with a comment on every key.

    Parameters
    ----------
    cluster
        As for `job_script`.

    Returns
    -------
    list of Path
        What was written, `run.yaml` first.

    Raises
    ------
    ConfigError
        If there is no such example, or no job script for the cluster.
    StoreError
        If one of the files is there already: nothing is written then.
    """
    texts = job_script(cluster)
    for path in sorted(example_config(name).parent.iterdir()):
        if path.suffix == ".yaml":
            texts[path.name] = commented(config_from_mapping(read_yaml(path)), _head(path))
        else:
            texts[path.name] = path.read_text(encoding="utf-8")
    return _write_new(texts, out)


def write_config(config: RunConfig, head: str, out: Path, cluster: str | None = None) -> list[Path]:
    """Write a configuration as `run.yaml` into a directory, as `write_example` does."""
    return _write_new({"run.yaml": commented(config, head)} | job_script(cluster), out)


def _head(config: Path) -> str:
    """Return the comment at the top of a configuration, with its signs."""
    lines = config.read_text(encoding="utf-8").splitlines()
    end = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join(lines[:end])


def _write_new(texts: Mapping[str, str], out: Path) -> list[Path]:
    """Write files that are not there yet, and the schema beside them for editors."""
    for name in texts:
        if (out / name).exists():
            raise StoreError(f"{out / name} exists and is not overwritten; choose another --out")
    make_directory(out)
    if not (out / SCHEMA_FILE).exists():
        texts = {**texts, SCHEMA_FILE: json_schema()}
    written = [out / name for name in sorted(texts, key=lambda name: name != "run.yaml")]
    for path in written:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(texts[path.name])
        except OSError as error:
            raise cannot("write", path, error) from error
    return written
