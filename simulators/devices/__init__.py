"""Devices that answer byte for byte, on the far end of pseudo-terminals, with their faults."""
