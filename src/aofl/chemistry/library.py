"""Readable names and charges of what is expected in electrolytes and in their products.

A graph is written as a line: an atom with its hydrogens (`CH2`), branches in parentheses, a ring
bond as `%1` at both of its ends. Bond orders are not written, because the bond graph has none. The
charge is the one a species carries beside a metal that gives electrons away. Where a system holds
no metal at all, as a gas does, the name in the last column, if there is one, stands for the neutral
fragment instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ase.data import atomic_numbers

from aofl.chemistry.canonical import graph_key

# name | charge | graph | name without any metal, neutral
TABLE = """
H2 | 0 | HH
H2O | 0 | OH2
OH- | -1 | OH | OH
H3O+ | 1 | OH3
H2O2 | 0 | OHOH
HO2- | -1 | OHO | HO2
O3 | 0 | OOO
F- | -1 | F | F
Cl- | -1 | Cl | Cl
Br- | -1 | Br | Br
I- | -1 | I | I
F2 | 0 | FF
Cl2 | 0 | ClCl
HF | 0 | HF
HF2- | -1 | H(F)F
HCl | 0 | HCl

CO | 0 | CO
CO3 2- | -2 | C(O)(O)O | CO3
HCO3- | -1 | C(O)(O)OH | HCO3
H2CO3 | 0 | C(O)(OH)OH
C2O4 2- | -2 | OC(O)C(O)O | C2O4
HCOO- | -1 | CH(O)O | HCOO
HCOOH | 0 | CH(O)OH
HCO | 0 | CHO
CH2O | 0 | CH2O
CH3OH | 0 | CH3OH
CH3O- | -1 | CH3O | CH3O
CH2OH | 0 | CH2OH
C2H5OH | 0 | CH3CH2OH
C2H5O- | -1 | CH3CH2O | C2H5O
CH3OCH3 | 0 | CH3OCH3
CH3OCH2 | 0 | CH3OCH2
CH3CHO | 0 | CH3CHO
CH3CO | 0 | CH3CO
CH3COO- | -1 | CH3C(O)O | CH3COO
oxirane | 0 | O%1CH2CH2%1
OCH2CH2 | -1 | OCH2CH2 | OCH2CH2
ethylene glycol | 0 | OHCH2CH2OH
ethylene glycolate 2- | -2 | OCH2CH2O | OCH2CH2O
hydroxyethoxide- | -1 | OHCH2CH2O | OHCH2CH2O
ketene | 0 | CH2CO
vinyl alcohol | 0 | CH2CHOH
vinyl alcoholate- | -1 | CH2CHO | CH2CHO
glycolaldehyde | 0 | CH(O)CH2OH
glycolaldehyde alcoholate- | -1 | CH(O)CH2O | CH(O)CH2O
glyoxal | 0 | CH(O)CHO
CH3COOH | 0 | CH3C(O)OH
HCOOCH3 | 0 | CH(O)OCH3

CH4 | 0 | CH4
CH3 | 0 | CH3
CH2 | 0 | CH2
CH | 0 | CH
C2H6 | 0 | CH3CH3
C2H5 | 0 | CH3CH2
C2H4 | 0 | CH2CH2
C2H3 | 0 | CH2CH
C2H2 | 0 | CHCH
C2H- | -1 | CHC | C2H
C3H8 | 0 | CH3CH2CH3
C3H6 | 0 | CH3CHCH2
C4H10 | 0 | CH3CH2CH2CH3
C6H6 | 0 | CH%1CHCHCHCHCH%1

