"""Winnsen locker boards (no check byte)."""
