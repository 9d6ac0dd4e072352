"""Change the code of the method line by line, and list what no test notices.

    make mutants                                  # all: twenty minutes or more on a core of its own
    python tools/mutants.py --share 0.2           # one change in five, drawn with --seed
    python tools/mutants.py src/aofl/learning/rules/audit.py --json mutants.json

Each mutant (`tools/mutation_operators.py`) is a module with one small change: `<` for `<=`, an
assignment left out. It is killed if a test fails or runs out of time; if it survives, no test
depends on what was changed.

How to read survivors
    Each is a question. Some are equivalent, and stay: nothing that can be seen differs. Such are
    `x > 0` for `x >= 0` where x is never zero, `min(1, 9 / max(n, 2))` for `max(n, 1)`, a short
    cut that gives what the long way gives. The others name a test that is missing, or code that is
    not needed. The share that is killed says where to look; it is no aim.

Which tests
    First those that mirror the module (`tests/learning/rules/test_audit.py` of
    `src/aofl/learning/rules/audit.py`), then the others of its room, without those of `EFFECTS`:
    they run references and write files, are slow, and prove other promises.

Why a tool of our own
    cosmic-ray 8.7 writes each change into the source file and starts the test command anew: seconds
    of imports (numba, scipy, ASE) before tests of milliseconds, in a working tree that has to be
    left alone meanwhile. mutmut 3.8 is nearer: it forks from a warm process, as is done here. It
    leaves out decorated functions (properties, kernels) and code outside functions (constants,
    defaults), a tenth of the changes made here and some of the most interesting; it changes texts
    too, so that every message needs a test of its words; and it works on a copy of the tree where
    each function stands once per mutant. Here a forked child imports the changed module as a
    whole: no file is written, and a mutant that is killed costs less than half a second, one that
    survives the seconds of the tests of its room.

Kept out of the way: numba's cache does not see every change of a kernel, so children compile into
a folder of their own; hypothesis draws the same examples for all mutants and remembers none.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import resource
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import CodeType, ModuleType
from typing import NoReturn
from zlib import crc32

import hypothesis
import numba
import numpy as np
import pytest
from mutation_operators import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "aofl"
TESTS = ROOT / "tests"
sys.path[:0] = [str(SOURCE.parent), str(TESTS)]

from import_graph import ImportGraph, import_graph, imported_modules, package_of  # noqa: E402

STATE_AND_UPDATE = (
    "learner",
    "learner_state",
    "observe",
    "update",
    "element_calibration",
    "environment_store",
    "reaction_watch",
)
REGRESSION = ("posterior", "calibration", "recent")
EFFECTS = {"test_adaptive_calculator.py", "test_oracle.py"}
# A child is stopped after so many times the seconds of the unchanged code and some more: the
# machine may be busy, kernels are compiled.
PATIENCE = 5
SOME_SECONDS = 30
LONGEST = 3600.0  # s, for the unchanged code
MEMORY = 4 << 30  # bytes; a loop without an end must not take those of the machine
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "--assert=plain", "-p", "no:xdist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """The test files of a module: its own, and the others of its room."""

    own: tuple[Path, ...]
    others: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them, in one order for all modules of a room."""
        return tuple(sorted(self.own + self.others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of the mutants of a module."""

    module: Path
    n_mutants: int
    survivors: tuple[Mutant, ...]

    @property
    def n_killed(self) -> int:
        """Number of mutants that a test noticed."""
        return self.n_mutants - len(self.survivors)


class Substitute(MetaPathFinder, Loader):
    """Gives a module other code when it is imported.

    Parameters
    ----------
    file
        The source of the module.
    code
        What is executed in its place.
    """

    def __init__(self, file: Path, code: CodeType) -> None:
        self._file, self._code = file, code

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Return where the module comes from, None for all others."""
        if name != dotted_name(self._file):
            return None
        return spec_from_file_location(name, self._file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the other code as the module."""
        exec(self._code, vars(module))  # noqa: S102


def default_modules() -> list[Path]:
    """Return the modules of the method: rules, learner, and the statistics that they rest on."""
    learning, bayes = SOURCE / "learning", SOURCE / "bayes"
    rules = sorted(set((learning / "rules").glob("*.py")) - {learning / "rules" / "__init__.py"})
    others = [learning / f"{name}.py" for name in STATE_AND_UPDATE]
    return [*rules, *others, *(bayes / f"{name}.py" for name in REGRESSION)]


def dotted_name(module: Path) -> str:
    """Return the name by which a source of the package is imported."""
    return ".".join(module.relative_to(SOURCE.parent).with_suffix("").parts)


def tests_of(module: Path) -> Tests:
    """Return the tests of a module."""
    inside = module.relative_to(SOURCE)
    mirror = TESTS / inside.with_name(f"test_{inside.name}")
    room = set((TESTS / inside.parts[0]).rglob("test_*.py"))
    others = sorted(file for file in room - {mirror} if file.name not in EFFECTS)
    return Tests(own=(mirror,) if mirror in room else (), others=tuple(others))


def warm_up(modules: Iterable[Path], tests: Iterable[Path]) -> None:
    """Import what the tests need, other than the modules and what imports them.

    Raises
    ------
    SystemExit
        If one of the modules was imported all the same: its mutants would not be seen.
    """
    graph = import_graph(SOURCE)
    files = {dotted_name(SOURCE / file): file for file in graph}
    beside = {file for test in tests for file in (*test.parent.glob("*.py"), TESTS / "conftest.py")}
    names = {name for file in beside for name in imported_modules(file.read_text("utf-8"), "")}
    named = {files[name] for name in names | {_parent(name) for name in names} if name in files}
    needed = _reached(named, graph)
    kept = needed - _reached(
        {str(module.relative_to(SOURCE)) for module in modules}, _turned(graph)
    )
    for file in needed:
        names |= set(
            imported_modules((SOURCE / file).read_text("utf-8"), package_of(SOURCE / file))
        )
    foreign = {name for name in names if name.split(".")[0] != SOURCE.name}
    for name in sorted(foreign | {dotted_name(SOURCE / file) for file in kept}):
        with suppress(ImportError):  # the name of a function, after its module was imported
            import_module(name)
    if early := [name for name in map(dotted_name, modules) if name in sys.modules]:
        sys.exit(f"{', '.join(early)}: imported before it is changed; no mutant would be seen.")


def same_examples() -> None:
    """Let hypothesis draw the same examples each time, remember none and simplify none."""
    hypothesis.settings.register_profile(
        "mutants",
        database=None,
        deadline=None,  # a busy machine is no mutant that was noticed
        suppress_health_check=list(hypothesis.HealthCheck),
        derandomize=True,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutants")


def run(module: Path, mutants: Iterable[Mutant], seconds: float) -> Result:
    """Return which mutants of a module no test notices, each within some seconds."""
    chosen = list(mutants)
    tests = tests_of(module)
    alive = (mutant for mutant in chosen if passes(module, mutant.tree, tests, seconds))
    return Result(module=module, n_mutants=len(chosen), survivors=tuple(alive))


def passes(module: Path, tree: ast.Module, tests: Tests, seconds: float) -> bool:
    """Return whether the tests pass in time with a syntax tree in the place of a module."""
    code = compile(tree, module, "exec")
    sys.stdout.flush()
    with TemporaryDirectory(prefix="mutant-") as folder:
        child = os.fork()
        if child == 0:
            _live_and_die(Substitute(module, code), tests, seconds, folder)
        _, status = os.waitpid(child, 0)
    return status == 0


def _live_and_die(substitute: Substitute, tests: Tests, seconds: float, folder: str) -> NoReturn:
    """Run the tests and end this process: 0 if they pass, anything else if not."""
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        signal.alarm(math.ceil(seconds))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        os.environ["NUMBA_CACHE_DIR"] = folder
        numba.config.reload_config()  # type: ignore[no-untyped-call]
        sys.meta_path.insert(0, substitute)
        stages = [files for files in (tests.own, tests.others) if files]
        if not any(pytest.main([*PYTEST, *map(str, files)]) for files in stages):
            os._exit(0)
    finally:
        os._exit(1)


def seconds_unchanged(module: Path, tests: Tests) -> float:
    """Return how long the tests take with the module as it is.

    Raises
    ------
    SystemExit
        If they do not pass: mutants could not be told from it.
    """
    start = perf_counter()
    if not passes(module, ast.parse(module.read_text("utf-8")), tests, LONGEST):
        files = " ".join(str(file.relative_to(ROOT)) for file in tests.files)
        sys.exit(f"Tests fail before anything is changed; see python -m pytest {files}")
    return perf_counter() - start


def drawn(module: Path, share: float, seed: int) -> list[Mutant]:
    """Return a share of the mutants of a module, the same ones whichever others are looked at."""
    mutants = mutants_of(module.read_text("utf-8"))
    rng = np.random.default_rng([seed, crc32(dotted_name(module).encode())])
    chosen = rng.choice(len(mutants), size=math.ceil(share * len(mutants)), replace=False)
    return [mutants[i] for i in sorted(chosen)]


def described(result: Result) -> str:
    """Return the count of a module and its survivors, a line each."""
    name = result.module.relative_to(ROOT)
    lines = [f"{name}: {result.n_killed} of {result.n_mutants} killed"]
    source = result.module.read_text("utf-8").splitlines()
    for mutant in result.survivors:
        change = f"{_one_line(mutant.before)}  ->  {_one_line(mutant.after)}"
        lines.append(f"    {name}:{mutant.line}: {change}  |  {source[mutant.line - 1].strip()}")
    return "\n".join(lines)


def as_json(results: Iterable[Result]) -> str:
    """Return the results as JSON."""
    modules = [
        {
            "module": str(result.module.relative_to(ROOT)),
            "mutants": result.n_mutants,
            "killed": result.n_killed,
            "survivors": [
                {"line": mutant.line, "before": mutant.before, "after": mutant.after}
                for mutant in result.survivors
            ],
        }
        for result in results
    ]
    return json.dumps(modules, indent=1) + "\n"


def parsed_arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description="List small changes that no test notices.")
    parser.add_argument("modules", nargs="*", type=_module, metavar="MODULE", help="a source file")
    parser.add_argument("--share", type=_share, default=1.0, help="of the mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser.parse_args()


def main() -> None:
    """Try the mutants of each module, and print what survives."""
    asked = parsed_arguments()
    modules = asked.modules or default_modules()
    same_examples()
    os.chdir(ROOT)
    warm_up(modules, {file for module in modules for file in tests_of(module).files})
    unchanged: dict[tuple[Path, ...], float] = {}
    results = []
    for module in modules:
        tests = tests_of(module)
        if tests.files not in unchanged:
            unchanged[tests.files] = seconds_unchanged(module, tests)
        limit = PATIENCE * unchanged[tests.files] + SOME_SECONDS
        results.append(run(module, drawn(module, asked.share, asked.seed), limit))
        print(described(results[-1]), flush=True)
    n_mutants = sum(result.n_mutants for result in results)
    n_killed = sum(result.n_killed for result in results)
    print(f"all: {n_killed} of {n_mutants} killed")
    if asked.json:
        asked.json.write_text(as_json(results), "utf-8")


def _module(argument: str) -> Path:
    """Return the path of a source of the package."""
    path = Path(argument).resolve()
    if not (path.is_file() and path.is_relative_to(SOURCE)):
        raise argparse.ArgumentTypeError(f"{argument} is no source file in {SOURCE}")
    return path


def _share(argument: str) -> float:
    """Return a number above 0 and at most 1."""
    share = float(argument)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{argument} is not above 0 and at most 1")
    return share


def _one_line(code: str) -> str:
    return " ".join(code.split())


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _turned(graph: ImportGraph) -> dict[str, set[str]]:
    """Return which files import each file."""
    return {file: {other for other, taken in graph.items() if file in taken} for file in graph}


def _reached(start: set[str], graph: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the files that are reached from some by imports, these included."""
    found: set[str] = set()
    ahead = set(start)
    while ahead:
        found |= ahead
        ahead = {other for file in ahead for other in graph[file]} - found
    return found


if __name__ == "__main__":
    main()
