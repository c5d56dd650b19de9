"""KERONG CU48 lock board (6-byte frame, sum)."""
