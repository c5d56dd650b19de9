"""Temperature probes; today the Modbus ones."""
