"""Registry: sites, cabinets and their life, joining, desired state, orders to cabinets."""
