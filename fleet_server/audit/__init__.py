"""Append-only, hash-chained log of every change (`fleet-server audit verify`)."""
