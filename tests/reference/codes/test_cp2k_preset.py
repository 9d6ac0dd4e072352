"""The preset of CP2K: what is written, and that what it names exists."""

import os
from pathlib import Path

import pytest

from aofl.config.references import Cp2kConfig
from aofl.errors import StructureError
from aofl.reference.codes.cp2k_input import render
from aofl.reference.codes.cp2k_preset import BASIS_FILES, KINDS, SEMICORE, preset

DATA = Path(os.environ.get("CP2K_DATA_DIR", "/usr/share/cp2k"))
ELEMENTS = ["Na"] * 4 + ["O", "H", "H"]


def config(**changes):
    return Cp2kConfig(name="cp2k", **changes)


def text(elements=ELEMENTS, **changes):
    return render(preset(elements, config(**changes)))


def test_the_elements_of_common_electrolytes_are_there():
    wanted = ("H", "C", "N", "O", "F", "P", "S", "Na", "Li", "K", "Mg", "Ca", "Al", "Cl", "B")
    assert set(wanted) <= KINDS.keys()


@pytest.mark.parametrize(
    ("element", "kind"), [*KINDS.items(), *SEMICORE.items()], ids=lambda x: str(x)[:20]
)
def test_basis_and_potential_are_in_the_files_of_cp2k(element, kind):
    if not DATA.is_dir():
        pytest.skip("cp2k-data is not installed")
    files = [DATA / name for name in (*BASIS_FILES, "POTENTIAL_UZH")]
    # Names are compared as CP2K does it, without case: one file has "NA".
    lines = [line.upper() for file in files for line in file.read_text().splitlines()]
    heads = [words for line in lines if (words := line.split()) and words[0] == element.upper()]
    named = next(words for words in heads if kind.basis.upper() in words)
    # A basis set made for another number of valence electrons would be wrong without a word.
    assert any(name.endswith(f"-Q{kind.valence}") for name in named)
    assert any(f"GTH-PBE-Q{kind.valence}" in words for words in heads)


def test_semicore_is_sodium_with_nine_electrons_on_a_fine_grid():
    with pytest.raises(StructureError, match="Na needs a grid of 700 Ry"):
        text(semicore=True)
    written = text(semicore=True, cutoff_Ry=700.0)
    assert "BASIS_SET DZVP-MOLOPT-SR-GTH-q9" in written
    assert "POTENTIAL GTH-PBE-q9" in written
    assert "GTH-PBE-q9" not in text()


def test_settings_are_written_where_cp2k_reads_them():
    tree = preset(ELEMENTS, config(cutoff_Ry=400, electronic_temperature_K=500, charge=-1))
    dft = tree.find("FORCE_EVAL", "DFT")
    assert dft.find("MGRID").value("CUTOFF") == "400"
    assert dft.find("SCF", "SMEAR").value("ELECTRONIC_TEMPERATURE") == "[K] 500"
    assert dft.find("SCF").value("ADDED_MOS") == "8"  # one for each metal atom, and four
    assert dft.value("CHARGE") == "-1"
    assert dft.value("UKS") is None
    assert dft.find("XC", "VDW_POTENTIAL", "PAIR_POTENTIAL").value("TYPE") == "DFTD3(BJ)"


@pytest.mark.parametrize(
    ("change", "present", "absent"),
    [
        ({"smooth_xc": False}, "XC_FUNCTIONAL PBE", "XC_SMOOTH_RHO"),
        ({"dispersion": None}, "XC_FUNCTIONAL PBE", "VDW_POTENTIAL"),
        ({"functional": "revPBE"}, "PARAMETRIZATION REVPBE", "XC_FUNCTIONAL PBE"),
        ({"functional": "RPBE"}, "&GGA_X_RPBE", "PARAMETRIZATION"),
        ({"multiplicity": 3}, "MULTIPLICITY 3", "KPOINTS"),
        ({"stress": True}, "STRESS_TENSOR ANALYTICAL", "KPOINTS"),
        ({"kpoints": (2, 3, 1)}, "SCHEME MACDONALD 2 3 1 0.25 0 0", "UKS"),
    ],
)
def test_choices(change, present, absent):
    written = text(**change)
    assert present in written
    assert absent not in written


def test_even_grids_of_k_points_contain_gamma():
    written = text(kpoints=(2, 4, 3)).split("SCHEME MACDONALD ")[1].splitlines()[0].split()
    for n, shift in zip(map(int, written[:3]), map(float, written[3:]), strict=True):
        # MacDonald's points: (2 r - n - 1) / 2n + shift, r = 1 ... n
        points = [(2 * r - n - 1) / (2 * n) + shift for r in range(1, n + 1)]
        assert min(map(abs, points)) == pytest.approx(0.0, abs=1e-12)


def test_unknown_elements_and_coarse_grids_are_refused():
    with pytest.raises(StructureError, match=r"no entry for Fe; .*`reference.input`"):
        preset(["Fe", "O"], config())
    with pytest.raises(StructureError, match=r"needs a grid of .* Ry .*is 100: set it to"):
        preset(ELEMENTS, config(cutoff_Ry=100))
