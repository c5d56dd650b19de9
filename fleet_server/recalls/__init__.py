"""Holds and recalls: stop the sale, fetch the goods, tell every buyer, prove it."""
