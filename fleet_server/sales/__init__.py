"""The sales ledger: sales and their lines are never edited; later looks add to them."""
