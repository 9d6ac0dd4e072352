"""A POTCAR is what it says of itself, not what its folder is called.

The files here have the head alone, written for these tests.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk

from aofl.config.references import VaspConfig
from aofl.errors import ConfigError, StructureError
from aofl.reference.codes.potcar import find_potentials
from aofl.reference.codes.vasp import VaspReference
from aofl.workflows.assemble import check_reference


def head(
    name: str, element: str, valence: float, *, functional: str = "PE", kind: str = "PAW_PBE"
) -> str:
    return (
        f"  {kind} {name} 19Sep2006\n   {valence:.12f}\n parameters from PSCTR are:\n"
        f"   VRHFIN ={element}: made up\n   LEXCH  = {functional}\n\n"
        f"   TITEL  = {kind} {name} 19Sep2006\n   LULTRA =        F    use ultrasoft PP ?\n"
        f"   POMASS =   22.990; ZVAL   =   {valence:.3f}    mass and valenz\nEnd of Dataset\n"
    )


def put(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "POTCAR").write_text(text)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "licence" / "potpaw_PBE"
    put(folder / "H", head("H", "H", 1.0))
    put(folder / "O", head("O", "O", 6.0))
    put(folder / "Na_pv", head("Na_pv", "Na", 7.0))
    return folder.parent


def configured(directory: Path, **changes: object) -> VaspConfig:
    given = {"setups": {"Na": "_pv"}, "command": [sys.executable], **changes}
    return VaspConfig.model_validate(
        {"name": "vasp", "potential_directory": str(directory), "cutoff_eV": 400.0, **given}
    )


def interface() -> Atoms:
    return Atoms(
        "NaOH2", [[3, 3, 1], [3, 3, 4], [3, 3.8, 4.5], [3, 2.2, 4.5]], cell=[6, 6, 8], pbc=True
    )


def checked(config: VaspConfig, tmp_path: Path, atoms: Atoms | None = None) -> list[str]:
    return check_reference(VaspReference(config, tmp_path / "work"), atoms or interface())


def test_what_will_be_used_is_told_with_its_valence(directory: Path, tmp_path: Path) -> None:
    assert checked(configured(directory), tmp_path) == [
        "PAW_PBE Na_pv 19Sep2006 (7 electrons)",
        "PAW_PBE O 19Sep2006 (6 electrons)",
        "PAW_PBE H 19Sep2006 (1 electrons)",
    ]


@pytest.mark.parametrize("release", ["potpaw_PBE.54", "potpaw_PBE.64", "potpaw_PBE.52"])
def test_a_release_is_found_and_part_of_the_level_of_theory(
    directory: Path, tmp_path: Path, release: str
) -> None:
    plain = VaspReference(configured(directory), tmp_path).describe()
    (directory / "potpaw_PBE").rename(directory / release)
    given = VaspReference(configured(directory), tmp_path)
    assert len(given.check(interface())) == 3
    assert given.describe() != plain
    itself = VaspReference(configured(directory / release), tmp_path)
    assert itself.describe() == given.describe()


def test_of_two_releases_one_has_to_be_named(directory: Path) -> None:
    (directory / "potpaw_PBE").rename(directory / "potpaw_PBE.54")
    put(directory / "potpaw_PBE.64" / "H", head("H", "H", 1.0))
    with pytest.raises(ConfigError, match=r"has potpaw_PBE\.54, potpaw_PBE\.64: say which by"):
        find_potentials(configured(directory))
    chosen = directory / "potpaw_PBE.54"
    assert find_potentials(configured(chosen)) == chosen


def test_a_missing_potcar_is_seen_by_a_check(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(StructureError, match=r"no POTCAR of Na at .*potpaw_PBE/Na: unpack"):
        checked(configured(directory, setups={}), tmp_path)
    with pytest.raises(StructureError, match=r"no POTCAR of Li at"):
        checked(configured(directory), tmp_path, bulk("Li", cubic=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (head("K_sv", "K", 9.0), r"potential 'PAW_PBE K_sv 19Sep2006' and not one of Na"),
        (head("Na", "Na", 1.0), r"'PAW_PBE Na 19Sep2006' and not Na_pv: put that of Na_pv there"),
        (head("Na_pv", "K", 9.0), "and not one of Na"),
        (head("Na_pv", "Na", 7.0) + head("O", "O", 6.0), "and not one of Na"),
        (head("Na_pv", "Na", 7.0, functional="CA", kind="PAW"), r"\(LEXCH = CA\) than PBE"),
        ("", "is no POTCAR; unpack it again"),
        ("<html>404 not found</html>\n", "is no POTCAR"),
    ],
)
def test_another_potential_in_its_place_is_refused(
    directory: Path, tmp_path: Path, text: str, words: str
) -> None:
    put(directory / "potpaw_PBE" / "Na_pv", text)
    with pytest.raises(StructureError, match=words):
        checked(configured(directory), tmp_path)


@pytest.mark.parametrize("written", ["X", "r"])
def test_heads_that_do_not_name_their_element_are_taken_by_their_title(
    directory: Path, tmp_path: Path, written: str
) -> None:
    put(directory / "potpaw_PBE" / "Zr_sv", head("Zr_sv", written, 12.0))
    config = configured(directory, setups={"Zr": "_sv"})
    used = checked(config, tmp_path, bulk("Zr"))
    assert used == ["PAW_PBE Zr_sv 19Sep2006 (12 electrons)"]


def test_a_compressed_file_that_is_damaged_is_named(directory: Path, tmp_path: Path) -> None:
    folder = directory / "potpaw_PBE" / "Na_pv"
    (folder / "POTCAR").unlink()
    data = gzip.compress(head("Na_pv", "Na", 7.0).encode())
    (folder / "POTCAR.gz").write_bytes(data)
    assert checked(configured(directory), tmp_path)[0].startswith("PAW_PBE Na_pv")
    (folder / "POTCAR.gz").write_bytes(data[:-20])
    with pytest.raises(StructureError, match=r"POTCAR\.gz cannot be read: .*unpack it again"):
        checked(configured(directory), tmp_path)
