"""The whole fleet in one process, under a virtual clock and one seed."""
