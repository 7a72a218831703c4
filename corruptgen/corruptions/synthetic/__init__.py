"""Patterns that no camera makes: those of ImageNet-C-bar."""
