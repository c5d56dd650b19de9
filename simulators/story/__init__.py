"""The story of the design, played on real parts and proven step by step."""
