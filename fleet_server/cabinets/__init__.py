"""Registry: sites, cabinets and their life, joining the fleet, desired state, orders to cabinets."""
