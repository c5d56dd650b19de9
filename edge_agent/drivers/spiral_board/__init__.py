"""Vending controllers that turn spiral motors, some with an elevator."""
