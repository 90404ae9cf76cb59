"""The papers' definitions as pure functions on arrays: no files, nothing else of nbcore.

Accuracies are fractions in [0, 1]. What cannot be computed raises `ValueError` with one sentence.
"""
