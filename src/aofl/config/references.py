"""The section `reference` of the configuration: one model per code, told apart by `name`.

Temperatures of the electrons are those of a Fermi-Dirac distribution in every code, so that one
number means the same level of theory everywhere.
"""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from aofl.config.section import Count, Section

IMPORT_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
SYMBOL = r"^[A-Z][a-z]?$"
LARGEST_FIELD = 2.0  # V/Å: more pulls atoms out of a metal
FOR_A_SHELL = re.compile(r"[|&;<>`$~\n]|^\s*\w+=")  # in a command that is one text

Symbol = Annotated[str, Field(pattern=SYMBOL)]


def _words_of(value: Any) -> Any:
    """Return the words of a command that is one text, as a shell would part them; no shell runs.

    YAML reads the 4 of [mpirun, -np, 4, pw.x] as a number.
    """
    if isinstance(value, list):
        return [str(item) if type(item) is int else item for item in value]
    if not isinstance(value, str):
        return value
    if FOR_A_SHELL.search(value):
        raise ValueError(
            f"{value!r} has signs that only a shell understands, and none runs: give a list of "
            "program and arguments, such as [mpirun, -np, 4, pw.x], or the name of a script"
        )
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"{value!r} cannot be parted into words: {error}; give a list") from error


Command = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(min_length=1),
    BeforeValidator(_words_of, json_schema_input_type=list[str | int] | str),
]


class TbliteConfig(Section):
    """Semi-empirical tight binding through `tblite`, in-process."""

    name: Literal["tblite"] = "tblite"
    method: Literal["GFN1-xTB", "GFN2-xTB", "IPEA1-xTB"] = Field(
        default="GFN1-xTB", description="parametrisation"
    )
    electronic_temperature_K: float = Field(
        default=3000.0, gt=0, description="Fermi smearing; metals need a high one to converge"
    )
    accuracy: float = Field(
        default=1.0, gt=0, le=1000, description="tblite's accuracy factor; smaller is tighter"
    )
    max_iterations: int = Field(default=250, ge=1, description="SCF iterations before giving up")
    charge: int = Field(default=0, description="of the whole cell, e")
    multiplicity: int = Field(
        default=1, ge=1, description="2S + 1: unpaired electrons plus one, such as 3 for O2"
    )
    threads: int = Field(default=1, ge=1, description="OpenMP threads of one call")


class AseConfig(Section):
    """Any ASE calculator that is installed; importing its module runs that module's code."""

    name: Literal["ase"]
    calculator: str = Field(
        pattern=IMPORT_PATH, description="class as module.Class, such as ase.calculators.emt.EMT"
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="keyword arguments of the class"
    )
    is_semi_empirical: bool = Field(
        default=False, description="whether the method is fitted; reports say so"
    )


class SocketConfig(Section):
    """Any program that speaks i-PI as a client; it is kept between the labels."""

    name: Literal["socket"]
    command: Command = Field(
        description="program and arguments; {socket} stands for the name of the UNIX socket"
    )
    files: list[str] = Field(
        default_factory=list, description="input files, copied to where the program runs"
    )
    structure: str = Field(
        default="start.xyz",
        pattern=r"^[\w.-]+$",
        description="file that the first structure is written to, in the format of its name",
    )
    method: str = Field(min_length=1, description="level of theory, as the labels will say it")
    timeout_s: float = Field(default=3600.0, gt=0, description="longest time for one label")
    is_semi_empirical: bool = Field(
        default=False, description="whether the method is fitted; reports say so"
    )


class PeriodicDft(Section):
    """What the plane-wave codes share."""

    functional: Literal["PBE", "RPBE", "revPBE"] = Field(
        default="PBE", description="exchange and correlation"
    )
    dispersion: Literal["d3bj"] | None = Field(
        default="d3bj", description="D3 with Becke-Johnson damping, or null for none"
    )
    electronic_temperature_K: float = Field(
        default=1000.0, gt=0, description="of the Fermi-Dirac distribution"
    )
    kpoints: tuple[Count, Count, Count] = Field(
        default=(1, 1, 1), strict=False, description="grid that contains Gamma"
    )
    max_iterations: int = Field(default=150, ge=1, description="SCF iterations before giving up")


class SlabDft(PeriodicDft):
    """What the codes share that know a slab from a crystal."""

    dipole_correction: bool = Field(
        default=False, description="take the field between the images of a slab away, along z"
    )
    field_V_per_A: float = Field(
        default=0.0,
        ge=-LARGEST_FIELD,
        le=LARGEST_FIELD,
        description="external field along z; positive pushes positive charges up",
    )

    @model_validator(mode="after")
    def _field_is_that_of_a_slab(self) -> SlabDft:
        if self.field_V_per_A != 0 and not self.dipole_correction:
            raise ValueError(
                "`field_V_per_A` wants `dipole_correction: true`, or the field that the slab's own "
                "dipole makes between its images is added to it"
            )
        return self


