"""The pages: their configurations are read, their commands exist, their links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from aofl.cli.main import app
from aofl.config import config_from_mapping, read_config
from aofl.config.json_schema import json_schema
from aofl.config.plain_yaml import read_yaml
from aofl.config.system import InterfaceSystem

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(aofl [a-z][^`]*)`", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#:\s]+)(?:#[\w-]*)?\)")

SOUND: dict[str, Any] = {
    "system": {
        "electrode": {"element": "Na", "surface": "bcc100", "size": [2, 2, 4]},
        "electrolyte": {"molecules": {"H2O": 4}},
    },
    "dynamics": {"name": "langevin", "timestep_fs": 0.5, "temperature_K": 300, "steps": 10},
}


def named(path: Path) -> str:
    return path.name


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Return the language and the text of each block of code."""
    yield from FENCE.findall(page.read_text())


def configurations() -> list[tuple[str, str]]:
    found = [(page.name, text) for page in PAGES for kind, text in blocks(page) if kind == "yaml"]
    return [(name, text) for name, text in found if not text.startswith("#")]  # a comment alone


def completed(given: dict[str, Any]) -> dict[str, Any]:
    """Return a whole configuration around a part of one."""
    if set(given) <= set(InterfaceSystem.model_fields):
        given = {"system": {**SOUND["system"], **given}}
    return SOUND | given


@pytest.mark.parametrize(("name", "text"), configurations())
def test_a_configuration_of_a_page_is_read(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(textwrap.dedent(text))
    assert config_from_mapping(completed(read_yaml(path)))


def test_the_configuration_of_the_tutorial_is_read() -> None:
    assert read_config(DOCS / "pictures" / "first-system.yaml", {}).seed == 1


def commands(page: Path) -> list[str]:
    """Return what a page tells to type, without what a shell makes of the rest of a line."""
    lines = [line for _, text in blocks(page) for line in text.splitlines()]
    typed = [line.removeprefix(".venv/bin/").strip() for line in lines]
    inline = [" ".join(words.split()) for words in INLINE.findall(page.read_text())]
    found = [words for words in [*typed, *inline] if re.match(r"aofl [a-z]", words)]
    return [re.split(r"[|;>]|&&", words.replace("...", ""))[0] for words in found]


def verbs() -> dict[str, Any]:
    return typer.main.get_command(app).commands


def unknown_words(command: str) -> list[str]:
    """Return the verb or the options of a command that the program does not know."""
    _, verb, *rest = shlex.split(command, comments=True)
    if verb not in verbs():
        return [verb]
    known = {name for option in verbs()[verb].params for name in option.opts} | {"--help"}
    return [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_commands_of_a_page_exist(page: Path) -> None:
    wrong = {command: unknown_words(command) for command in commands(page)}
    assert not {command: words for command, words in wrong.items() if words}


def test_a_wrong_command_would_be_noticed() -> None:
    assert len([command for page in PAGES for command in commands(page)]) > 60
    assert unknown_words("aofl repeat x") == ["repeat"]
    assert unknown_words("aofl run run.yaml --stepz 5  # and more") == ["--stepz"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_links_of_a_page_lead_to_files(page: Path) -> None:
    assert not [
        link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ]


def test_each_page_is_in_the_table_of_contents() -> None:
    entries = {line.strip() for _, text in toctrees() for line in text.splitlines()}
    assert {page.stem for page in DOCS.glob("*.md")} - {"index"} <= entries


def toctrees() -> list[tuple[str, str]]:
    text = (DOCS / "index.md").read_text()
    return re.findall(r"^```\{(toctree)\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_key_reference_has_every_key_of_every_section(monkeypatch) -> None:
    monkeypatch.syspath_prepend(DOCS / "_ext")
    from key_reference import key_reference

    schema = json.loads(json_schema())
    written = key_reference(schema)
    told = set(re.findall(r"^\| `(\w+)` \|", written, re.MULTILINE))
    parts = [schema, *schema["$defs"].values()]
    assert told == {key for part in parts for key in part.get("properties", {})}
    assert "| `timestep_fs` | number > 0 and ≤ 10 | required | time step, fs |" in written
    assert "## `dynamics`, `name: bussi`" in written
    headings = re.findall(r"^## .*$", written, re.MULTILINE)
    assert len(set(headings)) == len(headings)
