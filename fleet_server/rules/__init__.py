"""The active rule set and its version: what every gate in the fleet obeys (P-16).

Below stock and cabinets in the order of packages, so that they can refuse blocked goods without
knowing what a recall is.
"""
