"""Crystals of the interphase from published lattice parameters, and what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import cellpar_to_cell
from ase.spacegroup import crystal


@dataclass(frozen=True)
class Crystal:
    """A crystal: how to build its cell, motif and units in the cell, and its source."""

    build: Callable[[], Atoms]
    motif: str | None
    n_units: int
    source: str


def rock_salt(cation: str, anion: str, a: float) -> Callable[[], Atoms]:
    sites = [(0, 0, 0), (0.5, 0.5, 0.5)]
    return lambda: crystal((cation, anion), sites, spacegroup=225, cellpar=[a] * 3 + [90] * 3)


def antifluorite(cation: str, anion: str, a: float) -> Callable[[], Atoms]:
    sites = [(0.25, 0.25, 0.25), (0, 0, 0)]
    return lambda: crystal((cation, anion), sites, spacegroup=225, cellpar=[a] * 3 + [90] * 3)


def bcc(element: str, a: float) -> Callable[[], Atoms]:
    return lambda: crystal((element,), [(0, 0, 0)], spacegroup=229, cellpar=[a] * 3 + [90] * 3)


def sites(
    symbols: str,
    coordinates: list[tuple[float, float, float]],
    group: int,
    cell: list[float],
    **more,
) -> Callable[[], Atoms]:
    return lambda: crystal(
        symbols.split(), coordinates, spacegroup=group, cellpar=cell, onduplicates="error", **more
    )


def sodium_phosphate() -> Atoms:
    """T-Na3PO4 with its basic arrangement: a = 10.8084, c = 6.8178 Å are sqrt 2 and 1 times ours.

    P and Na sit as Bi and Li in Li3Bi (so the source), P-O is 1.54 Å; the tetrahedra stand all
    alike, with their fourfold inversion axis along c, where the crystal tilts them in turns.
    """
    cell = np.diag([10.8084 / np.sqrt(2), 10.8084 / np.sqrt(2), 6.8178])
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    reach = 1.54 / np.sqrt(3)
    vertices = reach * np.array(
        [[np.sqrt(2), 0, 1], [-np.sqrt(2), 0, 1], [0, np.sqrt(2), -1], [0, -np.sqrt(2), -1]]
    )
    sodium = np.array([[0.5, 0.5, 0.5], [0.25, 0.25, 0.25], [0.75, 0.75, 0.75]])
    atoms = Atoms(cell=cell, pbc=True)
    for corner in corners:
        atoms += Atoms("P", positions=[corner @ cell])
        atoms += Atoms("Na3", positions=(corner + sodium) @ cell)
        atoms += Atoms("O4", positions=corner @ cell + vertices)
    return atoms


THIRD = 1 / 3
CRYSTALS = {
    "Na": Crystal(bcc("Na", 4.2906), None, 0, "R. Barrett, Acta Cryst. 9, 671 (1956); 293 K"),
    "Li": Crystal(bcc("Li", 3.5093), None, 0, "Nadler and Kempter, Anal. Chem. 31, 2109 (1959)"),
    "K": Crystal(bcc("K", 5.328), None, 0, "Barrett (1956); 293 K"),
    "Na2O": Crystal(
        antifluorite("Na", "O", 5.55), "Na2O", 4,
        "Zintl, Harder, Dauth, Z. Elektrochem. 40, 588 (1934)",
    ),
    "Li2O": Crystal(antifluorite("Li", "O", 4.619), "Li2O", 4, "Zintl et al. (1934)"),
    "K2O": Crystal(antifluorite("K", "O", 6.436), "K2O", 4, "Zintl et al. (1934)"),
    "NaF": Crystal(rock_salt("Na", "F", 4.6342), "NaF", 4, "NBS Circular 539, 1, 63 (1953)"),
    "LiF": Crystal(rock_salt("Li", "F", 4.0270), "LiF", 4, "NBS Circular 539, 1, 61 (1953)"),
    "KF": Crystal(rock_salt("K", "F", 5.347), "KF", 4, "NBS Circular 539, 1, 64 (1953)"),
    "NaCl": Crystal(rock_salt("Na", "Cl", 5.6402), "NaCl", 4, "NBS Circular 539, 2, 41 (1953)"),
    "LiCl": Crystal(rock_salt("Li", "Cl", 5.1295), "LiCl", 4, "NBS Circular 539, 1, 62 (1953)"),
    "KCl": Crystal(rock_salt("K", "Cl", 6.2931), "KCl", 4, "NBS Circular 539, 1, 65 (1953)"),
    "NaH": Crystal(
        rock_salt("Na", "H", 4.880), "NaH", 4,
        "Shull, Wollan, Morton, Davidson, Phys. Rev. 73, 842 (1948)",
    ),
    "LiH": Crystal(rock_salt("Li", "H", 4.0834), "LiH", 4, "Staritzky (1956)"),
    "KH": Crystal(rock_salt("K", "H", 5.700), "KH", 4, "Zintl and Harder (1931)"),
    "NaOH": Crystal(
        sites(
            "Na O H", [(0, 0.164, 0.25), (0, 0.366, 0.25), (0, 0.451, 0.25)], 63,
            [3.401, 11.382, 3.398, 90, 90, 90],
        ),
        "NaOH", 4, "Stehr, Z. Kristallogr. 125, 332 (1967)",
    ),
    "LiOH": Crystal(
        sites(
            "Li O H", [(0, 0, 0), (0, 0.5, 0.1938), (0, 0.5, 0.4073)], 129,
            [3.549, 3.549, 4.334, 90, 90, 90], setting=1,
        ),
        "LiOH", 2, "Dachs, Z. Kristallogr. 112, 60 (1959)",
    ),
    "Na2O2": Crystal(
        sites(
            "Na Na O O",
            [(0.276, 0, 0), (0.634, 0, 0.5), (0, 0, 0.333), (THIRD, 2 / 3, 0.167)],
            189, [6.207, 6.207, 4.471, 90, 90, 120],
        ),
        "Na2O2", 3, "Tallman, Diss. Abstr. 20, 4293 (1960)",
    ),
    "Li2O2": Crystal(
        sites(
            "Li Li O", [(0, 0, 0), (THIRD, 2 / 3, 0.25), (THIRD, 2 / 3, 0.6485)], 194,
            [3.142, 3.142, 7.650, 90, 90, 120],
        ),
        "Li2O2", 2, "Cota and de la Mora, Acta Cryst. B 61, 133 (2005)",
    ),
    "Na2CO3": Crystal(
        sites(
            "Na Na Na C O O",
            [(0, 0, 0), (0, 0, 0.5), (0.17125, 0.5, 0.74784), (0.16454, 0.5, 0.24887),
             (0.10175, 0.29345, 0.28667), (0.28941, 0.5, 0.17472)],
            12, [8.898, 5.237, 5.996, 90, 101.87, 90],
        ),
        "Na2CO3", 4, "Dusek, Chapuis, Meyer, Petricek, Acta Cryst. B 59, 337 (2003); delta, 110 K",
    ),
    "Li2CO3": Crystal(
        sites(
            "Li C O O",
            [(0.19651, 0.44861, 0.83464), (0, 0.06566, 0.25), (0, 0.32153, 0.25),
             (0.14597, -0.06625, 0.31265)],
            15, [8.3593, 4.9725, 6.1975, 90, 114.83, 90],
        ),
        "Li2CO3", 4, "Effenberger and Zemann, Z. Kristallogr. 150, 133 (1979)",
    ),
    "Na3PO4": Crystal(
        sodium_phosphate, "Na3PO4", 4,
        "lattice: T-Na3PO4, Z. Kristallogr. 192, 233 (1990), doi:10.1524/zkri.1990.192.14.233",
    ),
    "Li3PO4": Crystal(
        sites(
            "Li Li P O O O",
            # published in Pcmn: a and c exchanged
            [(0.1635, 0.5013, 0.3030), (0.4233, 0.75, 0.2060), (0.4114, 0.25, 0.3088),
             (0.3417, 0.0445, 0.2038), (0.0500, 0.25, 0.2941), (0.0900, 0.75, 0.1193)],
            62, [10.483, 6.129, 4.926, 90, 90, 90],
        ),
        "Li3PO4", 4, "Bondareva, Simonov, Belov, Dokl. Akad. Nauk SSSR 240, 75 (1978)",
    ),
    "KOH": Crystal(
        sites(
            "K O H",
            # atoms as in mp-626716, which the same source underlies; it gives no hydrogens
            [(0.1722, 0.2418, 0.2881), (0.3242, 0.2530, 0.7748), (0.4304, 0.1058, 0.9095)],
            4, [3.95, 4.00, 5.73, 90, 103.6, 90],
        ),
        "KOH", 2, "Ibers, Kumamoto, Snyder, J. Chem. Phys. 33, 1164 (1960), "
        "doi:10.1063/1.1731351",
    ),
    # the one carbonate of potassium with coordinates at hand; it is called by its larger ion
    "LiKCO3": Crystal(
        sites(
            "Li K C O O O",
            [(0.4030, 0.0681, 0.1007), (-0.1720, 0.3545, 0.1670), (0.2938, 0.3322, 0.2136),
             (0.7437, -0.0244, 0.2104), (0.1602, 0.1898, 0.1293), (0.4785, 0.3327, 0.2194)],
            14, [7.2232, 7.0769, 7.5951, 90, 127.422, 90],
        ),
        "K2CO3", 4, "Idemoto et al., J. Phys. Chem. Solids 59, 363 (1998)",
    ),
    "NaO2": Crystal(
        sites(
            "Na O", [(0, 0, 0), (0.43, 0.43, 0.43)], 205, [5.490, 5.490, 5.490, 90, 90, 90],
        ),
        "NaO2", 4, "lattice: Templeton and Dauben, J. Am. Chem. Soc. 72, 2251 (1950); order: "
        "Carter and Templeton, ibid. 75, 5247 (1953)",
    ),
    "Li3N": Crystal(
        sites(
            "Li Li N", [(0, 0, 0.5), (THIRD, 2 / 3, 0), (0, 0, 0)], 191,
            [3.648, 3.648, 3.875, 90, 90, 120],
        ),
        "Li3N", 1, "Rabenau and Schulz, J. Less-Common Met. 50, 155 (1976)",
    ),
    "Li2S": Crystal(antifluorite("Li", "S", 5.708), "Li2S", 4, "Zintl et al. (1934)"),
    "Na2S": Crystal(antifluorite("Na", "S", 6.526), "Na2S", 4, "Zintl et al. (1934)"),
    "K2S": Crystal(antifluorite("K", "S", 7.391), "K2S", 4, "Zintl et al. (1934)"),
    "NaBr": Crystal(rock_salt("Na", "Br", 5.9732), "NaBr", 4, "NBS Circular 539, 3, 47 (1954)"),
    "NaI": Crystal(rock_salt("Na", "I", 6.4728), "NaI", 4, "NBS Circular 539, 4, 31 (1955)"),
    "KBr": Crystal(rock_salt("K", "Br", 6.6005), "KBr", 4, "NBS Circular 539, 1, 66 (1953)"),
    "KI": Crystal(rock_salt("K", "I", 7.0656), "KI", 4, "NBS Circular 539, 1, 68 (1953)"),
}  # fmt: skip


def potassium_bicarbonate() -> Atoms:
    """KHCO3 in P2_1/a, with the atom order K, H, C, O, O, O four times.

    Allan, Marshall, Pulham, American Mineralogist 92, 1018 (2007), at ambient pressure.
    """
    cell = cellpar_to_cell([15.195, 5.6298, 3.7088, 90, 104.534, 90])
    own = np.array(
        [[0.1681, 0.0300, 0.3020], [0.0149, 0.6940, 0.5459], [0.1225, 0.5200, 0.8600],
         [0.1945, 0.5390, 0.1000], [0.0785, 0.7220, 0.7290], [0.0835, 0.3230, 0.7220]]
    )  # fmt: skip
    glide = [0.5, 0.5, 0.0]
    images = [own, own * [1, -1, 1] + glide, own * [-1, 1, -1] + glide, -own]
    return Atoms("KHCOOO" * 4, scaled_positions=np.concatenate(images), cell=cell, pbc=True)