EC | 0 | C%1(O)OCH2CH2O%1
EC opened (alkyl C-O)- | -1 | CH2CH2OC(O)O | EC opened (alkyl C-O)
EC opened (acyl C-O)- | -1 | OCH2CH2OCO | EC opened (acyl C-O)
EC minus H | 0 | C%1(O)OCHCH2O%1
PC | 0 | C%1(O)OCH2CH(CH3)O%1
PC opened (CH2-O)- | -1 | CH2CH(CH3)OC(O)O | PC opened (CH2-O)
PC opened (CH-O)- | -1 | CH(CH3)CH2OC(O)O | PC opened (CH-O)
PC opened (acyl, at CH2)- | -1 | OCH2CH(CH3)OCO | PC opened (acyl, at CH2)
PC opened (acyl, at CH)- | -1 | OCH(CH3)CH2OCO | PC opened (acyl, at CH)
FEC | 0 | C%1(O)OCH(F)CH2O%1
FEC opened (CHF-O)- | -1 | CH(F)CH2OC(O)O | FEC opened (CHF-O)
FEC opened (CH2-O)- | -1 | CH2CH(F)OC(O)O | FEC opened (CH2-O)
FEC opened (acyl, at CHF)- | -1 | OCH(F)CH2OCO | FEC opened (acyl, at CHF)
FEC opened (acyl, at CH2)- | -1 | OCH2CH(F)OCO | FEC opened (acyl, at CH2)
C2H3F | 0 | CH2CHF
VC | 0 | C%1(O)OCHCHO%1
VC opened (vinyl C-O)- | -1 | CHCHOC(O)O | VC opened (vinyl C-O)
VC opened (acyl C-O)- | -1 | OCHCHOCO | VC opened (acyl C-O)
DMC | 0 | CH3OC(O)OCH3
EMC | 0 | CH3OC(O)OCH2CH3
DEC | 0 | CH3CH2OC(O)OCH2CH3
CH3OCO2- | -1 | CH3OC(O)O | CH3OCO2
C2H5OCO2- | -1 | CH3CH2OC(O)O | C2H5OCO2
CH3OCO | 0 | CH3OCO
C2H5OCO | 0 | CH3CH2OCO
ethylene dicarbonate 2- | -2 | OC(O)OCH2CH2OC(O)O
butylene dicarbonate 2- | -2 | OC(O)OCH2CH2CH2CH2OC(O)O

DOL | 0 | O%1CH2OCH2CH2%1
DOL opened (OCH2-O)- | -1 | CH2OCH2CH2O | DOL opened (OCH2-O)
DOL opened (CH2CH2-O)- | -1 | OCH2OCH2CH2 | DOL opened (CH2CH2-O)
THF | 0 | O%1CH2CH2CH2CH2%1
THF opened- | -1 | OCH2CH2CH2CH2 | THF opened
DME | 0 | CH3OCH2CH2OCH3
CH3OCH2CH2O- | -1 | CH3OCH2CH2O | CH3OCH2CH2O
CH3OCH2CH2 | 0 | CH3OCH2CH2
CH3OCHCH2 | 0 | CH3OCHCH2
diglyme | 0 | CH3OCH2CH2OCH2CH2OCH3
CH3(OCH2CH2)2O- | -1 | CH3OCH2CH2OCH2CH2O | CH3(OCH2CH2)2O
CH3(OCH2CH2)2 | 0 | CH3OCH2CH2OCH2CH2
triglyme | 0 | CH3OCH2CH2OCH2CH2OCH2CH2OCH3
tetraglyme | 0 | CH3OCH2CH2OCH2CH2OCH2CH2OCH2CH2OCH3

