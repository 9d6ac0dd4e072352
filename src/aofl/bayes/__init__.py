"""Bayesian linear regression on arrays: posterior, evidence, calibration."""
