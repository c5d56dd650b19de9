"""KERONG CU16 lock board ("sum" protocol)."""
