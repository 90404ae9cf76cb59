"""nbcore: the tested core of *Lines & Depths*."""

__version__ = "0.1.0"
