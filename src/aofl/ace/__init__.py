"""The atomic cluster expansion (ACE) as pure array mathematics: no ASE, no files, no logging.

`reference` holds the equations, numbered; `radial`, `angular`, `coupling` and `mixtures` their
ingredients; `basis` the choice of functions and the order of columns, `products` the tables of
four- and five-body functions; `neighbors` and `pairs` find the pairs of atoms; `evaluate` is what
the rest of the package calls; `kernels` are compiled.
"""
