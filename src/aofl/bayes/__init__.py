"""Bayesian linear regression on arrays: posterior, noise, calibration."""
