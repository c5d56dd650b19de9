"""Notices to people, as rows of the transaction that caused them; delivery comes afterwards."""
