"""The CP2K input that is written where the user gives none: Gaussian and plane waves, PBE.

GTH pseudopotentials with MOLOPT double-zeta basis sets, Fermi smearing with diagonalisation and
Broyden mixing, which treats a metal and an insulator alike, and D3(BJ) dispersion. Smoothing of
the density for exchange and correlation takes the grid's noise out of the forces (net force 11
instead of 48 meV/Å at 280 Ry) for a bias of up to 60 meV/Å on O and H; see
`docs/reference-codes.md`. Settings of one data set must be one and the same.

Goedecker, Teter, Hutter, Phys. Rev. B 54, 1703 (1996), DOI 10.1103/PhysRevB.54.1703.
VandeVondele, Hutter, J. Chem. Phys. 127, 114105 (2007), DOI 10.1063/1.2770708.
Grimme, Ehrlich, Goerigk, J. Comput. Chem. 32, 1456 (2011), DOI 10.1002/jcc.21759.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aofl.config.references import Cp2kConfig
from aofl.errors import StructureError
from aofl.reference.codes.cp2k_input import Section

BASIS = "DZVP-MOLOPT-SR-GTH"
BASIS_FILES = ("BASIS_MOLOPT", "BASIS_MOLOPT_UZH", "BASIS_MOLOPT_UCL")


@dataclass(frozen=True, slots=True)
class Kind:
    """How an element is treated.

    Attributes
    ----------
    valence
        Electrons outside the pseudopotential.
    basis
        Name in one of `BASIS_FILES`.
    cutoff
        Density cutoff at which the net force on its hydride is below 30 meV/Å, Ry
        (`benchmarks/cp2k_elements.py`).
    is_metal
        Whether it brings partly filled bands: empty orbitals are added for it.
    """

    valence: int
    basis: str
    cutoff: float
    is_metal: bool = False


KINDS: dict[str, Kind] = {
    "H": Kind(1, BASIS, 280),
    "B": Kind(3, BASIS, 280),
    "C": Kind(4, BASIS, 280),
    "N": Kind(5, BASIS, 280),
    "O": Kind(6, BASIS, 280),
    "F": Kind(7, BASIS, 400),
    "P": Kind(5, BASIS, 280),
    "S": Kind(6, BASIS, 280),
    "Cl": Kind(7, BASIS, 280),
    "Li": Kind(3, BASIS, 280, is_metal=True),
    "Na": Kind(1, "DZVP-MOLOPT-PBE-GTH-q1", 280, is_metal=True),
    "K": Kind(9, BASIS, 280, is_metal=True),
    "Mg": Kind(2, "DZVP-MOLOPT-SR-GTH-q2", 280, is_metal=True),
    "Ca": Kind(10, BASIS, 280, is_metal=True),
    "Al": Kind(3, BASIS, 280, is_metal=True),
}

# Sodium ions beside oxygen: with one electron only, forces on them are off by 0.2 eV/Å.
SEMICORE: dict[str, Kind] = {"Na": Kind(9, "DZVP-MOLOPT-SR-GTH-q9", 700, is_metal=True)}


def kinds_of(config: Cp2kConfig) -> dict[str, Kind]:
    """Return how each element is treated."""
    return KINDS | SEMICORE if config.semicore else KINDS


# Argument and content of &XC_FUNCTIONAL.
FUNCTIONALS: dict[str, tuple[str, tuple[Section, ...]]] = {
    "PBE": ("PBE", ()),
    "revPBE": ("", (Section("PBE", content=(("PARAMETRIZATION", "REVPBE"),)),)),
    "RPBE": ("", (Section("GGA_X_RPBE"), Section("GGA_C_PBE"))),
}


def check_supported(elements: Collection[str], config: Cp2kConfig) -> None:
    """Refuse elements that the preset has no entry for, or too coarse a grid for.

    Raises
    ------
    StructureError
        Naming them, and what to set.
    """
    known = kinds_of(config)
    unknown = sorted(set(elements) - known.keys())
    if unknown:
        raise StructureError(
            f"the CP2K preset has no entry for {', '.join(unknown)}; it knows "
            f"{', '.join(known)}: give your own file as `reference.input`"
        )
    hardest = max(set(elements), key=lambda element: known[element].cutoff)
    needed = known[hardest].cutoff
    if needed > config.cutoff_Ry:
        raise StructureError(
            f"{hardest} needs a grid of {needed:g} Ry and `reference.cutoff_Ry` is "
            f"{config.cutoff_Ry:g}: set it to {needed:g} for the whole data set"
        )


def preset(elements: list[str], config: Cp2kConfig) -> Section:
    """Return the input for a structure, without its cell and coordinates.

    Parameters
    ----------
    elements
        Chemical symbol of every atom.

    Raises
    ------
    StructureError
        If an element is unknown to the preset.
    """
    kinds = sorted(set(elements))
    check_supported(kinds, config)
    known = kinds_of(config)
    n_metal = sum(known[element].is_metal for element in elements)
    force_eval = Section(
        "FORCE_EVAL",
        content=(
            ("METHOD", "QUICKSTEP"),
            ("STRESS_TENSOR", "ANALYTICAL" if config.stress else "NONE"),
            Section("DFT", content=_dft(kinds, n_metal, config)),
            Section(
                "SUBSYS",
                content=tuple(_kind(element, known[element]) for element in kinds),
            ),
        ),
    )
    planner = Section(
        "GLOBAL", content=(("PREFERRED_FFT_LIBRARY", "FFTW3"), ("FFTW_PLAN_TYPE", "MEASURE"))
    )
    return Section("", content=(planner, force_eval))


def _dft(
    kinds: list[str], n_metal: int, config: Cp2kConfig
) -> tuple[tuple[str, str] | Section, ...]:
    spin: tuple[tuple[str, str], ...] = (("CHARGE", str(config.charge)),)
    if config.multiplicity is not None:
        spin += (("UKS", "TRUE"), ("MULTIPLICITY", str(config.multiplicity)))
    grid = (("CUTOFF", f"{config.cutoff_Ry:g}"), ("REL_CUTOFF", "40"), ("NGRIDS", "4"))
    parts = [
        Section("MGRID", content=grid),
        Section("QS", content=(("EPS_DEFAULT", "1.0E-8"),)),
        _scf(n_metal, config),
        _xc(config),
    ]
    if config.kpoints != (1, 1, 1):
        parts.append(Section("KPOINTS", content=(("SCHEME", _mesh(config.kpoints)),)))
    return (
        *(("BASIS_SET_FILE_NAME", name) for name in BASIS_FILES),
        ("POTENTIAL_FILE_NAME", "POTENTIAL_UZH"),
        *spin,
        *parts,
    )


def _mesh(kpoints: tuple[int, int, int]) -> str:
    """Return the grid that contains Gamma: even numbers of points are shifted onto it."""
    shifts = [0.0 if n % 2 else 0.5 / n for n in kpoints]
    return " ".join(["MACDONALD", *map(str, kpoints), *(f"{shift:.12g}" for shift in shifts)])


def _scf(n_metal: int, config: Cp2kConfig) -> Section:
    """Return the way to self-consistency; of mixing settings tried, these took fewest cycles."""
    smearing = (
        ("METHOD", "FERMI_DIRAC"),
        ("ELECTRONIC_TEMPERATURE", f"[K] {config.electronic_temperature_K:g}"),
    )
    mixing = (
        ("METHOD", "BROYDEN_MIXING"),
        ("ALPHA", "0.6"),
        ("BETA", "0.5"),
        ("NBROYDEN", "8"),
    )
    return Section(
        "SCF",
        content=(
            ("SCF_GUESS", "ATOMIC"),
            ("MAX_SCF", str(config.max_iterations)),
            ("EPS_SCF", f"{config.convergence:g}"),
            ("ADDED_MOS", str(n_metal + 4)),
            ("CHOLESKY", "INVERSE"),
            Section("DIAGONALIZATION", "ON", (("ALGORITHM", "STANDARD"),)),
            Section("SMEAR", "ON", smearing),
            Section("MIXING", "ON", mixing),
            Section("PRINT", content=(Section("RESTART", "OFF"),)),
        ),
    )


def _xc(config: Cp2kConfig) -> Section:
    parts = [Section("XC_FUNCTIONAL", *FUNCTIONALS[config.functional])]
    if config.smooth_xc:
        smoothing = (("XC_SMOOTH_RHO", "NN10"), ("XC_DERIV", "SPLINE2_SMOOTH"))
        parts.append(Section("XC_GRID", content=smoothing))
    if config.dispersion is not None:
        pair = (
            ("TYPE", "DFTD3(BJ)"),
            ("PARAMETER_FILE_NAME", "dftd3.dat"),
            ("REFERENCE_FUNCTIONAL", config.functional),
            ("R_CUTOFF", "[angstrom] 12"),
        )
        content = (("POTENTIAL_TYPE", "PAIR_POTENTIAL"), Section("PAIR_POTENTIAL", content=pair))
        parts.append(Section("VDW_POTENTIAL", content=content))
    return Section("XC", content=tuple(parts))


def _kind(element: str, kind: Kind) -> Section:
    return Section(
        "KIND",
        element,
        (("BASIS_SET", kind.basis), ("POTENTIAL", f"GTH-PBE-q{kind.valence}")),
    )


def method_of(given: Section | None, config: Cp2kConfig) -> dict[str, str]:
    """Return functional, dispersion and basis for people: those of a user's input, or ours."""
    if given is None:
        suffix = "-D3(BJ)" if config.dispersion else ""
        return {
            "method": config.functional + suffix,
            "functional": config.functional,
            "dispersion": suffix.removeprefix("-") or "no dispersion",
            "basis": "DZVP-MOLOPT",
        }
    functional = given.find("FORCE_EVAL", "DFT", "XC", "XC_FUNCTIONAL")
    pair = given.find("FORCE_EVAL", "DFT", "XC", "VDW_POTENTIAL", "PAIR_POTENTIAL")
    subsys = given.find("FORCE_EVAL", "SUBSYS") or Section("SUBSYS")
    bases = {kind.value("BASIS_SET") or "" for kind in subsys.sections if kind.name == "KIND"}
    name = _functional_name(functional)
    dispersion = (pair.value("TYPE") if pair is not None else None) or "no dispersion"
    return {
        "method": f"{name} (own input)",
        "functional": name,
        "dispersion": dispersion,
        "basis": " ".join(sorted(bases - {""})) or "unknown basis",
    }


def _functional_name(section: Section | None) -> str:
    if section is None:
        return "unknown functional"
    return section.argument or "+".join(part.name for part in section.sections) or "no functional"
