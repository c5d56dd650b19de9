"""Readings -> faults, pure: one rule a file, one engine of episodes, no clock and no I/O."""
