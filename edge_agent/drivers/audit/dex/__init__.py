"""DEX/UCS, the audit jack of American machines (EVA-DTS 6.2, chapter 4)."""
