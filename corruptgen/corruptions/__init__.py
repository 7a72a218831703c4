"""What can go wrong: one function per corruption, its path is domain/family/function."""
