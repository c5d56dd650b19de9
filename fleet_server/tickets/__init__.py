"""Tickets: from a fault, a recall or a person to a proven repair, with one owner at all times."""
