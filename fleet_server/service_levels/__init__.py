"""The one engine of clocks: tickets, visits, recalls and cases all run in it.

Arithmetic is pure (`rules.py`), policies are data (`presets/`), the rest is a sweep over rows.
"""
