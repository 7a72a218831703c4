"""Corruptions of any camera and any codec."""
