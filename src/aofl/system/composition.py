"""From amounts to whole molecules: mole, mass or volume parts, molarity, molality, density.

The molecules fill a volume V. With a density rho of the electrolyte their masses m_i add up to
rho V; without one their volumes v_i add up to V (ideal mixing). Both are one linear equation for
the scale t of the mixture: with numbers n_i known, parts x_i, and w = m and W = rho V, or w = v
and W = V,

    sum_i n_i w_i  +  sum_j c_j N_A V w_j  +  t sum_k x_k w_k  +  sum_l b_l M(t) w_l  =  W,

where c_j are molarities, b_l molalities per mass M(t) of all that is no salt. Salts are rounded
to whole formula units first, then t is solved again and the mixture is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aofl.config import ElectrolyteConfig
from aofl.errors import StructureError
from aofl.system.species import Unit
from aofl.system.volumes import (
    count_at_molarity,
    density_of_volume,
    molarity,
    volume_of_density,
)

DENSEST = 1.3  # of ideal mixing, from which liquids differ by a few percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much of one thing was asked for and is there.

    Attributes
    ----------
    name
        As in the configuration.
    count
        Whole molecules or formula units.
    asked, got
        In `unit`; `asked` is None where only the number was asked for.
    unit
        "mol/L", "mol/kg", or "of mixture" for mole fractions of the mixture.
    """

    name: str
    count: int
    asked: float | None
    got: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Whole numbers of what fills a volume.

    Attributes
    ----------
    counts
        Name: molecules or formula units.
    amounts
        What was asked for and got, in the order of `counts`.
    volume
        Å^3.
    density_asked
        g/cm^3, given or of ideal mixing; None where numbers and volume were given.
    density
        g/cm^3.
    """

    counts: dict[str, int]
    amounts: tuple[Amount, ...]
    volume: float
    density_asked: float | None
    density: float


def fill(config: ElectrolyteConfig, units: Mapping[str, Unit], volume: float | None) -> Composition:
    """Return the whole numbers of molecules that come closest to what was asked for.

    Parameters
    ----------
    config
        Amounts and density.
    units
        What each name means.
    volume
        To fill, Å^3; None takes what the numbers need at their density.

    Raises
    ------
    StructureError
        If a density is not known, something rounds to none, there is no room, or the total
        charge is not zero.
    """
    if volume is None:
        volume = _volume_needed(config, units)
    counts = {name: float(count) for name, count in config.molecules.items()}
    counts |= {n: count_at_molarity(c, volume) for n, c in config.mol_per_L.items()}
    if config.mixture or config.mol_per_kg:
        scale = _mixture_scale(config, units, counts, config.mol_per_kg, volume)
        solvent = _solvent_mass(config, units, counts, scale)
        counts |= {n: b * solvent / 1000 for n, b in config.mol_per_kg.items()}
    whole = {name: _whole(name, n, config, volume) for name, n in counts.items()}
    if config.mixture:
        scale = _mixture_scale(config, units, whole, {}, volume)
        parts = _mole_parts(config, units)
        whole |= {name: _whole(name, scale * x, config, volume) for name, x in parts.items()}
    _check_neutral(whole, units)
    return _composition(config, units, whole, volume)


def _volume_needed(config: ElectrolyteConfig, units: Mapping[str, Unit]) -> float:
    if config.mol_per_kg:
        solvent = _solvent_mass(config, units, config.molecules, 0.0)
        more = {n: b * solvent / 1000 for n, b in config.mol_per_kg.items()}
        counts = {**config.molecules, **{n: _whole(n, x, config, None) for n, x in more.items()}}
    else:
        counts = dict(config.molecules)
    if config.density_g_per_cm3 is not None:
        mass = sum(n * units[name].mass for name, n in counts.items())
        return volume_of_density(mass, config.density_g_per_cm3)
    return sum(n * _volume(units[name]) for name, n in counts.items())


def _mixture_scale(
    config: ElectrolyteConfig,
    units: Mapping[str, Unit],
    counts: Mapping[str, float],
    molalities: Mapping[str, float],
    volume: float,
) -> float:
    """Return t of the equation at the top of this module; 0 without a mixture."""
    if not config.mixture:
        return 0.0
    density = config.density_g_per_cm3

    def weight(name: str) -> float:
        return _volume(units[name]) if density is None else units[name].mass

    whole = volume if density is None else volume / volume_of_density(1.0, density)
    parts = _mole_parts(config, units)
    salt_per_mass = sum(b * weight(name) for name, b in molalities.items()) / 1000
    fixed = sum(n * weight(name) for name, n in counts.items())
    fixed += salt_per_mass * _solvent_mass(config, units, counts, 0.0)
    slope = sum(x * weight(name) for name, x in parts.items())
    slope += salt_per_mass * sum(x * units[name].mass for name, x in parts.items())
    if fixed >= whole:
        raise StructureError(
            f"{', '.join(counts)} alone fill the {volume:.0f} Å^3 of the gap, nothing is left for "
            f"the mixture of {', '.join(parts)}; use a larger `gap_A` or less of them"
        )
    return (whole - fixed) / slope


def _mole_parts(config: ElectrolyteConfig, units: Mapping[str, Unit]) -> dict[str, float]:
    match config.mixture_by:
        case "mass":
            parts = {name: x / units[name].mass for name, x in config.mixture.items()}
        case "volume":
            parts = {name: x / _volume(units[name]) for name, x in config.mixture.items()}
        case _:
            parts = dict(config.mixture)
    total = sum(parts.values())
    return {name: x / total for name, x in parts.items()}


def _solvent_mass(
    config: ElectrolyteConfig, units: Mapping[str, Unit], counts: Mapping[str, float], scale: float
) -> float:
    """Return the mass of all that is no salt, g/mol."""
    given = sum(n * units[name].mass for name, n in counts.items() if not units[name].is_ionic)
    parts = _mole_parts(config, units) if config.mixture else {}
    mixed = {name: x for name, x in parts.items() if not units[name].is_ionic}
    return given + scale * sum(x * units[name].mass for name, x in mixed.items())


def _volume(unit: Unit) -> float:
    if unit.volume is None:
        raise StructureError(
            f"the density of {unit.name} is not in the table; give `density_g_per_cm3` of the "
            f"electrolyte, or of {unit.name} under `electrolyte.species`"
        )
    return unit.volume


def _whole(name: str, amount: float, config: ElectrolyteConfig, volume: float | None) -> int:
    count = round(amount)
    if count:
        return count
    room = "" if volume is None else f" in the {volume:.0f} Å^3 of the gap"
    raise StructureError(
        f"the amount of {name} asked for is {amount:.2f} of one{room}; "
        "use a larger cell, more of it, or a number under `molecules`"
    )


def _check_neutral(counts: Mapping[str, int], units: Mapping[str, Unit]) -> None:
    charges = {name: n * units[name].charge for name, n in counts.items() if units[name].charge}
    total = sum(charges.values())
    if total:
        found = ", ".join(
            f"{counts[name]} {name} ({charge:+d})" for name, charge in charges.items()
        )
        raise StructureError(
            f"the cell has a total charge of {total:+d} e: {found}; "
            "add the counter ions, or give whole salts such as NaPF6"
        )


def _composition(
    config: ElectrolyteConfig, units: Mapping[str, Unit], counts: dict[str, int], volume: float
) -> Composition:
    mass = sum(n * units[name].mass for name, n in counts.items())
    known = all(units[name].volume is not None for name in counts)
    ideal = sum(n * _volume(units[name]) for name, n in counts.items()) if known else None
    asked = config.density_g_per_cm3
    mixed = None if ideal is None else density_of_volume(mass, ideal)
    if asked is None and (config.mixture or config.gap_A is None):
        asked = mixed
    elif asked is not None and mixed is not None and asked > DENSEST * mixed:
        raise StructureError(
            f"`density_g_per_cm3` is {asked:g}, which no liquid of {', '.join(counts)} has: the "
            f"pure liquids mix to about {mixed:.2f}; correct it, or leave it out"
        )
    return Composition(
        counts=counts,
        amounts=tuple(_amount(name, config, units, counts, volume) for name in counts),
        volume=volume,
        density_asked=asked,
        density=density_of_volume(mass, volume),
    )


def _amount(
    name: str,
    config: ElectrolyteConfig,
    units: Mapping[str, Unit],
    counts: Mapping[str, int],
    volume: float,
) -> Amount:
    count = counts[name]
    if name in config.mixture:
        mixed = sum(counts[other] for other in config.mixture)
        asked = _mole_parts(config, units)[name]
        unit = "of mixture"
        return Amount(name=name, count=count, asked=asked, got=count / mixed, unit=unit)
    if name in config.mol_per_kg:
        solvent = sum(n * units[x].mass for x, n in counts.items() if not units[x].is_ionic)
        got, asked = 1000 * count / solvent, config.mol_per_kg[name]
        return Amount(name=name, count=count, asked=asked, got=got, unit="mol/kg")
    asked_molarity = config.mol_per_L.get(name)
    got = molarity(count, volume)
    return Amount(name=name, count=count, asked=asked_molarity, got=got, unit="mol/L")
