"""Which file of `src/aofl` imports which, read from the sources: nothing is imported to find out.

Imports under `if TYPE_CHECKING` and inside functions count like any other: whoever reads the file
has to know what they name. Packages that Python imports on the way to a module do not.

`python tests/import_graph.py` prints the figures:

rooms
    The folders and modules directly in `src/aofl`.
arrows
    Pairs of rooms of which the first imports something of the second.
floors
    Rooms on the longest way down: a room stands one floor above the highest one it imports.
circles
    Groups of files that import each other, whether directly or by way of others.
"""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SOURCE = Path(__file__).parents[1] / "src" / "aofl"

# From a file to each one it imports, with the names that it takes; paths as in `src/aofl`.
ImportGraph = dict[str, dict[str, set[str]]]


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


def package_of(file: Path, source: Path = SOURCE) -> str:
    """Return the dotted package that relative imports in a file start from."""
    return ".".join([source.name, *file.relative_to(source).parts[:-1]])


def room_of(file: str) -> str:
    """Return the folder or module directly in `src/aofl` that a file belongs to."""
    name = file.split("/")[0].removesuffix(".py")
    return "aofl" if name == "__init__" else name


def import_graph(source: Path = SOURCE) -> ImportGraph:
    """Return what each file of a package imports of its other files."""
    files = sorted(source.rglob("*.py"))
    paths = {_module(file, source): str(file.relative_to(source)) for file in files}
    graph: ImportGraph = {path: {} for path in paths.values()}
    for file in files:
        taken = graph[str(file.relative_to(source))]
        for dotted in imported_modules(file.read_text("utf-8"), package_of(file, source)):
            module = dotted if dotted in paths else dotted.rpartition(".")[0]
            if module in paths:
                taken.setdefault(paths[module], set()).add(dotted.rpartition(".")[2])
    return graph


def _module(file: Path, source: Path) -> str:
    """Return the dotted name of a file, that of the package for its `__init__.py`."""
    stem = [] if file.name == "__init__.py" else [file.stem]
    return ".".join([package_of(file, source), *stem])


def rooms(graph: ImportGraph) -> list[str]:
    """Return the names of the rooms."""
    return sorted({room_of(file) for file in graph})


def arrows(graph: ImportGraph) -> set[tuple[str, str]]:
    """Return the pairs of different rooms of which the first imports from the second."""
    pairs = {(room_of(file), room_of(other)) for file, taken in graph.items() for other in taken}
    return {(room, other) for room, other in pairs if room != other}


def floors(graph: ImportGraph) -> dict[str, int]:
    """Return the floor of each room, 1 for those that import no other.

    Raises
    ------
    graphlib.CycleError
        If rooms import each other in a circle.
    """
    below: dict[str, set[str]] = {room: set() for room in rooms(graph)}
    for room, other in arrows(graph):
        below[room].add(other)
    floor: dict[str, int] = {}
    for room in TopologicalSorter(below).static_order():
        floor[room] = 1 + max((floor[other] for other in below[room]), default=0)
    return floor


def circles(graph: ImportGraph) -> list[list[str]]:
    """Return the groups of files that import each other: components of more than one file.

    A component is strongly connected: from each file in it a way of imports leads to each other.
    """
    place = {file: k for k, file in enumerate(graph)}
    edges = [(place[file], place[other]) for file, taken in graph.items() for other in taken]
    i, j = np.array(edges, dtype=int).reshape(-1, 2).T
    matrix = coo_array((np.ones(len(i)), (i, j)), shape=(len(graph), len(graph)))
    n_parts, part = connected_components(matrix, connection="strong")
    found = [[file for file, k in place.items() if part[k] == number] for number in range(n_parts)]
    return sorted(group for group in found if len(group) > 1)


def described(circle: list[str], graph: ImportGraph) -> str:
    """Return the imports that make a circle, a line each, with the names that are taken."""
    return "\n".join(
        f"  {file} -> {other}: {', '.join(sorted(graph[file][other]))}"
        for file in circle
        for other in circle
        if other in graph[file]
    )


def figures(graph: ImportGraph) -> str:
    """Return the figures of the house with its rooms by floor and its circles, as text."""
    floor, found = floors(graph), circles(graph)
    highest = max(floor.values())
    counts = (
        f"files {len(graph)}, rooms {len(floor)}, floors {highest}, arrows {len(arrows(graph))}, "
        f"circles {len(found)}"
    )
    levels = [
        f"floor {level}: {', '.join(room for room in rooms(graph) if floor[room] == level)}"
        for level in range(highest, 0, -1)
    ]
    ties = [f"circle of {len(group)} files:\n{described(group, graph)}" for group in found]
    return "\n".join([counts, *levels, *ties])


if __name__ == "__main__":
    sys.stdout.write(figures(import_graph()) + "\n")
