"""Where corrupted images go."""
