"""Corruptions of pictures taken out of doors."""
