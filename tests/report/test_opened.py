"""A run looked at from Python: its tables, its pictures, and the notebook of the documentation."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import TIMESTEP, write_fake_run, write_trajectory

import aofl
from aofl.errors import ModelError, StoreError
from aofl.report.plotted import Picture

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
STEPS = 1400


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_fake_run(tmp_path_factory.mktemp("runs") / "methanol", steps=STEPS)
    write_trajectory(run, STEPS)
    return run


def test_molecules_are_counted_through_the_reactions(path: Path) -> None:
    species = aofl.open(path).species
    events = [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]
    reactions = [event for event in events if event["event"] == "reaction"]
    assert list(species["time_fs"]) == [
        0.0, *(event["time_fs"] for event in reactions), STEPS * TIMESTEP
    ]  # fmt: skip
    n = len(reactions)
    assert species["H2O"].tolist() == [4, *(4 - k for k in range(1, n + 1)), 4 - n]
    assert species["OH-"].tolist() == species["H-"].tolist() == [0, *range(1, n + 1), n]


def test_the_audits_give_the_error_of_the_labels(path: Path) -> None:
    run = aofl.open(path)
    missed = run.audits["predicted_eV_per_A"] - run.audits["reference_eV_per_A"]
    slowly = [
        (atoms.arrays["predicted_forces"] - atoms.arrays["REF_forces"])[k, axis]
        for atoms in run.labels
        if "audit" in atoms.info["aofl_rule"]
        for k in range(len(atoms))
        for axis in range(3)
    ]
    np.testing.assert_array_equal(missed, slowly)
    assert run.audits["element"][:3].tolist() == ["Na"] * 3


@pytest.mark.parametrize("name", ["thermo", "species", "reactions", "decisions", "audits"])
def test_every_table_is_a_picture_and_a_data_frame(path: Path, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    table = getattr(aofl.open(path), name)
    frame = table.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(table)
    assert len(frame) == table.n_rows > 0
    assert repr(table).startswith(f"{name}: {table.n_rows} rows of ")
    assert table.plot()._repr_svg_().startswith("<?xml")
    assert table.plot().figure().axes


def test_a_picture_is_saved_as_for_a_paper(path: Path, tmp_path: Path) -> None:
    saved = aofl.open(path).species.plot().save(tmp_path)
    assert {file.name for file in saved} == {
        "species.csv", "species.single.pdf", "species.single.svg",
        "species.double.pdf", "species.double.svg",
    }  # fmt: skip
    assert all(file.stat().st_size for file in saved)


def test_without_pandas_a_sentence_says_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(StoreError, match=r"pip install 'aofl\[pandas\]'"):
        aofl.open(path).species.to_pandas()


def test_a_young_run_has_empty_tables(path: Path, tmp_path: Path) -> None:
    for name in ("config.yaml", "run.json", "start.extxyz"):
        (tmp_path / name).write_text((path / name).read_text())
    run = aofl.open(tmp_path)
    for name in ("thermo", "species", "reactions", "decisions", "audits"):
        table = getattr(run, name)
        assert table.n_rows == 0
        with pytest.raises(StoreError, match="nothing to draw"):
            table.plot()
    with pytest.raises(ModelError):
        run.force_field()
    with pytest.raises(StoreError, match="there is no run directory"):
        aofl.open(tmp_path / "nowhere")


def test_the_star_import_leaves_the_open_of_python_alone() -> None:
    assert "open" not in aofl.__all__


def values_of(source: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; return the value of its last line, None where it has none."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - our own notebook
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307


def test_the_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "runs").symlink_to(path.parent)
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text())
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    names: dict[str, Any] = {}
    shown = [values_of(cell, names) for cell in cells]
    assert sum(isinstance(value, Picture) for value in shown) == sum(map(ends_in_plot, cells))
    assert any(set(value) == {"H", "Na", "O"} for value in shown if isinstance(value, dict))
    assert shown[-1] == (STEPS // 10 + 1, len(names["run"].labels))
    assert (tmp_path / "figures" / "species.single.pdf").is_file()


def ends_in_plot(cell: str) -> bool:
    return cell.rstrip().endswith(".plot()")
