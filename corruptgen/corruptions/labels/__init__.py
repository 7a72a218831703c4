"""Noise of class labels: which items get another label, and which one."""
