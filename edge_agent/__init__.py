"""The agent on the cabinet: devices, journal, sale decisions, signed orders."""
