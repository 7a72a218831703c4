"""Probes of what a model sees: how far it gets without colour, contrast, detail, phase, texture or shape."""