PF6- | -1 | P(F)(F)(F)(F)(F)F
PF5 | 0 | P(F)(F)(F)(F)F
PF4 | 0 | P(F)(F)(F)F
PF3 | 0 | P(F)(F)F
PF2 | 0 | P(F)F
PF | 0 | PF
POF3 | 0 | P(O)(F)(F)F
PO2F2- | -1 | P(O)(O)(F)F
PO3F 2- | -2 | P(O)(O)(O)F
PO4 3- | -3 | P(O)(O)(O)O
PO3- | -1 | P(O)(O)O
HF2PO2 | 0 | P(O)(OH)(F)F
trimethyl phosphate | 0 | P(O)(OCH3)(OCH3)OCH3
BF4- | -1 | B(F)(F)(F)F
BF3 | 0 | B(F)(F)F
BF2 | 0 | B(F)F
BOB- | -1 | B%1%2(OC(O)C(O)O%1)OC(O)C(O)O%2
DFOB- | -1 | B%1(F)(F)OC(O)C(O)O%1
FSI- | -1 | N(S(O)(O)F)S(O)(O)F
HFSI | 0 | NH(S(O)(O)F)S(O)(O)F
FSI minus F 2- | -2 | N(S(O)(O)F)S(O)O
SO2F | 0 | S(O)(O)F
NSO2F 2- | -2 | NS(O)(O)F | NSO2F
NSO2 | 0 | NS(O)O
SO3F- | -1 | S(O)(O)(O)F
TFSI- | -1 | N(S(O)(O)C(F)(F)F)S(O)(O)C(F)(F)F
HTFSI | 0 | NH(S(O)(O)C(F)(F)F)S(O)(O)C(F)(F)F
NSO2CF3 2- | -2 | NS(O)(O)C(F)(F)F | NSO2CF3
CF3SO2- | -1 | C(F)(F)(F)S(O)O | CF3SO2
OTf- | -1 | C(F)(F)(F)S(O)(O)O
CF3 | 0 | C(F)(F)F
CF2 | 0 | C(F)F
CHF3 | 0 | CH(F)(F)F
CF4 | 0 | C(F)(F)(F)F
SO2 | 0 | S(O)O
SO3 2- | -2 | S(O)(O)O | SO3
SO4 2- | -2 | S(O)(O)(O)O
SO | 0 | SO
HS- | -1 | SH | SH
H2S | 0 | SH2
ClO4- | -1 | Cl(O)(O)(O)O
ClO3- | -1 | Cl(O)(O)O
ClO2- | -1 | Cl(O)O | ClO2
ClO- | -1 | ClO | ClO
NO3- | -1 | N(O)(O)O | NO3
NO2- | -1 | N(O)O | NO2
NO | 0 | NO
N2O | 0 | NNO
N2 | 0 | NN
NH4+ | 1 | NH4
NH3 | 0 | NH3
NH2- | -1 | NH2 | NH2
NH 2- | -2 | NH | NH
azide- | -1 | NNN
CN- | -1 | CN | CN
HCN | 0 | CHN
OCN- | -1 | NCO | NCO
acetonitrile | 0 | CH3CN
"""

_ATOM = re.compile(r"(Cl|Br|Si|[HBCNOFPSI])(H\d*)?((?:%\d)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the library says of one graph: name and charge (e) with and without metal around."""

    name: str
    charge: int
    bare_name: str
    bare_charge: int


@lru_cache(maxsize=1)
def library() -> dict[str, Entry]:
    """Return the entries by graph key."""
    entries = {}
    for line in TABLE.strip().splitlines():
        if not line:
            continue
        name, charge, graph, *bare = (part.strip() for part in line.split("|"))
        key = graph_key(*parse_graph(graph))
        entries[key] = Entry(
            name=name,
            charge=int(charge),
            bare_name=bare[0] if bare else name,
            bare_charge=0 if bare else int(charge),
        )
    return entries


def parse_graph(text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Return atomic numbers and bonds of a graph in the notation of this module.

    Raises
    ------
    ValueError
        If the text is not in the notation.
    """
    numbers: list[int] = []
    edges: list[tuple[int, int]] = []
    rings: dict[str, int] = {}
    branches: list[int] = []
    last: int | None = None
    at = 0
    while at < len(text):
        if text[at] == "(" and last is not None:
            branches.append(last)
            at += 1
        elif text[at] == ")" and branches:
            last = branches.pop()
            at += 1
        elif match := _ATOM.match(text, at):
            last = _add_atom(match, last, numbers, edges, rings)
            at = match.end()
        else:
            raise ValueError(f"{text!r} cannot be read from position {at}: {text[at:]!r}")
    if branches or rings:
        raise ValueError(f"{text!r} leaves a branch or a ring open")
    return numbers, edges


def _add_atom(
    match: re.Match[str],
    last: int | None,
    numbers: list[int],
    edges: list[tuple[int, int]],
    rings: dict[str, int],
) -> int:
    """Add an atom with its hydrogens and ring bonds; return its index."""
    here = len(numbers)
    symbol, hydrogens, marks = match.groups()
    n_hydrogens = int(hydrogens[1:] or 1) if hydrogens else 0
    numbers += [atomic_numbers[symbol], *[1] * n_hydrogens]
    edges += [(here, here + 1 + k) for k in range(n_hydrogens)]
    if last is not None:
        edges.append((last, here))
    for mark in re.findall(r"%\d", marks):
        if mark in rings:
            edges.append((rings.pop(mark), here))
        else:
            rings[mark] = here
    return here
