"""EVA-DTS audit: reports of vending machines, and the two links they are read over."""
