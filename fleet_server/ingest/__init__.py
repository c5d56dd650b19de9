"""Accept once, in one transaction: journal, effects, messages and cursor commit together (P-4)."""
