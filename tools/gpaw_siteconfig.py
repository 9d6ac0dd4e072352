# ruff: noqa
# How GPAW is built by `make setup-gpaw`: a C++ compiler is all that it needs. PBE is built in,
# BLAS and FFT are those of numpy and scipy (measured: as fast as a linked OpenBLAS on one core).
mpi = False
compiler = "g++"
noblas = True
nolibxc = True
fftw = False
scalapack = False
libraries = []
