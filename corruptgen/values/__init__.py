"""Plain values from outside, checked and brought to one form: severities, keys, addresses, labels, JSON, TOML."""
