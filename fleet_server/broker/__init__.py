"""The embedded broker (amqtt) with our access rules; for small sites, CI and the demo."""
