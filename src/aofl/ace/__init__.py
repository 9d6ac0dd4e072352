"""The atomic cluster expansion as pure array mathematics: no ASE, no files, no logging."""
