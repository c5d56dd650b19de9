"""WKLY lock boards (exclusive or, door changes told unasked)."""
