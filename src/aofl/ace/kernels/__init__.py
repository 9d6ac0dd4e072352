"""Compiled kernels: the equations of `aofl.ace.reference`, fast.

Three ways lead through one basis, and `aofl.ace.evaluate` alone calls them: the adjoint pass, rows
of the design matrix, and draws of the weights. Numbers are those of the equations.

============== ============================================= ==================================
file           computes                                      way
============== ============================================= ==================================
`surroundings` (5) radial functions from a table, (6), (7)   what all ways begin with: the
               density of one atom                           neighbours of an atom
`products`     (11), (13), (14) and their derivatives by A   what all ways share: eight atoms
                                                             at a time
`adjoint`      (15) energies, (16) to (18) forces, virial    adjoint: dE/dA first, one weight
                                                             vector, no derivative stored
`functions`    (7) to (14) functions of every atom           rows: B, the energy rows of the
                                                             design matrix
`rows`         derivatives of (8), (10), (13), (14) by       rows: the force and virial rows of
               positions and strain                          the design matrix
`local`        (15) deviation of the energy of one atom      draws: `N_DRAWS` weight vectors
`draws`        (16), (17) deviation of the forces            draws: adjoint of all at once
`simd`         vectors of eight numbers                      what the others compute with
============== ============================================= ==================================
"""
