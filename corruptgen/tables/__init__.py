"""Severity tables: their files, the catalogue of rows, and a row at a severity applied to an image."""
