"""Bytes of image files and arrays: decoded, checked, brought to their size and encoded."""
