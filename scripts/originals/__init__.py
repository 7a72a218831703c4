"""Replays of original programs, a module for each family."""
