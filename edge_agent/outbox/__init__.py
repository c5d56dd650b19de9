"""What the cabinet tells the server: journal and telemetry lanes, presence, and the uplink."""
