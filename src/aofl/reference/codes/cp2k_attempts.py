"""The attempts of CP2K at one label: changes of an input that change the way and not the answer.

Attempts act on what an input has: a file that mixes densities gets another mixing, one with the
orbital transformation does not. The grid belongs to the level of theory and stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from aofl.reference.codes.cp2k_input import Section

DFT = ("FORCE_EVAL", "DFT")
SCF = (*DFT, "SCF")
DEFAULT_EPS_SCF, DEFAULT_MAX_SCF = 1e-5, 50  # CP2K's own
WAVE_FUNCTIONS = "warm.wfn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cp2kAttempt:
    """One attempt.

    Attributes
    ----------
    name
        For the record.
    tightness
        The SCF threshold is divided by it.
    cycles
        Factor on the largest number of cycles.
    bands
        Factor on the number of empty orbitals.
    alpha
        Share of the new density in the mixing; None leaves it.
    heating
        Factor on the electronic temperature of a calculation before, which the attempt starts
        from; None begins with superposed atoms.
    """

    name: str
    tightness: float = 1.0
    cycles: int = 1
    bands: float = 1.0
    alpha: float | None = None
    heating: float | None = None


CP2K_ATTEMPTS = (
    Cp2kAttempt(name="as it is"),
    Cp2kAttempt(name="fresh guess", tightness=10, cycles=2, bands=1.5),
    Cp2kAttempt(name="slow mixing", tightness=10, cycles=5, bands=1.5, alpha=0.15),
    Cp2kAttempt(name="cooled down", tightness=10, cycles=5, bands=2.0, alpha=0.15, heating=5.0),
)


def stages(tree: Section, attempt: Cp2kAttempt) -> list[Section]:
    """Return the inputs of one attempt, to be run in order; the last one makes the label."""
    final = _tightened(tree, attempt)
    temperature = _temperature(tree)
    if attempt.heating is None or temperature is None:
        return [final]
    hot = final.with_value(
        (*SCF, "SMEAR"), "ELECTRONIC_TEMPERATURE", f"[K] {attempt.heating * temperature:g}"
    )
    written = Section("RESTART", "ON", (("FILENAME", f"={WAVE_FUNCTIONS}"),))
    hot = hot.with_section((*SCF, "PRINT"), written)
    final = final.with_value(SCF, "SCF_GUESS", "RESTART")
    return [hot, final.with_value(DFT, "WFN_RESTART_FILE_NAME", WAVE_FUNCTIONS)]


def _tightened(tree: Section, attempt: Cp2kAttempt) -> Section:
    if attempt.tightness != 1.0:
        eps = _number(tree, "EPS_SCF", DEFAULT_EPS_SCF) / attempt.tightness
        tree = tree.with_value(SCF, "EPS_SCF", f"{eps:.3g}")
    if attempt.cycles != 1:
        cycles = int(_number(tree, "MAX_SCF", DEFAULT_MAX_SCF)) * attempt.cycles
        tree = tree.with_value(SCF, "MAX_SCF", str(cycles))
    bands = int(_number(tree, "ADDED_MOS", 0))
    if attempt.bands != 1.0 and bands > 0:
        tree = tree.with_value(SCF, "ADDED_MOS", str(round(attempt.bands * bands)))
    if attempt.alpha is not None and tree.find(*SCF, "MIXING") is not None:
        tree = tree.with_value((*SCF, "MIXING"), "ALPHA", f"{attempt.alpha:g}")
    return tree


def _temperature(tree: Section) -> float | None:
    """Return the electronic temperature, K, None where there is no smearing given in kelvin."""
    smear = tree.find(*SCF, "SMEAR")
    value = smear.value("ELECTRONIC_TEMPERATURE") if smear is not None else None
    return _plain_number(value.removeprefix("[K]")) if value is not None else None


def _number(tree: Section, keyword: str, default: float) -> float:
    scf = tree.find(*SCF)
    value = scf.value(keyword) if scf is not None else None
    number = _plain_number(value) if value is not None else None
    return default if number is None else number


def _plain_number(text: str) -> float | None:
    try:
        return float(text.split()[0].upper().replace("D", "E"))
    except (ValueError, IndexError):
        return None
