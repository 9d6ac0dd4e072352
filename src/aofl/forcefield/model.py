"""The force field that learns: repulsion plus linear ACE with its posterior.

    E = sum_i [ E0(z_i) + w_{z_i} . B_i ] + ZBL,    w ~ posterior of all labels learned so far.

`learn` adds a label at a cost that does not depend on how many came before; `predict` gives
energy, forces and stress, and on demand the standard deviation of every force component.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.data import chemical_symbols

from aofl.ace.basis import Basis, BasisSettings, make_basis, settings_for
from aofl.ace.evaluate import Evaluation, Expansion, energy_forces, expand
from aofl.ace.kept_pairs import KeptPairs
from aofl.ace.neighbors import Neighbors
from aofl.calculator import Calculator
from aofl.errors import ModelError
from aofl.forcefield.baseline import repulsion
from aofl.forcefield.deviation import Way, force_deviation
from aofl.forcefield.gathered import Gathered
from aofl.forcefield.learned import (
    PREDICTS_ONLY,
    Learned,
    draws_of,
    for_production,
    from_all,
    from_one_more,
)
from aofl.forcefield.model_state import ModelState, ProductionState, check_shape
from aofl.forcefield.prior import PriorShape, prior_scales, prior_shape
from aofl.forcefield.rows import FORCES, NOISES, Rows, check_fit, label_rows, widest_gap
from aofl.forcefield.serialise import faults_named, read_model, write_model
from aofl.forcefield.structure import atomic_numbers, environments, kept_pairs, volume
from aofl.forcefield.watch import FAR, LEAST_LIMIT, OnUncertain, Watch
from aofl.records import ClosestPair, FloatArray, IntArray, Label, Prediction
from aofl.structure import AnyStructure, Structure

RENEWED_UNTIL = 5  # labels at each of which the prior is set anew


class ForceField(Calculator):
    """A Bayesian linear ACE for a fixed set of elements; also a plain ASE calculator.

    As a calculator it gives, beside ASE's properties, `forces_uncertainty` (n, 3): the calibrated
    standard deviation of the error of each force component, noise included; and
    `atomic_uncertainty` (n,): its rms over x, y, z; both in eV/Å. `level` is the level of theory of
    what was learned, None where nobody said.

    Parameters
    ----------
    elements
        Chemical symbols or atomic numbers; every structure must consist of them.
    accuracy
        "fast", "standard" or "high" (`aofl.ace.basis.ACCURACIES`).
    settings
        A basis of one's own instead of `accuracy`.
    on_uncertain
        What it does as a calculator where its own deviation tells that its forces are not to be
        believed: "warn" (once), "raise" a `ModelError`, or "ignore".
    uncertain_above
        Calibrated deviation of the force error of an atom, rms over x, y, z, eV/Å, above which
        they are not; None: ten times what the labels have left of its element, at least 0.5.
    """

    implemented_properties = [  # noqa: RUF012 - ASE's name and type
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "forces_uncertainty",
        "atomic_uncertainty",
    ]

    def __init__(
        self,
        elements: list[str] | list[int],
        accuracy: str = "standard",
        settings: BasisSettings | None = None,
        *,
        on_uncertain: OnUncertain = "warn",
        uncertain_above: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.on_uncertain, self.uncertain_above = on_uncertain, uncertain_above
        numbers = atomic_numbers(elements)
        chosen = settings or settings_for(accuracy, len(np.unique(numbers)))
        self.basis: Basis = make_basis(numbers, chosen)
        self.shape: PriorShape = prior_shape(self.basis)
        self.data = Gathered.nothing(len(self.shape.group))
        self.reference_energies: FloatArray | None = None
        self.calibration: FloatArray = np.ones((len(self.basis.species), 2))
        self.scales: FloatArray | None = None
        self.n_labels = 0
        self.n_labels_at_refit = 0
        self.learned: Learned | None = None
        self.level: str | None = None
        self._kept: KeptPairs | None = None
        self._watch = Watch()

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        on_uncertain: OnUncertain = "warn",
        uncertain_above: float | None = None,
    ) -> ForceField:
        """Return the force field saved in a file; loading never runs code.

        Parameters
        ----------
        on_uncertain, uncertain_above
            As of the class.

        Raises
        ------
        ModelError
            If the file is missing, damaged, or of a newer schema than this version reads.
        """
        state = read_model(Path(path))
        with faults_named(Path(path)):
            force_field = cls.from_state(state)
        force_field.on_uncertain, force_field.uncertain_above = on_uncertain, uncertain_above
        return force_field

    @classmethod
    def from_state(cls, state: ModelState | ProductionState) -> ForceField:
        """Return the force field that a state describes; it takes over the statistics.

        Raises
        ------
        ModelError
            If the state does not fit the basis of its settings, or cannot be fitted.
        """
        force_field = cls(state.elements, settings=state.settings)
        check_shape(state, force_field.shape)
        force_field.reference_energies = state.reference_energies
        force_field.calibration = state.calibration
        force_field.n_labels = state.n_labels
        force_field.level = state.level
        match state:
            case ModelState():
                force_field.data = state.data
                force_field.scales = state.scales
                force_field.refit()
            case ProductionState():
                force_field.learned = for_production(
                    force_field.basis, state.mean, state.draws, state.noise, state.n_labels
                )
        return force_field

    @property
    def state(self) -> ModelState:
        """All that it is, as plain data; the statistics in it are its own, not a copy.

        Raises
        ------
        ModelError
            If nothing was learned.
        """
        if self.scales is None or self.reference_energies is None:
            raise ModelError(
                PREDICTS_ONLY
                if self.learned is not None
                else "a force field without labels cannot be saved; train it first"
            )
        return ModelState(
            elements=self.elements,
            settings=self.basis.settings,
            data=self.data,
            scales=self.scales,
            reference_energies=self.reference_energies,
            calibration=self.calibration,
            n_labels=self.n_labels,
            level=self.level,
        )

    def save(self, path: Path | str, *, for_production: bool = False) -> None:
        """Save to one HDF5 file, atomically (see `aofl.forcefield.serialise`).

        Refits first where labels were appended since: the file holds no rows, and what is loaded
        from it predicts to the last bit what this one does from now on.

        Parameters
        ----------
        for_production
            Leave out what only learning needs: the file is small, is read at once, and predicts
            as the whole one would; it does not learn on.
        """
        if self.scales is not None and self.n_labels_at_refit < self.n_labels:
            self.refit()
        write_model(self.production_state if for_production else self.state, Path(path))

    @property
    def production_state(self) -> ProductionState:
        """All that it needs to predict, as plain data.

        Raises
        ------
        ModelError
            If nothing was learned, or it is a model for production itself.
        """
        known, learned = self.state, self.learned
        if learned is None or learned.posterior is None:
            raise ModelError("the labels were not fitted; call `refit` first")
        return ProductionState(
            elements=known.elements,
            settings=known.settings,
            mean=learned.posterior.mean,
            draws=draws_of(learned.posterior, learned.noise),
            noise=learned.noise,
            reference_energies=known.reference_energies,
            calibration=known.calibration,
            n_labels=known.n_labels,
            level=known.level,
        )

    @property
    def elements(self) -> list[str]:
        """Chemical symbols of the species, by increasing atomic number."""
        return [chemical_symbols[z] for z in self.basis.species]

    @property
    def force_noise(self) -> float:
        """Standard deviation of a force component around the best fit, eV/Å."""
        return float(self.learned.noise * NOISES[FORCES]) if self.learned else 0.0

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute what ASE asks for; uncertainties only where they are asked for."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        structure: Any = self.atoms
        wants_std = any("uncertainty" in name for name in properties or [])
        said = self._watched(Structure.of(structure), looks=wants_std)
        self.results = {
            "energy": said.energy,
            "free_energy": said.energy,
            "energies": said.energies,
            "forces": said.forces,
        }
        if structure.pbc.all():
            self.results["stress"] = said.stress
        if wants_std:
            sigma = self.error_deviation(structure, said.deviations)
            self.results["forces_uncertainty"] = sigma
            self.results["atomic_uncertainty"] = np.sqrt(np.mean(sigma**2, axis=1))

    def _watched(self, structure: Structure, *, looks: bool) -> Prediction:
        """Return a prediction, with the deviations of the forces if asked for or due.

        Raises
        ------
        ModelError
            If the forces are too uncertain, and that is to raise.
        """
        watches = self.learned is not None and self.on_uncertain != "ignore"
        watches = watches and (self._watch.is_due() or looks)
        said = self.predict(structure, forces_std="sampled" if looks or watches else None)
        if watches:
            sigma = np.sqrt(np.mean(self.error_deviation(structure, said.deviations) ** 2, axis=1))
            limits = self._limits(structure)
            self._watch.looked(sigma, limits, structure.numbers, self.on_uncertain)
        return said

    def _limits(self, structure: Structure) -> FloatArray:
        """Return above which deviation of each atom, eV/Å, (n,), forces are not to be believed."""
        if self.uncertain_above is not None:
            return np.full(len(structure), self.uncertain_above)
        left = self.calibration[:, 1] * self.force_noise
        limits = np.maximum(FAR * left, LEAST_LIMIT)
        return np.asarray(limits[self.basis.species_index(structure.numbers)])

    def error_deviation(self, atoms: AnyStructure, forces_std: FloatArray) -> FloatArray:
        """Return the calibrated deviation of the force errors, noise included, eV/Å, (n, 3)."""
        factor = self.calibration[self.basis.species_index(Structure.of(atoms).numbers)]
        variance = (factor[:, :1] * forces_std) ** 2 + (factor[:, 1:] * self.force_noise) ** 2
        return np.asarray(np.sqrt(variance))

    def predict(
        self,
        atoms: AnyStructure,
        *,
        forces_std: Way | None = None,
        energies_std: bool = False,
    ) -> Prediction:
        """Return energy, forces, stress and uncertainty of a structure.

        Parameters
        ----------
        forces_std
            Posterior standard deviation of the forces: "exact", at the price of some tens of
            force calls, or "sampled" over `N_DRAWS` draws of the posterior, true to about 10 %
            for each atom, at the price of about two; None leaves it out.
        energies_std
            Whether to give the standard deviation of the atomic energies over the same draws,
            which costs less than half a force call.

        Raises
        ------
        ModelError
            If the structure holds an element that the force field does not know.
        StructureError
            If a position is not a number, or two atoms are in the same place.
        """
        structure = Structure.of(atoms)
        neighbors, species = self._neighbors(structure)
        size = volume(structure)
        said, closest = self.contributions(
            neighbors, species, structure.numbers, energies_std=energies_std
        )
        deviation = None
        if forces_std is not None:
            deviation = force_deviation(self.basis, self.learned, neighbors, species, forces_std)
        return Prediction(
            energy=float(said.energies.sum()),
            forces=said.forces,
            stress=said.virial / size if size else np.zeros(6),
            energies=said.energies,
            energies_std=said.energies_std,
            forces_std=deviation,
            closest=closest,
        )

    def contributions(
        self,
        neighbors: Neighbors,
        species: IntArray,
        numbers: IntArray,
        *,
        energies_std: bool = False,
    ) -> tuple[Evaluation, ClosestPair | None]:
        """Return what the centres of a neighbour list add to energies, forces and virial.

        Forces are those on all atoms of the list, also on atoms that are no centres; the energies
        of these mean nothing.

        Parameters
        ----------
        species, numbers
            Index in the basis and atomic number of each atom, shape (n,).
        energies_std
            As in `predict`.

        Returns
        -------
        The sums over the centres, and the closest pair with a centre in it.
        """
        core = repulsion(neighbors, numbers)
        energies, forces, virial, local = core.energies, core.forces, core.virial, None
        if self.learned is not None:
            draws = self.learned.draws if energies_std else None
            ace = energy_forces(self.basis, self.learned.weights, neighbors, species, draws)
            energies = energies + ace.energies + self.learned.composition[species]
            energies += self._reference(species)
            forces, virial, local = forces + ace.forces, virial + ace.virial, ace.energies_std
        said = Evaluation(energies=energies, forces=forces, virial=virial, energies_std=local)
        return said, core.closest

    def learn(self, atoms: AnyStructure, label: Label) -> None:
        """Absorb one label and bring the posterior up to date.

        The prior is set by the first labels, and anew whenever so many have come since that the
        posterior is factorised again.

        Raises
        ------
        ModelError
            If the label holds numbers that cannot be fitted, or an unknown element.
        """
        if self.n_labels < RENEWED_UNTIL:
            self.absorb(atoms, label)
            self.renew()
        else:
            self.append(atoms, label)

    def append(self, atoms: AnyStructure, label: Label) -> None:
        """Absorb one label and bring the posterior up to date, the prior as it is.

        Costs a fraction of `renew`, which follows by itself when too many rows have gathered.
        """
        rows = self._absorb(Structure.of(atoms), label, 1)
        more = from_one_more(self.basis, self.learned, rows, self.data, self.scales, self.n_labels)
        if more is None:
            self.renew()
        else:
            self.learned = more

    def absorb(self, atoms: AnyStructure, label: Label, *, forces_only: bool = False) -> None:
        """Add a label to the data without refitting: for many at once, or to restore a model.

        Parameters
        ----------
        forces_only
            Leave out energy and stress.
        """
        self._absorb(Structure.of(atoms), label, 1, forces_only=forces_only)

    def forget(self, atoms: AnyStructure, label: Label) -> None:
        """Take away a label that was learned, and refit; the prior stays.

        Raises
        ------
        ModelError
            If it is the only label, or the rest cannot be fitted because this one was never
            learned; the force field is as it was.
        """
        if self.n_labels < 2:
            raise ModelError(f"of {self.n_labels} labels one must stay; start a new force field")
        structure = Structure.of(atoms)
        self._absorb(structure, label, -1)
        try:
            self.refit()
        except ModelError as error:
            self._absorb(structure, label, 1)
            raise ModelError(
                "the label to forget was not learned: without it no fit is possible; "
                "give a structure and label that were learned"
            ) from error

    def _absorb(
        self, structure: Structure, label: Label, sign: Literal[1, -1], *, forces_only: bool = False
    ) -> Rows:
        """Add a label to the data or take it away, and return its rows."""
        if self.learned is not None and self.learned.posterior is None:
            raise ModelError(PREDICTS_ONLY)
        expansion = self._expand(structure)
        check_fit(label, len(structure))
        if self.reference_energies is None:
            self.reference_energies = np.full(len(self.calibration), label.energy / len(structure))
        reference = float(self._reference(expansion.species).sum())
        # The stress of a cell with vacuum in it says nothing that the forces do not say better.
        dense = structure.pbc.all() and widest_gap(structure) <= self.basis.cutoff
        size = volume(structure) if dense else 0.0
        rows = label_rows(self.basis, expansion, structure.numbers, label, reference, size)
        rows = rows.only(FORCES) if forces_only else rows
        (self.data.add if sign > 0 else self.data.remove)(rows)
        self.n_labels += sign
        self.reset()  # type: ignore[no-untyped-call]  # results of before are no longer its own
        return rows

    def rows(self, atoms: AnyStructure) -> FloatArray:
        """Return the rows that a label of a structure would add, in units of their noise (m, p).

        Those of its energy and its forces; what the label says is not needed for them.
        """
        structure = Structure.of(atoms)
        n = len(structure)
        label = Label(energy=0.0, forces=np.zeros((n, 3)))
        expansion = self._expand(structure)
        return label_rows(self.basis, expansion, structure.numbers, label, 0.0, 0.0).matrix

    def environments(self, atoms: AnyStructure) -> FloatArray:
        """Return what the force field sees around each atom, unit vectors, shape (n, m)."""
        return environments(self.basis, *self._neighbors(Structure.of(atoms)))

    def refit(self) -> None:
        """Recompute the posterior from all data, the prior as it is."""
        if self.scales is None:
            raise ModelError("the force field has no labels to fit")
        std = self.shape.std(self.scales)
        self.learned = from_all(self.basis, std, self.data, self.scales, self.n_labels)
        self.n_labels_at_refit = self.n_labels

    def renew(self) -> None:
        """Set the prior by all that was seen, and recompute the posterior."""
        self.scales = prior_scales(self.shape, self.data.force_power)
        self.refit()

    def _expand(self, structure: Structure) -> Expansion:
        return expand(self.basis, *self._neighbors(structure))

    def _neighbors(self, structure: Structure) -> tuple[Neighbors, IntArray]:
        """Return the pairs within the cutoff, and some beyond, and the species of each atom."""
        self._kept = kept_pairs(self.basis, structure, self._kept)
        return self._kept.at(structure.positions), self._kept.species

    def _reference(self, species: IntArray) -> FloatArray:
        """Return the reference energy of each atom, taken off every label, eV, (n,)."""
        if self.reference_energies is None:
            return np.zeros(len(species))
        return self.reference_energies[species]
