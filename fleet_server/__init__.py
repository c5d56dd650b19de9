"""The fleet server: ingest, tickets, dispatch, stock by lot and recalls behind every cabinet.

Features stand in a fixed order (pyproject, import contracts); a later one may import an earlier
one, never the reverse. Steps forward go through the tables in `wiring.py`.
"""
