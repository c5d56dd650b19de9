"""Products and their lots: what a GTIN is, and what is printed on a lot."""
