"""Compiled kernels: the formulas of `aofl.ace.reference`, fast."""
