"""Read-only views over everything below: the audit log now, service figures later."""
