"""Verification of an output against its records, its sources, and the code that made it."""
