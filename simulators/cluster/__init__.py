"""A whole cluster on one machine: three NATS nodes, PostgreSQL, several server processes."""
