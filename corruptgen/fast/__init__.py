"""Compiled fast paths of corruptions, which give the pixels of their formulas and may be deleted."""
