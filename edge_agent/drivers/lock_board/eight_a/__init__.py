"""8A/80 lock boards (exclusive or, 24 locks)."""
