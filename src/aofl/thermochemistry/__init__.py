"""Measured thermochemistry: crystals, molecules, enthalpies, and what a method makes of them."""
