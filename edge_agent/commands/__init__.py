"""Signed orders of the server, carried out at most once (P-13)."""
