"""Scoring: predictions on a generated dataset, compared with its manifest, become a table of metrics and a plot."""
