"""Devices of the cabinet: bytes in, readings out; one folder a device, one thread a bus."""
