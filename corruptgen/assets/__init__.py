"""Pictures and letters that corruptions use, found by their hashes."""
