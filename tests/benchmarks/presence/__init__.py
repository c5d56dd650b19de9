"""How soon the server knows who is silent, and that it never takes a slow one for silent."""
