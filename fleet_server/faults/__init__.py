"""Fault episodes: what cabinets report, and what the server finds out about cabinets."""
