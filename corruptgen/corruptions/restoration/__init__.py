"""What image restoration sets out to undo."""
