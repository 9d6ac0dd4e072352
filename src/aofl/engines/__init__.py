"""Engines that move the atoms in place of ASE: LAMMPS, on any number of MPI ranks."""
