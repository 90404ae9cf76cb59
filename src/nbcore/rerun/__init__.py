"""Runs of one chapter: what one will do, what it read, and two of them side by side."""
