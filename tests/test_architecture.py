"""Imports go down only and never in a circle: read from the source, nothing is imported."""

import ast
from pathlib import Path

import pytest
from import_graph import (
    SOURCE,
    arrows,
    circles,
    described,
    figures,
    floors,
    import_graph,
    imported_modules,
    package_of,
    room_of,
)

# Lowest row first. Members of a row do not import one another, but for the bottom row, whose
# few modules may as long as there is no circle (Python itself would fail on one).
ROWS = (
    {
        "errors",
        "rng",
        "records",
        "structure",
        "schedule",
        "config",
        "plain",
        "progress",
        "calculator",
        "compiled",
        "durable",
    },
    {"ace", "bayes"},
    {"chemistry"},
    {"forcefield", "reference", "system", "store", "analysis", "thermochemistry"},
    {"learning", "report", "export"},
    {"engines"},
    {"simulation"},
    {"workflows"},
    {"api"},
    {"aofl"},  # the public names
    {"cli"},
)
HEIGHT = {member: row for row, members in enumerate(ROWS) for member in members}
MATHEMATICS = ("ace", "bayes")
FORBIDDEN_THERE = {"ase", "h5py", "logging", "os", "pathlib", "subprocess", "time"}
# The learner and its rules: values in, values out. Its face, its oracle and the clock that it is
# handed are the effects.
METHOD = "learning"
EFFECTS = {"adaptive_calculator.py", "oracle.py", "timing.py"}
FORBIDDEN_IN_METHOD = FORBIDDEN_THERE | {
    "aofl.forcefield", "aofl.reference", "aofl.store", "aofl.system", "shutil", "socket",
}  # fmt: skip
TABLES = "ase.data."  # constants of the elements only


def member_of(file: Path) -> str:
    """Return the member of the table that a file belongs to."""
    return room_of(str(file.relative_to(SOURCE)))


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
    "file", [f for f in FILES if member_of(f) == METHOD], ids=lambda f: str(f.relative_to(SOURCE))
)
def test_the_method_knows_no_files_no_clock_and_no_ase(file: Path) -> None:
    if file.name in EFFECTS:
        return
    names = [
        name
        for name in imported_modules(file.read_text(encoding="utf-8"), package_of(file))
        if not name.startswith(TABLES)
    ]
    seen = {name.split(".")[0] for name in names} | {
        ".".join(name.split(".")[:2]) for name in names
    }
    assert not seen & FORBIDDEN_IN_METHOD


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


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = import_graph()
    found = circles(graph)
    assert not found, "files import each other:\n" + "\n\n".join(
        described(circle, graph) for circle in found
    )


@pytest.mark.parametrize(
    "file", [f for f in FILES if member_of(f) == "report"], ids=lambda f: str(f.relative_to(SOURCE))
)
def test_the_report_loads_no_model_and_surveys_no_trajectory(file: Path) -> None:
    names = set(imported_modules(file.read_text(encoding="utf-8"), package_of(file)))
    assert not {name for name in names if name.startswith("aofl.forcefield")}
    assert not names & {"aofl.analysis.survey.survey", "aofl.store.read_frames"}


HOUSE = {
    "__init__.py": "from house.attic import beam",
    "errors.py": "import os",
    "cellar/__init__.py": "from house.cellar.wine import bottle",
    "cellar/wine.py": "from house.errors import Spilled, Broken",
    "hall/door.py": "from house.cellar import bottle\nfrom . import stairs",
    "hall/stairs.py": "def up():\n    from .door import knob, lock\n    return knob, lock",
    "hall/lamp.py": "import house.errors",
    "attic.py": "if TYPE_CHECKING:\n    from house.hall.lamp import Light",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, text in HOUSE.items():
        file = tmp_path / "house" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "house"


def test_late_imports_and_those_for_types_count(house: Path) -> None:
    graph = import_graph(house)
    assert arrows(graph) == {
        ("aofl", "attic"), ("attic", "hall"), ("hall", "cellar"), ("hall", "errors"),
        ("cellar", "errors"),
    }  # fmt: skip
    assert floors(graph) == {"errors": 1, "cellar": 2, "hall": 3, "attic": 4, "aofl": 5}
    assert circles(graph) == [["hall/door.py", "hall/stairs.py"]]
    assert graph["cellar/wine.py"] == {"errors.py": {"Spilled", "Broken"}}
    assert "files 8, rooms 5, floors 5, arrows 5, circles 1\n" in figures(graph)
    assert "  hall/stairs.py -> hall/door.py: knob, lock" in figures(graph)


def test_a_circle_through_a_package_is_seen(house: Path) -> None:
    (house / "errors.py").write_text("def late():\n    from house.cellar import bottle")
    found = circles(import_graph(house))
    assert ["cellar/__init__.py", "cellar/wine.py", "errors.py"] in found


LONGEST = 40  # lines of a body
LONG = {"energies_and_forces", "forces_of_draws", "force_rows"}  # kernels: one loop over the atoms


def body_lines(node: ast.FunctionDef) -> int:
    """Return the lines of a function without its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_functions_are_short(file: Path) -> None:
    functions = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]
    too_long = [f.name for f in functions if body_lines(f) > LONGEST and f.name not in LONG]
    assert not too_long, "split it where the concept splits, or say here why it stays whole"
