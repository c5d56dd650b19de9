"""What one cabinet, one event, one connection cost: `make bench-scaling`, for docs/scaling.md."""
