"""Modbus RTU: own frames, register profiles as data, one bus shared by several devices."""
