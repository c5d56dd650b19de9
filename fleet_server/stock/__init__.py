"""Stock by cabinet, slot and lot: the same ledger as in the cabinet, kept from its journal."""
