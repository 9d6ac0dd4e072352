"""The same trajectory in every format, unit, order and wrapping: the same chemistry and motion.

MDAnalysis reads and writes some of the files, as a program of others that we share no code with.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from reactive_cases import (
    INTERVAL_FS,
    TILTED,
    Found,
    assert_same,
    looked_at,
    reactive,
    wrapped_with_images,
    write_dump,
    write_h5md,
    write_xdatcar,
    written_as_cp2k,
)

from aofl.errors import StoreError
from aofl.store import Trajectory, read_frames


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    return reactive(cell=TILTED)


@pytest.fixture(scope="module")
def truth(frames: list[Atoms]) -> Found:
    found = looked_at(frames)
    assert [reaction for reaction, _ in found.events] == ["H2O -> H + OH"]
    assert len(found.diffusion) == 3
    assert min(found.diffusion.values()) > 1e-5
    return found


def wrapped(frames: list[Atoms]) -> list[Atoms]:
    made = [atoms.copy() for atoms in frames]
    for atoms in made:
        atoms.positions = wrapped_with_images(atoms)[0]
    assert not np.allclose(made[-1].positions, frames[-1].positions)
    return made


@pytest.mark.parametrize("change", [list, wrapped], ids=["unwrapped", "wrapped"])
@pytest.mark.parametrize("name", ["a.extxyz", "a.traj"])
def test_ase(
    name: str, change: Callable[[list[Atoms]], list[Atoms]], frames: list[Atoms], truth: Found,
    tmp_path: Path,
):  # fmt: skip
    ase.io.write(tmp_path / name, change(frames))
    assert_same(looked_at(read_frames(tmp_path / name)), truth)


def test_extended_xyz_with_ids_in_any_order(frames: list[Atoms], truth: Found, tmp_path: Path):
    rng, shuffled = np.random.default_rng(3), []
    for atoms in frames:
        atoms = atoms.copy()
        atoms.new_array("id", np.arange(len(atoms)))
        order = rng.permutation(len(atoms))
        shuffled += [atoms[order]]
        shuffled[-1].info = atoms.info
    ase.io.write(tmp_path / "a.extxyz", shuffled)
    assert_same(looked_at(read_frames(tmp_path / "a.extxyz")), truth)


def test_our_own_trajectory(frames: list[Atoms], truth: Found, tmp_path: Path):
    with Trajectory(tmp_path / "trajectory.extxyz") as trajectory:
        for atoms in frames:
            trajectory.append(
                atoms, energy=-1.0, forces=np.zeros((len(atoms), 3)),
                step=atoms.info["step"], time_fs=atoms.info["time_fs"],
            )  # fmt: skip
    (part,) = tmp_path.glob("*.gz")
    assert_same(looked_at(read_frames(part)), truth)


@pytest.mark.parametrize("units", ["real", "metal", "si", "cgs", "electron", "micro", "nano"])
def test_lammps_units(units: str, frames: list[Atoms], truth: Found, tmp_path: Path):
    write_dump(tmp_path / "a.dump", frames, units=units, columns="id mass x y z")
    assert_same(looked_at(read_frames(tmp_path / "a.dump")), truth)


@pytest.mark.parametrize(
    "columns",
    [
        "id element xu yu zu", "id type xs ys zs", "id type xsu ysu zsu", "id label x y z",
        "id type element x y z", "x iy element z iz id y ix", "id type xs ys zs ix iy iz",
    ],
)  # fmt: skip
def test_lammps_columns(columns: str, frames: list[Atoms], truth: Found, tmp_path: Path):
    write_dump(tmp_path / "a.dump", frames, columns=columns)
    elements = ["C", "H", "O"] if "type" in columns else ()
    assert_same(looked_at(read_frames(tmp_path / "a.dump", elements=elements)), truth)


@pytest.mark.parametrize("length", ["Angstrom", "nm", "bohr", "pm", None])
@pytest.mark.parametrize("images", [False, True])
def test_h5md_units(
    length: str | None, images: bool, frames: list[Atoms], truth: Found, tmp_path: Path
):
    write_h5md(tmp_path / "a.h5md", frames, length=length, images=images, time="ps")
    assert_same(looked_at(read_frames(tmp_path / "a.h5md")), truth)


@pytest.mark.parametrize("first", [0, 1])
def test_h5md_types(first: int, frames: list[Atoms], truth: Found, tmp_path: Path):
    species = {symbol: first + k for k, symbol in enumerate(("O", "H", "C"))}
    write_h5md(tmp_path / "a.h5", frames, species=species)
    for elements in (["O", "H", "C"], [f"{k}={symbol}" for symbol, k in species.items()]):
        assert_same(looked_at(read_frames(tmp_path / "a.h5", elements=elements)), truth)


@pytest.mark.parametrize("own", [True, False], ids=["own writer", "ASE's"])
def test_xdatcar(own: bool, frames: list[Atoms], truth: Found, tmp_path: Path):
    path = tmp_path / "XDATCAR"
    if own:
        write_xdatcar(path, frames)
    else:
        ase.io.write(path, [a[np.argsort(a.numbers)] for a in frames], format="vasp-xdatcar")
    assert_same(looked_at(read_frames(path), INTERVAL_FS), truth)


def test_cp2k_with_the_cell_from_the_user(frames: list[Atoms], truth: Found, tmp_path: Path):
    for made in (frames, wrapped(frames)):
        (tmp_path / "a-pos-1.xyz").write_text(written_as_cp2k(made))
        cell = tuple(frames[0].cell.array.ravel())
        assert_same(looked_at(read_frames(tmp_path / "a-pos-1.xyz", cell=cell)), truth)


BREATHING: dict[str, Callable[[Path, list[Atoms]], None]] = {
    "a.extxyz": lambda path, frames: ase.io.write(path, wrapped(frames)),
    "a.traj": ase.io.write,
    "a.dump": partial(write_dump, columns="id element xs ys zs"),
    "b.dump": partial(write_dump, columns="id element x y z ix iy iz", units="electron"),
    "c.dump": partial(write_dump, columns="id element xu yu zu", units="nano"),
    "a.h5md": partial(write_h5md, length="nm", images=True),
    "XDATCAR": write_xdatcar,
}


@pytest.mark.parametrize("name", BREATHING)
def test_a_cell_that_changes(name: str, frames: list[Atoms], tmp_path: Path):
    breathing, rng = [atoms.copy() for atoms in frames], np.random.default_rng(4)
    for atoms in breathing:
        atoms.set_cell(atoms.cell * (1 + rng.normal(0, 0.005)), scale_atoms=True)
    BREATHING[name](tmp_path / name, breathing)
    interval = INTERVAL_FS if name == "XDATCAR" else None
    assert_same(looked_at(read_frames(tmp_path / name), interval), looked_at(breathing))


def universe(frames: list[Atoms]):
    """Return the trajectory as MDAnalysis holds it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports use what others deprecate
        mda = pytest.importorskip("MDAnalysis")
        from MDAnalysis.coordinates.memory import MemoryReader

        atoms = frames[0]
        made = mda.Universe.empty(len(atoms), trajectory=True)
        made.add_TopologyAttr("names", list(atoms.symbols))
        made.add_TopologyAttr("elements", list(atoms.symbols))
        made.load_new(
            np.array([a.positions for a in frames], dtype=np.float32),
            format=MemoryReader,
            order="fac",
            dt=INTERVAL_FS / 1000,
            dimensions=np.array([a.cell.cellpar() for a in frames], dtype=np.float32),
        )
    return made


