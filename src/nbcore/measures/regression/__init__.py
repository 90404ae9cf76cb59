"""Regression with a known truth: exact risks, ridge paths, and kernels that interpolate."""
