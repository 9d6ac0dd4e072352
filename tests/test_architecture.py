"""Imports go down only: read from the source, nothing is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "aofl"

# Lowest row first. Members of a row do not import one another, but for the bottom row, whose
# few modules may as long as there is no circle (Python itself would fail on one).
ROWS = (
    {"errors", "rng", "records", "structure", "config", "plain", "calculator"},
    {"ace", "bayes"},
    {"chemistry"},
    {"forcefield", "reference", "system", "store", "analysis"},
    {"learning", "report"},
    {"simulation"},
    {"workflows"},
    {"api"},
    {"aofl"},  # the public names
    {"cli"},
)
HEIGHT = {member: row for row, members in enumerate(ROWS) for member in members}
MATHEMATICS = ("ace", "bayes")
FORBIDDEN_THERE = {"ase", "h5py", "logging", "os", "pathlib", "subprocess", "time"}
TABLES = "ase.data."  # constants of the elements only


def member_of(file: Path) -> str:
    """Return the member of the table that a file belongs to."""
    name = file.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "aofl" if name == "__init__" else name


def imported_modules(source: str, package: str) -> Iterator[str]:
    """Yield the dotted names that a module of `package` imports, `from a import b` as a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) + 1 - node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def imported_members(source: str, package: str) -> set[str]:
    """Return the members of `aofl` that a module imports; a name in none is the root's own."""
    parts = [name.split(".") for name in imported_modules(source, package)]
    ours = [part[1] if len(part) > 1 else "aofl" for part in parts if part[0] == "aofl"]
    return {name if name in HEIGHT else "aofl" for name in ours}


def violations(member: str, imported: set[str]) -> set[str]:
    """Return the imported members that are not below `member`."""
    height = HEIGHT[member]
    return {
        other
        for other in imported - {member}
        if HEIGHT[other] > height or (HEIGHT[other] == height > 0)
    }


def package_of(file: Path) -> str:
    """Return the dotted package that relative imports in a file start from."""
    return ".".join(["aofl", *file.relative_to(SOURCE).parts[:-1]])


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_go_down_only(file: Path) -> None:
    assert member_of(file) in HEIGHT, "the new module has no row in ROWS yet"
    imported = imported_members(file.read_text(encoding="utf-8"), package_of(file))
    assert not violations(member_of(file), imported)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_mathematics_knows_arrays_only(file: Path) -> None:
    if member_of(file) not in MATHEMATICS:
        return
    roots = {
        name.split(".")[0]
        for name in imported_modules(file.read_text(encoding="utf-8"), package_of(file))
        if not name.startswith(TABLES)
    }
    assert not roots & FORBIDDEN_THERE


@pytest.mark.parametrize(
    ("member", "line", "forbidden"),
    [
        ("ace", "from aofl.forcefield import model", {"forcefield"}),
        ("store", "from aofl import reference", {"reference"}),
        ("store", "from ..analysis.bonds import count", {"analysis"}),
        ("learning", "import aofl", {"aofl"}),
        ("learning", "from aofl import __version__", {"aofl"}),
        ("bayes", "if TYPE_CHECKING:\n    import aofl.ace.basis", {"ace"}),
        ("store", "from aofl.records import Label\nfrom . import dataset", set()),
        ("config", "from aofl.errors import ConfigError\nimport numpy", set()),
        ("cli", "from aofl import __version__, api", set()),
    ],
)
def test_a_wrong_import_is_seen(member: str, line: str, forbidden: set[str]) -> None:
    assert violations(member, imported_members(line, f"aofl.{member}")) == forbidden
