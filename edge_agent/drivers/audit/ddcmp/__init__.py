"""DDCMP, the audit link of European machines (EVA-DTS 6.2, chapters 3 and 6)."""
