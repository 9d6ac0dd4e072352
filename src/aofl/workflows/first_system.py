"""A first system of one's own, from three answers: the metal, what lies on it, the reference code.

What comes out is small and sound, not final: four layers, a few molecules at the density of the
liquid, 350 K, settings of the codes that converge. It is meant to be changed.
"""

from __future__ import annotations

from typing import Any

from aofl.config import config_from_mapping
from aofl.config.schema import RunConfig

METALS: dict[str, dict[str, Any]] = {
    "Na": {"element": "Na", "surface": "bcc100", "size": [3, 3, 4], "frozen_layers": 2},
    "Li": {"element": "Li", "surface": "bcc100", "size": [3, 3, 4], "frozen_layers": 2},
    "K": {"element": "K", "surface": "bcc100", "size": [2, 2, 4], "frozen_layers": 2},
    "Mg": {"element": "Mg", "surface": "hcp0001", "size": [4, 4, 4], "frozen_layers": 2},
}
SALTS = {"Na": "NaPF6", "Li": "LiPF6", "K": "KPF6", "Mg": "Mg(TFSI)2"}
_SALT = "salt"  # stands for that of the metal
LIQUIDS: dict[str, dict[str, int]] = {
    "water": {"H2O": 16},
    "EC": {"EC": 8},
    "EC-DMC-salt": {"EC": 5, "DMC": 4, _SALT: 1},
    "DME": {"DME": 8},
    "diglyme-salt": {"diglyme": 7, _SALT: 1},
}
LONG = ("DME", "diglyme-salt")  # molecules that are hard to pack
WIDE, NARROW = 2.1, 1.8  # least distances between molecules, Å
LIQUID_WORDS = {
    "water": "16 molecules of water",
    "EC": "8 molecules of ethylene carbonate",
    "EC-DMC-salt": "ethylene and dimethyl carbonate (5:4) with one formula unit of a salt",
    "DME": "8 molecules of dimethoxyethane",
    "diglyme-salt": "7 molecules of diglyme with one formula unit of a salt",
}
REFERENCES: dict[str, dict[str, Any]] = {
    "tblite": {"method": "GFN1-xTB", "electronic_temperature_K": 3000},
    "cp2k": {},
    "gpaw": {},
    "espresso": {"cutoff_Ry": 60},
    "vasp": {"cutoff_eV": 520},
}
REFERENCE_WORDS = {
    "tblite": "GFN1-xTB, semi-empirical: seconds, comes with aofl, not to be quoted",
    "cp2k": "CP2K, PBE-D3: needs CP2K",
    "gpaw": "GPAW, PBE-D3: needs the extra aofl[gpaw]",
    "espresso": "Quantum ESPRESSO, PBE-D3: needs pw.x and UPF files",
    "vasp": "VASP, PBE-D3: needs a licence and POTCAR files",
}
_ELEMENTS_OF = {"H2O": "HO", "EC": "CHO", "DMC": "CHO", "DME": "CHO", "diglyme": "CHO",
                "NaPF6": "PF", "LiPF6": "PF", "KPF6": "PF", "Mg(TFSI)2": "CFNOS"}  # fmt: skip
_TODO = {
    "espresso": "Put the names of your UPF files below.",
    "vasp": "POTCAR files are looked for in $VASP_PP_PATH, or in `potential_directory`.",
}


def first_system(metal: str, liquid: str, reference: str) -> RunConfig:
    """Return the configuration of three answers, keys of `METALS`, `LIQUIDS` and `REFERENCES`."""
    molecules = {SALTS[metal] if k == _SALT else k: n for k, n in LIQUIDS[liquid].items()}
    elements = sorted({metal, *"".join(_ELEMENTS_OF[name] for name in molecules)})
    settings = {"name": reference, **REFERENCES[reference]}
    if reference == "espresso":
        settings["pseudopotentials"] = {element: f"{element}.UPF" for element in elements}
    if reference == "cp2k" and "F" in elements:
        settings["cutoff_Ry"] = 400.0  # the preset refuses fluorine on its usual grid
    return config_from_mapping(
        {
            "mode": "aofl",
            "seed": 1,
            "system": {
                "electrode": METALS[metal],
                "electrolyte": {
                    "molecules": molecules,
                    "min_distance_A": NARROW if liquid in LONG else WIDE,
                },
                "equilibrate": {"temperature_K": 350.0},
            },
            "reference": settings,
            "learning": {"target_force_error_meV_per_A": 300},
            "dynamics": {
                "name": "langevin",
                "timestep_fs": 0.5,
                "temperature_K": 350,
                "friction_per_ps": 10,
                "steps": 4000,
            },
        },
        source="aofl init",
    )


def head_of(metal: str, liquid: str, reference: str) -> str:
    """Return the comment at the top of that configuration."""
    lines = [f"# {metal} metal under {LIQUID_WORDS[liquid]}; {REFERENCE_WORDS[reference]}."]
    if reference in _TODO:
        lines.append(f"# {_TODO[reference]}")
    return "\n".join(lines)
