"""What changed, by topic, as rows in the same transaction; the WebSocket polls them (500 ms)."""
