"""The force field: repulsive baseline plus Bayesian linear ACE, with ASE structures at its edge."""
