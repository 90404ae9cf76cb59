"""Calibration of predicted probabilities: errors in bins, smooth errors, distances, remedies.

Everywhere p (n,) are predicted probabilities in [0, 1] and y (n,) what happened: 0 or 1, or the
chance of it where a distribution is known. `weight` (n,): how much each counts, any scale. For more
than two classes take the probability of the predicted class, and whether it was right
(`confidence`).
"""
