"""Vending controllers that speak FA FB (XY-VMC, "VMC - Upper computer" V3.0)."""
