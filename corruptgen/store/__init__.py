"""The output directory: files that are whole or absent, their names, digests and lock."""
