"""A learned force field for other engines: LAMMPS, through the files of ML-PACE."""
