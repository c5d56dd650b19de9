"""People who use the fleet over its real interfaces."""
