"""What the server orders by state: the rule bundle and the desired state (P-12, P-15, P-16)."""
