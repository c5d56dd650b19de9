"""Refunds by the original route, behind a port; the route here is a visible fake."""