def write_by_mdanalysis(path: Path, frames: list[Atoms], **units: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe(frames).atoms.write(str(path), frames="all", **units)


def test_h5md_of_mdanalysis_has_no_species(frames: list[Atoms], truth: Found, tmp_path: Path):
    write_by_mdanalysis(tmp_path / "a.h5md", frames, lengthunit="nm", timeunit="ps")
    start = tmp_path / "start.extxyz"
    ase.io.write(start, frames[0])
    with pytest.raises(StoreError, match=r"--elements start\.xyz"):
        list(read_frames(tmp_path / "a.h5md"))
    assert_same(looked_at(read_frames(tmp_path / "a.h5md", elements=[str(start)])), truth)


def test_xyz_of_mdanalysis_has_no_cell(frames: list[Atoms], truth: Found, tmp_path: Path):
    write_by_mdanalysis(tmp_path / "a.xyz", wrapped(frames))
    with pytest.raises(StoreError, match="--cell"):
        list(read_frames(tmp_path / "a.xyz"))
    cell = frames[0].cell.cellpar().tolist()
    assert_same(looked_at(read_frames(tmp_path / "a.xyz", cell=cell), INTERVAL_FS), truth)


def test_a_dump_is_read_as_mdanalysis_reads_it(frames: list[Atoms], tmp_path: Path):
    write_dump(tmp_path / "a.lammpstrj", frames, units=None, columns="id element xu yu zu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mda = pytest.importorskip("MDAnalysis")
        made = mda.Universe(
            str(tmp_path / "a.lammpstrj"), format="LAMMPSDUMP", lammps_coordinate_convention="auto",
            topology_format="LAMMPSDUMP",
        )  # fmt: skip
        for ours, theirs in zip(
            read_frames(tmp_path / "a.lammpstrj"), made.trajectory, strict=True
        ):
            between = theirs.positions - theirs.positions[0]
            assert ours.positions - ours.positions[0] == pytest.approx(between, abs=1e-4)
            assert ours.cell.cellpar() == pytest.approx(theirs.dimensions, abs=1e-4)
        made.trajectory.close()
