"""Shelves on scales: load-cell transmitters and what they weigh."""
