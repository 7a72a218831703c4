"""Recipes: what dataset to make, section by section."""
