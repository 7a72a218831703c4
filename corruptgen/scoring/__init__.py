"""Scoring: predictions on a generated dataset, held against its manifest, become a table of metrics and a plot."""