class GpawConfig(SlabDft):
    """GPAW, in-process."""

    name: Literal["gpaw"]
    mode: Literal["pw", "lcao"] = Field(
        default="pw", description="plane waves, or numerical atomic orbitals (O-H bonds suffer)"
    )
    cutoff_eV: float = Field(default=600.0, gt=0, description="of the plane waves, mode pw")
    grid_spacing_A: float = Field(default=0.18, gt=0, description="of the grid, mode lcao")
    basis: str = Field(default="dzp", min_length=1, description="atomic orbitals, mode lcao")
    setups: dict[Symbol, str] = Field(
        default_factory=dict, description="PAW setups other than the default by element"
    )
    density_convergence: float = Field(
        default=1e-5,
        gt=0,
        description="electrons, per valence electron; 1e-4 leaves up to 20 meV/Å on O",
    )

    @model_validator(mode="after")
    def _slabs_are_of_plane_waves(self) -> GpawConfig:
        if self.dipole_correction and self.mode != "pw":
            raise ValueError(
                f"`dipole_correction` with GPAW is for `mode: pw`, and `mode` is {self.mode}"
            )
        return self


class FileCode(SlabDft):
    """What the codes that run through files share."""

    command: Command = Field(description="program and arguments, such as [mpirun, -np, 4, pw.x]")
    timeout_s: float = Field(default=7200.0, gt=0, description="longest time for one label")
    keep_wavefunctions: bool = Field(
        default=True, description="start from density and wave functions of the last label"
    )


class EspressoConfig(FileCode):
    """Quantum ESPRESSO (pw.x) through files."""

    name: Literal["espresso"]
    command: Command = Field(
        default=["pw.x"], description="program and arguments, such as [mpirun, -np, 4, pw.x]"
    )
    pseudopotentials: dict[Symbol, str] = Field(
        min_length=1, description="UPF file by element; their functional must be `functional`"
    )
    pseudopotential_directory: str | None = Field(
        default=None, min_length=1, description="where they are; null: $ESPRESSO_PSEUDO"
    )
    cutoff_Ry: float = Field(gt=0, description="of the wave functions")
    density_cutoff_Ry: float | None = Field(
        default=None, gt=0, description="null: 4 times; ultrasoft and PAW need 8 to 12 times"
    )
    convergence_Ry: float = Field(default=1e-7, gt=0, description="estimated error of the SCF")
    mixing: float = Field(default=0.3, gt=0, le=1, description="share of the new density")
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="more settings by namelist, as pw.x calls them"
    )


class VaspConfig(FileCode):
    """VASP through files; licence and POTCAR files are the user's."""

    name: Literal["vasp"]
    command: Command = Field(
        default=["vasp_std"], description="program and arguments, such as [mpirun, -np, 4, ...]"
    )
    potential_directory: str | None = Field(
        default=None, min_length=1, description="holds potpaw_PBE; null: $VASP_PP_PATH"
    )
    setups: dict[Symbol, str] = Field(
        default_factory=dict, description="suffix of the POTCAR by element, such as Na: _pv"
    )
    cutoff_eV: float = Field(gt=0, description="of the plane waves")
    convergence_eV: float = Field(default=1e-6, gt=0, description="EDIFF")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="more settings, as INCAR calls them"
    )


class Cp2kConfig(FileCode):
    """CP2K through a persistent `cp2k_shell`: a preset for a metal under an electrolyte.

    With `input` the level of theory is that of a file of your own, and of the keys here only
    `command`, `data_directory`, `threads`, `timeout_s` and `keep_wavefunctions` count.
    """

    name: Literal["cp2k"]
    command: Command = Field(
        default=["cp2k_shell"],
        description="program and arguments, such as [mpirun, -np, 4, cp2k_shell]",
    )
    data_directory: str | None = Field(
        default=None, min_length=1, description="basis sets and potentials; null: CP2K's own"
    )
    threads: int = Field(default=1, ge=1, description="OpenMP threads of each rank")
    input: str | None = Field(
        default=None, min_length=1, description="your own input file instead of the preset"
    )
    cutoff_Ry: float = Field(default=280.0, gt=0, description="of the density grid")
    semicore: bool = Field(
        default=False, description="sodium with nine electrons, for ions; needs 700 Ry"
    )
    smooth_xc: bool = Field(
        default=True, description="smooth the density for exchange and correlation"
    )
    convergence: float = Field(default=3e-4, gt=0, description="EPS_SCF, of the density matrix")
    max_iterations: int = Field(default=60, ge=1, description="SCF cycles of the first attempt")
    charge: int = Field(default=0, description="of the whole cell, e")
    multiplicity: int | None = Field(
        default=None, ge=1, description="2S + 1 of a spin-polarised cell; null: not polarised"
    )
    stress: bool = Field(default=False, description="compute the stress, at some cost")
    extrapolation: Literal["previous", "linear"] = Field(
        default="previous",
        description="density of the next step: linear saves a cycle where every step is labelled",
    )

    @model_validator(mode="after")
    def _slab_is_the_presets_and_neutral(self) -> Cp2kConfig:
        if self.dipole_correction and self.input is not None:
            raise ValueError(
                "`dipole_correction` and `field_V_per_A` belong to the preset: with `input` write "
                "SURFACE_DIPOLE_CORRECTION and &EXTERNAL_POTENTIAL into that file"
            )
        if self.dipole_correction and self.charge != 0:
            raise ValueError(
                f"`charge` is {self.charge} and the dipole of a charged cell depends on its "
                "origin: make the cell neutral, or drop `dipole_correction`"
            )
        return self


ReferenceConfig = Annotated[
    TbliteConfig | Cp2kConfig | AseConfig | SocketConfig | GpawConfig | EspressoConfig | VaspConfig,
    Field(discriminator="name"),
]
